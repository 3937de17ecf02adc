package house_test

import (
	"debug/elf"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// mostBytes is what the stripped static binary may weigh.
const mostBytes = 15_000_000

// The image is built by the command that builds the binary.
func TestTheImageIsBuiltByMakeBuild(t *testing.T) {
	text, err := os.ReadFile("../../Dockerfile")
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		`\bmake build VERSION="\$VERSION"\n`,
		`(?m)^ARG EDITION=static$`,
		`(?m)^FROM gcr\.io/distroless/static-debian12:nonroot$`,
		`(?m)^COPY --from=build /src/bin/conductor-jwt /usr/local/bin/conductor-jwt$`,
		`(?m)^ENV CONDUCTOR_JWT_LISTEN=:9991$`,
		`(?m)^USER 65532:65532$`,
		`(?m)^ENTRYPOINT \["/usr/local/bin/conductor-jwt"\]\nCMD \["worker"\]$`,
	} {
		if !regexp.MustCompile(want).Match(text) {
			t.Errorf("the Dockerfile has no %s", want)
		}
	}
	if strings.Contains(string(text), "go build") {
		t.Error("the Dockerfile builds by a command of its own")
	}
	goVersion := regexp.MustCompile(`golang:([0-9.]+) AS build`).FindSubmatch(text)
	mod, err := os.ReadFile("../../go.mod")
	if err != nil {
		t.Fatal(err)
	}
	if goVersion == nil || !strings.Contains(string(mod), "\ntoolchain go"+string(goVersion[1])+"\n") {
		t.Errorf("the image's Go is %s, go.mod's toolchain another", goVersion)
	}
}

// What make build leaves runs on a file system that holds nothing else.
func TestTheBinaryIsStatic(t *testing.T) {
	binary := filepath.Join(t.TempDir(), "conductor-jwt")
	command := exec.CommandContext(t.Context(), "make", "--no-print-directory", "build", "BIN="+binary, "VERSION=v1.2.3")
	command.Dir = "../.."
	command.Env = append(os.Environ(), "GOOS=linux")
	if out, err := command.CombinedOutput(); err != nil {
		t.Fatalf("make build: %v\n%s", err, out)
	}
	file, err := elf.Open(binary)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = file.Close() }()
	if libraries, err := file.ImportedLibraries(); err != nil || len(libraries) > 0 {
		t.Errorf("it needs %v, %v", libraries, err)
	}
	for _, p := range file.Progs {
		if p.Type == elf.PT_INTERP {
			t.Error("it asks for a dynamic linker")
		}
	}
	if file.Section(".symtab") != nil || file.Section(".debug_info") != nil {
		t.Error("it is not stripped")
	}
	info, err := os.Stat(binary)
	if err != nil {
		t.Fatal(err)
	}
	if info.Size() > mostBytes {
		t.Errorf("it has %d bytes, over %d", info.Size(), mostBytes)
	}
}

func TestTheBinaryKnowsItsVersion(t *testing.T) {
	command := exec.CommandContext(t.Context(), "go", "run", "-ldflags", "-X main.version=v1.2.3", ".", "version", "-o", "json")
	command.Dir = "../.."
	out, err := command.Output()
	if err != nil {
		t.Fatal(err)
	}
	var version struct{ Version, Edition, Crypto, Go string }
	if err := json.Unmarshal(out, &version); err != nil {
		t.Fatal(err)
	}
	if version.Version != "v1.2.3" || version.Edition != "static" || version.Crypto == "" || version.Go == "" {
		t.Errorf("version = %+v", version)
	}
}
