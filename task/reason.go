package task

import "unicode/utf8"

// maxReason is where the server cuts reasonForIncompletion, in characters.
const maxReason = 500

// reason writes reasonForIncompletion: code: field: what was found; what to do.
func reason(fault Fault) string {
	text := fault.Code + ": "
	if fault.Field != "" {
		text += fault.Field + ": "
	}
	return cut(text+fault.Message, maxReason)
}

// cut shortens text to so many characters, whole ones.
func cut(text string, limit int) string {
	if utf8.RuneCountInString(text) <= limit {
		return text
	}
	n := 0
	for i := range text {
		if n++; n == limit {
			return text[:i] + "…"
		}
	}
	return text
}
