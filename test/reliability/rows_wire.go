package reliability

import (
	"time"

	"conductor-jwt/test/conductortest"
)

// byCall selects a plan by the call's name.
func byCall(plans map[string]conductortest.Faults) conductortest.Faults {
	return func(c conductortest.Call) conductortest.Fault {
		if plan := plans[c.Name]; plan != nil {
			return plan(c)
		}
		return conductortest.Fault{}
	}
}

func wire(kinds ...conductortest.Wire) []conductortest.Fault {
	var out []conductortest.Fault
	for _, k := range kinds {
		out = append(out, conductortest.Fault{Wire: k})
	}
	return out
}

// afterProcessing processes the call and then damages the response.
func afterProcessing(kinds ...conductortest.Wire) []conductortest.Fault {
	out := wire(kinds...)
	for i := range out {
		out[i].Lost = true
	}
	return out
}

// SlowResponses is row 10a.
func SlowResponses() Row {
	kinds := []conductortest.Wire{conductortest.WireHang, conductortest.WireSlow, conductortest.WireEndless}
	return Row{
		Number: 10, Fault: "slow headers, a body of a byte at a time, a body without end", Tasks: 60,
		Plan: byCall(map[string]conductortest.Faults{
			"poll": first(1, "poll", wire(kinds...)...), "update": first(1, "update", append(wire(kinds...), afterProcessing(kinds...)...)...),
		}),
	}
}

// BrokenResponses is row 11a.
func BrokenResponses() Row {
	kinds := []conductortest.Wire{
		conductortest.WireTruncated, conductortest.WireShort, conductortest.WireGarbage, conductortest.WireClose,
	}
	return Row{
		Promise: Promise{AllowsRedelivery: true},
		Number:  11, Fault: "truncated JSON, a short body, no HTTP at all", Tasks: 60, Options: Options{Lease: 3 * time.Second},
		Plan: byCall(map[string]conductortest.Faults{
			"poll":   first(1, "poll", append(wire(kinds...), afterProcessing(kinds...)...)...),
			"update": first(2, "update", append(wire(kinds...), afterProcessing(kinds...)...)...),
		}),
	}
}

// OversizedResponses is row 12.
func OversizedResponses() Row {
	kinds := []conductortest.Wire{conductortest.WireBomb, conductortest.WireHuge}
	return Row{
		Number: 12, Fault: "a gzip bomb, a body of 200 MB", Tasks: 40,
		Plan: byCall(map[string]conductortest.Faults{
			"poll": first(3, "poll", wire(kinds...)...), "update": first(2, "update", append(wire(kinds...), afterProcessing(kinds...)...)...),
		}),
	}
}

// OneBadTask is row 13.
func OneBadTask() Row {
	return Row{
		Promise: Promise{MaxFailed: 2},
		Number:  13, Fault: "one unreadable task among fifty", Tasks: 50, Options: Options{Lease: 5 * time.Second},
		Env:  map[string]string{"CONDUCTOR_JWT_SLOTS": "50"},
		Plan: conductortest.Plan(1, conductortest.Rule{Call: "poll", Times: 2, Fault: conductortest.Fault{Unreadable: conductortest.UnreadableField}}),
	}
}
