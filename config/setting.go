package config

import (
	"slices"
	"strings"
)

// Setting is one row of the table.
type Setting struct {
	Name    string // in the file, snake_case
	Env     string
	Flag    string // without dashes; empty where no flag sets it
	Default string // as it would be written; a sentence where Computed
	About   string // one sentence
	Group   Group
	Kind    Kind
	Choices []string // of a Choice

	Computed bool // the default is worked out at start
	Secret   bool // never printed, no flag, and a twin that names a file

	// Least and Most bound a Count, and a Duration in nanoseconds.
	Least, Most int64

	field func(*Config) any // where it is kept; nil where it is not kept
}

// Kind is what a setting's text is read as.
type Kind string

// The kinds.
const (
	Text     Kind = "text"
	Path     Kind = "path"
	URL      Kind = "url"
	Proxy    Kind = "proxy"    // a URL that may hold a password
	Address  Kind = "address"  // host:port, :port or off
	Duration Kind = "duration" // Go's syntax
	Count    Kind = "count"    // a whole number
	Switch   Kind = "switch"   // true or false
	Choice   Kind = "choice"
	List     Kind = "list" // in the environment and a flag separated by commas
)

// Group is a part of the table.
type Group string

// The groups, in their order.
const (
	GroupConnection Group = "Connection to Conductor"
	GroupWork       Group = "Polling and running"
	GroupTask       Group = "The task"
	GroupSeen       Group = "Seen from outside"
)

// EnvFile is the variable that names a file which holds the secret.
func (s Setting) EnvFile() string {
	if !s.Secret {
		return ""
	}
	return s.Env + "_FILE"
}

// NameFile is what [Setting.EnvFile] is, in the file.
func (s Setting) NameFile() string {
	if !s.Secret {
		return ""
	}
	return s.Name + "_file"
}

// inFile reports whether the configuration file may hold the setting; the
// file's own path is set from outside.
func (s Setting) inFile() bool { return s.Name != settingConfig }

// canBeOff reports whether off is a value of the setting.
func (s Setting) canBeOff() bool {
	return s.Kind == Address || s.Default == off || slices.Contains(s.Choices, off)
}

// Settings returns the table.
func Settings() []Setting {
	rows := slices.Concat(connectionSettings(), workSettings(), taskSettings(), outsideSettings())
	for i := range rows {
		row := &rows[i]
		if row.Flag == "" && !row.Secret {
			row.Flag = strings.ReplaceAll(row.Name, "_", "-")
		}
	}
	return rows
}
