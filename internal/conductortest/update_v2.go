package conductortest

import (
	"errors"
	"net/http"

	"conductor-jwt/conductor"
)

// updateTaskV2 is POST /api/tasks/update-v2, which conductor-python uses: an
// update that is answered with the next task of the same queue, or 204.
func (s *Server) updateTaskV2(w http.ResponseWriter, r *http.Request, c call) {
	result, extend, ok := readUpdate(c.body)
	switch {
	case !ok:
		problem(w, http.StatusInternalServerError, "JSON parse error")
		return
	case extend:
		s.Ledger.extend(result.TaskID)
		w.WriteHeader(http.StatusNoContent)
		return
	}
	before, known := s.Ledger.Task(result.TaskID)
	var e *conductor.Error
	if err := s.Ledger.update(result); errors.As(err, &e) {
		problem(w, e.Status, "No such task found by id: "+result.TaskID)
		return
	}
	if !known || before.Status.ended() {
		w.WriteHeader(http.StatusNoContent)
		return
	}
	tasks, err := s.Ledger.poll(r.Context(), conductor.Query{TaskType: before.Type, WorkerID: result.WorkerID, Count: 1}, Fault{})
	if err != nil || len(tasks) == 0 {
		w.WriteHeader(http.StatusNoContent)
		return
	}
	answer(w, tasks[0].polled())
}
