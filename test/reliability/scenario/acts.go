package main

import (
	"context"
	"encoding/json"
	"time"

	ct "conductor-jwt/test/conductortest"
	"conductor-jwt/test/reliability"
)

// billing is the task type whose tasks use a key of the policy.
const billing = "SIGN_FOR_BILLING"

// good runs tasks without a fault.
func (s *show) good(ctx context.Context) error {
	s.stage.Load(10)
	return s.stage.Await(ctx)
}

func (s *show) busy(ctx context.Context) error {
	for _, act := range []func(context.Context) error{s.faults, s.duplicates, s.unreadable} {
		if err := act(ctx); err != nil {
			return err
		}
	}
	return nil
}

// faults runs good and bad tasks while the server's clock is late and the server
// refuses some calls.
func (s *show) faults(ctx context.Context) error {
	s.off.Store(int64(-90 * time.Second))
	s.stage.Ledger.SetFaults(ct.Plan(
		1,
		ct.Rule{Call: "poll", Times: 1, Fault: ct.Fault{Status: 503}},
		ct.Rule{Call: "update", Times: 1, Fault: ct.Fault{Status: 500}},
		ct.Rule{Call: "update", Times: 1, Fault: ct.Fault{Status: 400}},
		ct.Rule{Call: "get task", Times: 3, Fault: ct.Fault{Status: 403}},
	))
	s.stage.Load(30)
	s.add(reliability.TaskType, ct.TaskSpec{Template: json.RawMessage(`{"subject": "a", "privateKey": "no key at all"}`)})
	s.stage.Ledger.SetSecret("off", "${workflow.secrets.off}") // as a server without secrets substitutes it
	s.add(reliability.TaskType, ct.TaskSpec{Template: json.RawMessage(`{"subject": "a", "privateKey": "${workflow.secrets.off}"}`)})
	s.stage.Enqueue(func(t *ct.TaskSpec) { t.Definition = &ct.Definition{} }) // no response timeout
	for _, issuer := range []string{"billing", "evil"} {
		input := `{"keyRef": "billing", "audience": "https://api.example.com", "issuer": "https://` + issuer + `.example.com"}`
		s.add(billing, ct.TaskSpec{Input: json.RawMessage(input)})
	}
	return s.stage.Await(ctx)
}

// add enqueues a task that is not retried.
func (s *show) add(kind string, t ct.TaskSpec) {
	s.stage.Enqueue(func(usual *ct.TaskSpec) {
		usual.Type, usual.Template, usual.Input = kind, t.Template, t.Input
		usual.Definition = &ct.Definition{ResponseTimeout: usual.Definition.ResponseTimeout}
	})
}

// duplicates delivers tasks again while they are in flight.
func (s *show) duplicates(ctx context.Context) error {
	if err := s.setFaults(ctx, func(c ct.Call) ct.Fault { return ct.Fault{Twice: c.Name == "poll"} }); err != nil {
		return err
	}
	s.stage.Load(30)
	return s.stage.Await(ctx)
}

// unreadable delivers a task whose IDs cannot be read.
func (s *show) unreadable(ctx context.Context) error {
	if err := s.setFaults(ctx, ct.Plan(1, ct.Rule{Call: "poll", Fault: ct.Fault{Spoil: ct.SpoilID}})); err != nil {
		return err
	}
	before := len(s.stage.Ledger.Deliveries())
	s.stage.Load(1)
	if err := s.stage.Ledger.WaitFor(ctx, func() bool { return len(s.stage.Ledger.Deliveries()) > before }); err != nil {
		return err
	}
	if err := s.setFaults(ctx, nil); err != nil {
		return err
	}
	return s.stage.Await(ctx)
}
