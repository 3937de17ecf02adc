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

// mldsaNames are those of RFC 9964, which most libraries do not have yet.
func mldsaNames() []string { return []string{"ML-DSA-44", "ML-DSA-65", "ML-DSA-87"} }

// cache is where the peers' libraries are installed, out of git's sight.
func cache(t *testing.T, name string) string {
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

// once runs an installation where it has not been done for this file before.
func once(t *testing.T, dir, source string, install func()) {
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
	dir := cache(t, "python")
	python := filepath.Join(dir, "bin", "python")
	once(t, dir, "peers/python/requirements.txt", func() {
		run(t, ".", "install python 3 with its venv module", "python3", "-m", "venv", dir)
		run(t, ".", "needs PyPI", python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "-r", "peers/python/requirements.txt")
	})
	return peer{name: "pyjwt", ask: startPeer(t, exec.CommandContext(context.WithoutCancel(t.Context()), python, "peers/python/peer.py"))}
}

func nodePeer(t *testing.T) peer {
	t.Helper()
	dir := cache(t, "node")
	once(t, dir, "peers/node/package.json", func() {
		run(t, ".", "", "cp", "peers/node/package.json", dir)
		run(t, dir, "install node.js 20 with npm", "npm", "install", "--silent", "--no-audit", "--no-fund")
	})
	// An ES module finds its libraries beside itself only.
	run(t, ".", "", "cp", "peers/node/peer.mjs", dir)
	return peer{
		name: "jose", lack: append(mldsaNames(), "ES256K"),
		ask: startPeer(t, exec.CommandContext(context.WithoutCancel(t.Context()), "node", filepath.Join(dir, "peer.mjs"))),
	}
}

func javaPeer(t *testing.T) peer {
	t.Helper()
	dir := cache(t, "java")
	once(t, dir, "peers/java/pom.xml", func() {
		run(t, "peers/java", "install maven", "mvn", "-q", "-B",
			"org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy-dependencies", "-DoutputDirectory="+dir)
	})
	classes := filepath.Join(dir, "*")
	once(t, dir, "peers/java/Peer.java", func() {
		run(t, ".", "install a jdk, 11 or newer", "javac", "-cp", classes, "-d", dir, "peers/java/Peer.java")
	})
	path := dir + string(os.PathListSeparator) + classes
	return peer{
		name: "nimbus", lack: mldsaNames(),
		ask: startPeer(t, exec.CommandContext(context.WithoutCancel(t.Context()), "java", "-XX:TieredStopAtLevel=1", "-cp", path, "Peer")),
	}
}
