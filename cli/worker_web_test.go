package cli

import (
	"testing"

	"conductor-jwt/config"
)

func TestExecutionsAreLinkedWhereTheyCanBeRead(t *testing.T) {
	for _, row := range []struct{ ui, key, server, want string }{
		{"https://ui.example.com/", "", "https://conductor.example.com/api", "https://ui.example.com/execution/"},
		{"https://ui.example.com", "key", "http://localhost:8080/api", "https://ui.example.com/execution/"},
		{"", "", "http://localhost:8080/api", "http://localhost:8080/api/workflow/"},
		{"", "", "http://127.0.0.1:8080/api", "http://127.0.0.1:8080/api/workflow/"},
		{"", "key", "http://localhost:8080/api", ""},
		{"", "", "http://conductor:8080/api", ""},
		{"", "", "https://conductor.example.com/api", ""},
	} {
		c := &config.Loaded{}
		c.UIURL, c.AuthKey = row.ui, row.key
		if got := executionsURL(c, row.server); got != row.want {
			t.Errorf("%+v: %s", row, got)
		}
	}
}
