package check_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/compose-spec/compose-go/v2/cli"
	"github.com/compose-spec/compose-go/v2/types"
)

func TestComposeFile(t *testing.T) {
	o, err := cli.NewProjectOptions([]string{"../compose.yaml"}, cli.WithEnv([]string{"JWT_PRIVATE_KEY=a key"}))
	if err != nil {
		t.Fatal(err)
	}
	project, err := o.LoadProject(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"conductor", "worker", "prometheus", "grafana"} {
		if _, err := project.GetService(name); err != nil {
			t.Error(err)
		}
	}
	for _, s := range project.Services {
		if s.Build == nil && filepath.Ext(s.Image) == "" {
			t.Errorf("image %s has no version tag", s.Image)
		}
		for _, p := range s.Ports {
			if p.HostIP != "127.0.0.1" {
				t.Errorf("%s: port %s is not bound to 127.0.0.1", s.Name, p.Published)
			}
		}
		for _, v := range s.Volumes {
			if v.Type != types.VolumeTypeBind {
				continue
			}
			if _, err := os.Stat(v.Source); err != nil {
				t.Errorf("%s mounts a file that does not exist: %v", s.Name, err)
			}
		}
	}
	if got := *project.Services["conductor"].Environment["CONDUCTOR_SECRET_jwt-privatekey"]; got != "a key" {
		t.Errorf("the secret is %q, want the value of JWT_PRIVATE_KEY", got)
	}
}
