package task

import "conductor-jwt/conductor/api"

type Input = inputSpec

func Inputs() []Input { return allInputs() }

// ErrPolicyDenied stands for the reasons of this package.
var ErrPolicyDenied = errPolicyDenied

func FaultOf(err error) (Fault, api.Status) { return faultOf(err) }
