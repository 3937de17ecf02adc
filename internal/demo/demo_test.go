package main

import (
	"testing"

	"conductor-jwt/internal/secret"
)

func TestServerHasTheCallersSecrets(t *testing.T) {
	d := &demo{env: []string{"CONDUCTOR_SECRET_APP=a=b", "CONDUCTOR_SECRET_jwt-privatekey=theirs", "HOME=/home/me"}}
	got := d.secrets(secret.New("ours"))
	if len(got) != 2 || got["APP"].Reveal() != "a=b" || got["jwt-privatekey"].Reveal() != "ours" {
		t.Errorf("%d secrets: APP %t, jwt-privatekey %t", len(got), got["APP"].Reveal() == "a=b", got["jwt-privatekey"].Reveal() == "ours")
	}
}
