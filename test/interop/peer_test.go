package interop

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"
)

// request is a line of a peer's input.
type request struct {
	Op     string          `json:"op"`   // sign, verify or discover
	Alg    string          `json:"alg"`  // the only one allowed
	Form   string          `json:"form"` // pem or jwk
	Key    string          `json:"key"`
	Token  string          `json:"token,omitempty"`
	Claims json.RawMessage `json:"claims,omitempty"`

	Issuer   string `json:"issuer,omitempty"` // whose keys are discovered
	Audience string `json:"audience,omitempty"`
	CA       string `json:"ca,omitempty"` // PEM
}

type response struct {
	OK     bool            `json:"ok"`
	Token  string          `json:"token"`
	Claims json.RawMessage `json:"claims"`
	Error  string          `json:"error"`
}

// peer is another library, in any language.
type peer struct {
	name        string
	unsupported []string // algorithms
	call        func(request) (response, error)
}

func (p peer) has(alg string) bool { return !slices.Contains(p.unsupported, alg) }

func (p peer) sign(t *testing.T, alg, form, key string, claims []byte) string {
	t.Helper()
	a, err := p.call(request{Op: "sign", Alg: alg, Form: form, Key: key, Claims: claims})
	if err != nil || !a.OK {
		t.Fatalf("%s cannot sign %s with a %s: %v %s", p.name, alg, form, err, a.Error)
	}
	return a.Token
}

func (p peer) verify(t *testing.T, alg, form, key, token string) map[string]any {
	t.Helper()
	a, err := p.call(request{Op: "verify", Alg: alg, Form: form, Key: key, Token: token})
	if err != nil || !a.OK {
		t.Fatalf("%s does not verify %s with a %s: %v %s", p.name, alg, form, err, a.Error)
	}
	var claims map[string]any
	if err := json.Unmarshal(a.Claims, &claims); err != nil {
		t.Fatalf("%s: claims: %v", p.name, err)
	}
	return claims
}

// startPeer runs a peer's program until the test ends and returns a function that
// sends it a request.
func startPeer(t *testing.T, cmd *exec.Cmd) func(request) (response, error) {
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
	return func(r request) (response, error) {
		if err := json.NewEncoder(in).Encode(r); err != nil {
			return response{}, err
		}
		line, err := lines.ReadBytes('\n')
		if err != nil && !errors.Is(err, io.EOF) {
			return response{}, err
		}
		var a response
		return a, json.Unmarshal(line, &a)
	}
}

// mldsaNames returns the algorithms of RFC 9964, which most libraries do not have.
func mldsaNames() []string { return []string{"ML-DSA-44", "ML-DSA-65", "ML-DSA-87"} }

// installDir returns the folder for a peer's libraries.
func installDir(t *testing.T, name string) string {
	t.Helper()
	dir, err := filepath.Abs(filepath.Join("..", "..", ".cache", "interop", name))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	return dir
}

// installOnce runs an installation if it has not been done for this content of the
// file.
func installOnce(t *testing.T, dir, source string, install func()) {
	t.Helper()
	want, err := os.ReadFile(source)
	if err != nil {
		t.Fatal(err)
	}
	stamp := filepath.Join(dir, "installed-"+filepath.Base(source))
	if got, err := os.ReadFile(stamp); err == nil && string(got) == string(want) {
		return
	}
	install()
	if err := os.WriteFile(stamp, want, 0o600); err != nil {
		t.Fatal(err)
	}
}

func run(t *testing.T, dir, remedy, name string, args ...string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), name, args...)
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%s %v: %v\n%s\n%s", name, args, err, out, remedy)
	}
}

func pythonPeer(t *testing.T) peer {
	t.Helper()
	dir := installDir(t, "python")
	python := filepath.Join(dir, "bin", "python")
	installOnce(t, dir, "peers/python/requirements.txt", func() {
		run(t, ".", "install python 3 with its venv module", "python3", "-m", "venv", dir)
		run(t, ".", "needs PyPI", python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "-r", "peers/python/requirements.txt")
	})
	return peer{name: "pyjwt", call: startPeer(t, exec.CommandContext(context.WithoutCancel(t.Context()), python, "peers/python/peer.py"))}
}

func nodePeer(t *testing.T) peer {
	t.Helper()
	dir := installDir(t, "node")
	installOnce(t, dir, "peers/node/package.json", func() {
		run(t, ".", "", "cp", "peers/node/package.json", dir)
		run(t, dir, "install node.js 20 with npm", "npm", "install", "--silent", "--no-audit", "--no-fund")
	})
	run(t, ".", "", "cp", "peers/node/peer.mjs", dir) // an ES module must be beside its libraries
	return peer{
		name: "jose", unsupported: append(mldsaNames(), "ES256K"),
		call: startPeer(t, exec.CommandContext(context.WithoutCancel(t.Context()), "node", filepath.Join(dir, "peer.mjs"))),
	}
}

func javaPeer(t *testing.T) peer {
	t.Helper()
	dir := installDir(t, "java")
	installOnce(t, dir, "peers/java/pom.xml", func() {
		run(t, "peers/java", "install maven", "mvn", "-q", "-B",
			"org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy-dependencies", "-DoutputDirectory="+dir)
	})
	classes := filepath.Join(dir, "*")
	installOnce(t, dir, "peers/java/Peer.java", func() {
		run(t, ".", "install a jdk, 11 or newer", "javac", "-cp", classes, "-d", dir, "peers/java/Peer.java")
	})
	path := dir + string(os.PathListSeparator) + classes
	return peer{
		name: "nimbus", unsupported: mldsaNames(),
		call: startPeer(t, exec.CommandContext(context.WithoutCancel(t.Context()), "java", "-XX:TieredStopAtLevel=1", "-cp", path, "Peer")),
	}
}
