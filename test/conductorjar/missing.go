package conductorjar

import "strings"

// Missing is one thing that the server needs and that was neither found nor
// can be fetched.
type Missing struct {
	What   string // "Java 21 or newer"
	Found  string // what was found instead
	Remedy string // what to do, for one paste into a shell where that can be
}

// MissingError names everything that is missing, in one message.
type MissingError struct {
	Items []Missing
}

// Error implements the error interface.
func (e *MissingError) Error() string {
	var b strings.Builder
	b.WriteString("the real thing cannot be started: ")
	for i, item := range e.Items {
		if i > 0 {
			b.WriteString(" and ")
		}
		b.WriteString(item.What)
	}
	b.WriteString(" missing")
	for _, item := range e.Items {
		b.WriteString("\n  - " + item.What + ": " + item.Found + "\n    " + item.Remedy)
	}
	return b.String()
}
