package reliability

import (
	"conductor-jwt/conductor/api"
	"conductor-jwt/test/conductortest"
)

// Tally is what deliveries say of a worker.
type Tally struct {
	// TakenBack is the deliveries that the server took back, because the
	// worker was silent for the response timeout.
	TakenBack int
	// Again is the tasks that were completed by more than one delivery.
	Again int
	// Repeated is the updates that said the same once more.
	Repeated int
}

// add counts deliveries. All those of one task come in one call.
func (t *Tally) add(deliveries []conductortest.Delivery) {
	done := map[string]int{}
	for _, d := range deliveries {
		if d.End == conductortest.EndTimedOut {
			t.TakenBack++
		}
		said := 0
		for _, u := range d.Updates {
			if u.Result.Status == api.Completed {
				said++
			}
		}
		if said > 0 {
			done[d.First]++
			t.Repeated += said - 1
		}
	}
	for _, n := range done {
		if n > 1 {
			t.Again++
		}
	}
}
