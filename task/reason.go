package task

import (
	"unicode/utf8"
)

// maxReason is where the server cuts reasonForIncompletion, in characters.
const maxReason = 500

// reason writes reasonForIncompletion: code: field: what was found; what to do.
func reason(fault Fault) string {
	text := fault.Code + ": "
	if fault.Field != "" {
		text += fault.Field + ": "
	}
	return CutReason(text + fault.Message)
}

// CutReason shortens a reason to what the server keeps, whole characters.
func CutReason(text string) string {
	if utf8.RuneCountInString(text) <= maxReason {
		return text
	}
	n := 0
	for i := range text {
		if n++; n == maxReason {
			return text[:i] + "…"
		}
	}
	return text
}
