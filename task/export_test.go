package task

import "conductor-jwt/conductor/api"

type Input = inputSpec

func Inputs() []Input { return allInputs() }

// ErrPolicyDenied stands for the reasons of this package.
var ErrPolicyDenied = errPolicyDenied

func FaultOf(err error) (Fault, api.Status) { return faultOf(err) }

const VerifyType = verifyType

// FaultReasons returns the words for the faults of a token.
func FaultReasons() []string {
	words := []string{wordMalformed}
	for _, w := range faultWords() {
		words = append(words, w.word)
	}
	return words
}
