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

// valid runs tasks without a fault.
func (s *scenario) valid(ctx context.Context) error {
	s.testbed.Load(10)
	return s.testbed.Await(ctx)
}

func (s *scenario) faulty(ctx context.Context) error {
	for _, phase := range []func(context.Context) error{s.faults, s.duplicates, s.unreadable} {
		if err := phase(ctx); err != nil {
			return err
		}
	}
	return nil
}

// faults runs valid and invalid tasks while the server's clock is behind and the server
// refuses some calls.
func (s *scenario) faults(ctx context.Context) error {
	s.off.Store(int64(-90 * time.Second))
	s.testbed.Ledger.SetFaults(ct.Plan(
		1,
		ct.Rule{Call: "poll", Times: 1, Fault: ct.Fault{Status: 503}},
		ct.Rule{Call: "update", Times: 1, Fault: ct.Fault{Status: 500}},
		ct.Rule{Call: "update", Times: 1, Fault: ct.Fault{Status: 400}},
		ct.Rule{Call: "get task", Times: 3, Fault: ct.Fault{Status: 403}},
	))
	s.testbed.Load(30)
	s.add(reliability.TaskType, ct.TaskSpec{Template: json.RawMessage(`{"subject": "a", "privateKey": "no key at all"}`)})
	s.testbed.Ledger.SetSecret("off", "${workflow.secrets.off}") // as a server without secrets substitutes it
	s.add(reliability.TaskType, ct.TaskSpec{Template: json.RawMessage(`{"subject": "a", "privateKey": "${workflow.secrets.off}"}`)})
	s.testbed.Enqueue(func(t *ct.TaskSpec) { t.Definition = &ct.Definition{} }) // no response timeout
	for _, issuer := range []string{"billing", "evil"} {
		input := `{"keyRef": "billing", "audience": "https://api.example.com", "issuer": "https://` + issuer + `.example.com"}`
		s.add(billing, ct.TaskSpec{Input: json.RawMessage(input)})
	}
	return s.testbed.Await(ctx)
}

// add enqueues a task that is not retried.
func (s *scenario) add(kind string, t ct.TaskSpec) {
	s.testbed.Enqueue(func(usual *ct.TaskSpec) {
		usual.Type, usual.Template, usual.Input = kind, t.Template, t.Input
		usual.Definition = &ct.Definition{ResponseTimeout: usual.Definition.ResponseTimeout}
	})
}

// duplicates delivers tasks again while they are in flight.
func (s *scenario) duplicates(ctx context.Context) error {
	if err := s.setFaults(ctx, func(c ct.Call) ct.Fault { return ct.Fault{Twice: c.Name == "poll"} }); err != nil {
		return err
	}
	s.testbed.Load(30)
	return s.testbed.Await(ctx)
}

// unreadable delivers a task whose IDs cannot be read.
func (s *scenario) unreadable(ctx context.Context) error {
	if err := s.setFaults(ctx, ct.Plan(1, ct.Rule{Call: "poll", Fault: ct.Fault{Unreadable: ct.UnreadableID}})); err != nil {
		return err
	}
	before := len(s.testbed.Ledger.Deliveries())
	s.testbed.Load(1)
	if err := s.testbed.Ledger.WaitFor(ctx, func() bool { return len(s.testbed.Ledger.Deliveries()) > before }); err != nil {
		return err
	}
	if err := s.setFaults(ctx, nil); err != nil {
		return err
	}
	return s.testbed.Await(ctx)
}
