package reliability

import (
	"slices"
	"time"

	"conductor-jwt/conductor/api"
	"conductor-jwt/test/conductortest"
)

// Latencies are the times from enqueueing to the end of tasks, by when they
// were enqueued.
type Latencies struct {
	Before, During []time.Duration
	Retries        int // that were spent
	Failed         int // tasks that did not complete
	// Last is how long after the end of the outage the last task ended.
	Last time.Duration
}

// sent is when a task was enqueued.
type sent struct {
	id string
	at time.Time
}

// latencies judges tasks that were enqueued around an outage.
func latencies(l *conductortest.Ledger, tasks []sent, from, to time.Time) Latencies {
	var all Latencies
	for _, task := range tasks {
		last, _ := l.Last(task.id)
		all.Retries += last.Retry
		if last.Status != api.Completed {
			all.Failed++
			continue
		}
		took := last.Ended.Sub(task.at)
		if task.at.Before(from) {
			all.Before = append(all.Before, took)
		} else if task.at.Before(to) {
			all.During = append(all.During, took)
		}
		all.Last = max(all.Last, last.Ended.Sub(to))
	}
	slices.Sort(all.Before)
	slices.Sort(all.During)
	return all
}

// p99 is the 99th percentile of sorted times.
func p99(sorted []time.Duration) time.Duration {
	if len(sorted) == 0 {
		return 0
	}
	return sorted[(len(sorted)-1)*99/100]
}
