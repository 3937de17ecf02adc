package task_test

import (
	"testing"

	"conductor-jwt/conductor/api"
	"conductor-jwt/task"
)

func BenchmarkHandle(b *testing.B) {
	h := task.NewHandler(options())
	d := api.Task{ID: "task-1", Scheduled: noon, Input: input(seedInput), Template: []byte(seedTemplate)}
	b.ReportAllocs()
	for b.Loop() {
		if out := h.Handle(b.Context(), d); out.Status != api.Completed {
			b.Fatal(out.Reason)
		}
	}
}
