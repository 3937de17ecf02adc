package worker

import (
	"time"

	"conductor-jwt/conductor"
	"conductor-jwt/task"
)

// Polled is a poll that has returned. Class is empty where it succeeded.
type Polled struct {
	TaskType   string
	Asked, Got int
	Class      conductor.Class
	Took       time.Duration
}

// Executed is a delivery that was run. Its Outcome holds no input; its Output
// holds the token.
type Executed struct {
	TaskType string

	TaskID, WorkflowID, TaskName string // as the server wrote them
	Outcome                      task.Outcome
	Took                         time.Duration
}

// Updated is one attempt to report. Class is empty where it succeeded.
type Updated struct {
	TaskType string
	Class    conductor.Class
	Bytes    int // of outputData
	Took     time.Duration
}

// Observer is told what the engine does: metrics are one, a status page may be
// another. Its methods are called from many goroutines and must not block.
// Every taskType is one of Options.TaskTypes.
type Observer interface {
	Polled(e Polled)
	QueueFull(taskType string) // a poller with work to fetch found no free slot
	Received(taskType string)  // a delivery is in hand
	Duplicate(taskType string) // a delivery of a task that is in hand
	Unbounded(taskType string) // a delivery whose definition has no response timeout
	Executed(e Executed)
	Updated(e Updated)
	Ended(taskType string, end End) // a delivery that was in hand no longer is
	Panicked()
}

// Observers tells each in turn.
type Observers []Observer

// Polled implements [Observer].
func (o Observers) Polled(e Polled) {
	for _, each := range o {
		each.Polled(e)
	}
}

// QueueFull implements [Observer].
func (o Observers) QueueFull(taskType string) {
	for _, each := range o {
		each.QueueFull(taskType)
	}
}

// Received implements [Observer].
func (o Observers) Received(taskType string) {
	for _, each := range o {
		each.Received(taskType)
	}
}

// Duplicate implements [Observer].
func (o Observers) Duplicate(taskType string) {
	for _, each := range o {
		each.Duplicate(taskType)
	}
}

// Unbounded implements [Observer].
func (o Observers) Unbounded(taskType string) {
	for _, each := range o {
		each.Unbounded(taskType)
	}
}

// Executed implements [Observer].
func (o Observers) Executed(e Executed) {
	for _, each := range o {
		each.Executed(e)
	}
}

// Updated implements [Observer].
func (o Observers) Updated(e Updated) {
	for _, each := range o {
		each.Updated(e)
	}
}

// Ended implements [Observer].
func (o Observers) Ended(taskType string, end End) {
	for _, each := range o {
		each.Ended(taskType, end)
	}
}

// Panicked implements [Observer].
func (o Observers) Panicked() {
	for _, each := range o {
		each.Panicked()
	}
}
