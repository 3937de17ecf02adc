package interop

import (
	"bufio"
	"encoding/json"
	"errors"
	"io"
	"os/exec"
	"slices"
	"testing"
)

// request is what a peer reads, one a line.
type request struct {
	Op     string          `json:"op"`   // sign, verify or discover
	Alg    string          `json:"alg"`  // of the token, and the only one allowed
	Form   string          `json:"form"` // pem or jwk
	Key    string          `json:"key"`
	Token  string          `json:"token,omitempty"`
	Claims json.RawMessage `json:"claims,omitempty"`

	Issuer   string `json:"issuer,omitempty"` // whose keys are discovered
	Audience string `json:"audience,omitempty"`
	CA       string `json:"ca,omitempty"` // PEM
}

type answer struct {
	OK     bool            `json:"ok"`
	Token  string          `json:"token"`
	Claims json.RawMessage `json:"claims"`
	Error  string          `json:"error"`
}

// peer is somebody else's library, in whatever language.
type peer struct {
	name string
	lack []string // algorithms that it does not have
	ask  func(request) (answer, error)
}

func (p peer) has(alg string) bool { return !slices.Contains(p.lack, alg) }

func (p peer) sign(t *testing.T, alg, form, key string, claims []byte) string {
	t.Helper()
	a, err := p.ask(request{Op: "sign", Alg: alg, Form: form, Key: key, Claims: claims})
	if err != nil || !a.OK {
		t.Fatalf("%s cannot sign %s with a %s: %v %s", p.name, alg, form, err, a.Error)
	}
	return a.Token
}

func (p peer) verify(t *testing.T, alg, form, key, token string) map[string]any {
	t.Helper()
	a, err := p.ask(request{Op: "verify", Alg: alg, Form: form, Key: key, Token: token})
	if err != nil || !a.OK {
		t.Fatalf("%s does not verify %s with a %s: %v %s", p.name, alg, form, err, a.Error)
	}
	var claims map[string]any
	if err := json.Unmarshal(a.Claims, &claims); err != nil {
		t.Fatalf("%s: claims: %v", p.name, err)
	}
	return claims
}

// startPeer runs a peer's program for the whole test and talks to it by lines.
func startPeer(t *testing.T, cmd *exec.Cmd) func(request) (answer, error) {
	t.Helper()
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd.Stderr = t.Output()
	if err := cmd.Start(); err != nil {
		t.Fatalf("start %s: %v", cmd.Path, err)
	}
	t.Cleanup(func() {
		if err := errors.Join(in.Close(), cmd.Wait()); err != nil {
			t.Errorf("stop %s: %v", cmd.Path, err)
		}
	})
	lines := bufio.NewReader(out)
	return func(r request) (answer, error) {
		if err := json.NewEncoder(in).Encode(r); err != nil {
			return answer{}, err
		}
		line, err := lines.ReadBytes('\n')
		if err != nil && !errors.Is(err, io.EOF) {
			return answer{}, err
		}
		var a answer
		return a, json.Unmarshal(line, &a)
	}
}
