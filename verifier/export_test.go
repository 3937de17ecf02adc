package verifier

type Status = status

func (v *Verifiers) Status() []Status { return v.statuses() }
