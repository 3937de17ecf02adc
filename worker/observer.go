package worker

import (
	"time"

	"conductor-jwt/conductor"
	"conductor-jwt/task"
)

// End is how a delivery left the worker's hand.
type End string

// The ends.
const (
	Acknowledged End = "acknowledged" // the server answered the terminal update with a 2xx
	Postponed    End = "postponed"    // so did it for an outcome of [task.Later]
	GivenBack    End = "given_back"   // at the end of a drain
	Gone         End = "gone"         // the server no longer knows the task
	Refused      End = "refused"      // an update that no repetition heals
	LeaseSpent   End = "lease_spent"  // the server did not answer while the lease lasted
	Left         End = "left"         // nor before the worker had to end
)

// ends is the whole set.
func ends() []End { return []End{Acknowledged, Postponed, GivenBack, Gone, Refused, LeaseSpent, Left} }

// lost reports whether only the server's response timeout can help.
func (e End) lost() bool { return e == Refused || e == LeaseSpent || e == Left }

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
