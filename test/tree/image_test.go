package tree_test

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

// maxBytes is the maximum size of a stripped binary: half of step's binary, 55.7
// MB.
const maxBytes = 28_000_000

func TestImageIsBuiltByMake(t *testing.T) {
	text, err := os.ReadFile("../../Dockerfile")
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		`\bmake build VERSION="\$VERSION" COMMIT="\$COMMIT"\n`,
		`\bmake build-native NATIVE=bin/conductor-jwt VERSION="\$VERSION" COMMIT="\$COMMIT"\n`,
		`(?m)^FROM gcr\.io/distroless/static-debian12:nonroot(@sha256:[0-9a-f]{64})? AS static$`,
		`(?m)^FROM gcr\.io/distroless/base-debian12:nonroot(@sha256:[0-9a-f]{64})? AS native$`,
		`(?m)^COPY --from=build-static /src/bin/conductor-jwt /usr/local/bin/conductor-jwt$`,
		`(?m)^COPY --from=build-native /src/bin/conductor-jwt /usr/local/bin/conductor-jwt$`,
		`(?m)^ENV CONDUCTOR_JWT_LISTEN=:9991$`,
		`(?m)^USER 65532:65532$`,
		`(?m)^ENTRYPOINT \["/usr/local/bin/conductor-jwt"\]\nCMD \["worker"\]$`,
	} {
		if !regexp.MustCompile(want).Match(text) {
			t.Errorf("the Dockerfile does not match %s", want)
		}
	}
	if strings.Contains(string(text), "go build") {
		t.Error("the Dockerfile runs go build, want make only")
	}
	// Older buildah and podman do not find a stage that is named by an argument.
	if named := regexp.MustCompile(`(?m)^FROM .*\$\{?(?:[A-Z]+)\b.*$`).FindString(strings.ReplaceAll(string(text), "--platform=$BUILDPLATFORM ", "")); named != "" {
		t.Errorf("a stage depends on an argument: %s", named)
	}
	_, static, _ := strings.Cut(string(text), " AS static\n")
	static, _, _ = strings.Cut(static, "\n# Has glibc")
	_, native, _ := strings.Cut(string(text), " AS native\n")
	if native = strings.TrimSpace(strings.ReplaceAll(native, "build-native", "build-static")); native != strings.TrimSpace(static) || native == "" {
		t.Error("the two images differ in more than their base and binary")
	}
	mod, err := os.ReadFile("../../go.mod")
	if err != nil {
		t.Fatal(err)
	}
	builders := regexp.MustCompile(`golang:([0-9.]+)-bookworm(?:@sha256:[0-9a-f]{64})? AS `).FindAllSubmatch(text, -1)
	if len(builders) != 2 {
		t.Errorf("%d stages use the golang image, want 2", len(builders))
	}
	for _, b := range builders {
		if !strings.Contains(string(mod), "\ntoolchain go"+string(b[1])+"\n") {
			t.Errorf("the image's Go is %s, which is not go.mod's toolchain", b[1])
		}
	}
}

// The native binary links only the C library; it loads OpenSSL at run time.
func TestNativeBinaryLoadsOpenSSL(t *testing.T) {
	binary := filepath.Join(t.TempDir(), "conductor-jwt")
	command := exec.CommandContext(t.Context(), "make", "--no-print-directory", "build-native", "NATIVE="+binary, "VERSION=v1.2.3")
	command.Dir = "../.."
	if out, err := command.CombinedOutput(); err != nil {
		t.Fatalf("make build-native: %v\n%s", err, out)
	}
	file, err := elf.Open(binary)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = file.Close() }()
	libraries, err := file.ImportedLibraries()
	if err != nil {
		t.Fatal(err)
	}
	for _, l := range libraries {
		if !regexp.MustCompile(`^(libc|libdl|libpthread)\.so`).MatchString(l) {
			t.Errorf("the binary links %s, want the C library only", l)
		}
	}
	checkSize(t, binary)
	out, err := exec.CommandContext(t.Context(), binary, "version", "-o", "json").Output()
	if err != nil {
		t.Fatal(err)
	}
	var version struct{ Edition, Crypto string }
	if err := json.Unmarshal(out, &version); err != nil {
		t.Fatal(err)
	}
	if version.Edition != "native" || !strings.HasPrefix(version.Crypto, "openssl 3.") {
		t.Errorf("version = %+v", version)
	}
}

func TestBinaryIsStatic(t *testing.T) {
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
		t.Errorf("the binary links %v, %v; want none", libraries, err)
	}
	for _, p := range file.Progs {
		if p.Type == elf.PT_INTERP {
			t.Error("the binary has an interpreter (PT_INTERP)")
		}
	}
	if file.Section(".symtab") != nil || file.Section(".debug_info") != nil {
		t.Error("the binary is not stripped")
	}
	checkSize(t, binary)
}

func checkSize(t *testing.T, binary string) {
	t.Helper()
	info, err := os.Stat(binary)
	if err != nil {
		t.Fatal(err)
	}
	if info.Size() > maxBytes {
		t.Errorf("the binary has %d bytes, want at most %d", info.Size(), maxBytes)
	}
}

func TestBinaryPrintsItsVersion(t *testing.T) {
	command := exec.CommandContext(t.Context(), "go", "run", "-ldflags", "-X main.version=v1.2.3 -X main.commit=0123abc", ".", "version", "-o", "json")
	command.Dir, command.Env = "../..", append(os.Environ(), "CGO_ENABLED=0")
	out, err := command.Output()
	if err != nil {
		t.Fatal(err)
	}
	var version struct{ Version, Commit, Edition, Crypto, Go string }
	if err := json.Unmarshal(out, &version); err != nil {
		t.Fatal(err)
	}
	if version.Commit != "0123abc" || version.Version != "v1.2.3" || version.Edition != "static" || version.Crypto != "go" || version.Go == "" {
		t.Errorf("version = %+v", version)
	}
}
