package interop

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

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
