package task

import "conductor-jwt/conductor/api"

type Input = inputSpec

func Inputs() []Input { return allInputs() }

func FaultOf(err error) (Fault, api.Status) { return faultOf(err) }
