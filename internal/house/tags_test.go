package house

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// everyTag are the build tags of the full edition.
const everyTag = "openssl,awskms,azurekms,pkcs11"

// gRPC is 11 MB of a client that REST does without.
func TestNothingLinksGRPC(t *testing.T) {
	for _, tags := range []string{"", everyTag} {
		command := exec.CommandContext(t.Context(), "go", "list", "-deps", "-tags", tags, ".")
		command.Dir = root()
		out, err := command.Output()
		if err != nil {
			t.Fatal(err)
		}
		list := strings.Fields(string(out))
		if len(list) < 100 {
			t.Errorf("with tags %q the binary has %d packages", tags, len(list))
		}
		for _, path := range list {
			if strings.HasPrefix(path, "google.golang.org/grpc") {
				t.Errorf("with tags %q the binary links %s", tags, path)
			}
		}
	}
}

// The tags of the full edition stand in the Makefile.
func TestTheTagsAreThoseOfTheFullEdition(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(root(), "Makefile"))
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(text), "\nFULL_TAGS := "+everyTag+"\n") {
		t.Errorf("the full edition is not built with %s", everyTag)
	}
}
