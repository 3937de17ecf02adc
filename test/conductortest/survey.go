package conductortest

import (
	"encoding/json"
	"maps"
	"net/http"
	"slices"
)

// SetWorkflows gives the list of workflow definitions, a JSON array, that the
// server answers with. Nothing is started by it.
func (l *Ledger) SetWorkflows(raw json.RawMessage) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.workflowDefs = raw
}

func (s *Server) workflowDefs(w http.ResponseWriter, _ *http.Request, _ call) {
	s.Ledger.mu.Lock()
	raw := s.Ledger.workflowDefs
	s.Ledger.mu.Unlock()
	if raw == nil {
		raw = json.RawMessage("[]")
	}
	answer(w, raw)
}

// secretNames lists the secrets, to anybody where nobody needs to authenticate.
func (s *Server) secretNames(w http.ResponseWriter, _ *http.Request, _ call) {
	s.Ledger.mu.Lock()
	names := slices.Sorted(maps.Keys(s.Ledger.secrets))
	s.Ledger.mu.Unlock()
	answer(w, names)
}

// pollData names for each domain the last worker that polled.
func (s *Server) pollData(w http.ResponseWriter, r *http.Request, _ call) {
	type row struct {
		QueueName    string `json:"queueName"`
		Domain       string `json:"domain,omitempty"`
		WorkerID     string `json:"workerId"`
		LastPollTime int64  `json:"lastPollTime"`
	}
	last := map[string]row{}
	for _, p := range s.Ledger.Polls() {
		if p.Query.TaskType == r.URL.Query().Get("taskType") {
			last[p.Query.Domain] = row{p.Query.TaskType, p.Query.Domain, p.Query.WorkerID, p.At.UnixMilli()}
		}
	}
	rows := slices.AppendSeq([]row{}, maps.Values(last))
	answer(w, rows)
}
