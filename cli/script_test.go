package cli_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"conductor-jwt/cli"
	"conductor-jwt/test/connectproxy"
	"conductor-jwt/test/tokenendpoint"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){
		"conductor-jwt": func() { os.Exit(cli.Main("v0.0.0-test", "")) },
	})
}

// The scripts document the command line by examples.
func TestScripts(t *testing.T) { runScripts(t, "testdata/script", nil) }

// The reports are inputs of users that once failed, each in a file. Every script
// has all of them in its folder.
func TestReports(t *testing.T) {
	const dir = "testdata/reports"
	runScripts(t, dir, func(e *testscript.Env) error {
		entries, err := os.ReadDir(dir)
		if err != nil {
			return err
		}
		for _, entry := range entries {
			if filepath.Ext(entry.Name()) == ".txtar" {
				continue
			}
			raw, err := os.ReadFile(filepath.Join(dir, entry.Name()))
			if err != nil {
				return err
			}
			if err := os.WriteFile(filepath.Join(e.WorkDir, entry.Name()), raw, 0o600); err != nil {
				return err
			}
		}
		return nil
	})
}

func runScripts(t *testing.T, dir string, setup func(*testscript.Env) error) {
	t.Helper()
	providers := &providers{proxy: connectproxy.New(t), endpoints: map[string]*tokenendpoint.Endpoint{}}
	testscript.Run(t, testscript.Params{
		Dir:                 dir,
		Setup:               setup,
		RequireExplicitExec: true,
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"conductor": startConductor,
			"provider":  providers.start,
			"posted":    providers.posted,
			"issuer":    providers.issuer,
			"enqueue":   enqueue,
			"workflows": workflows,
			"await":     await,
			"asked":     asked,
			"settled":   settled,
			"free":      freePort,
			"get":       get,
			"sigterm":   sigterm,
			"sighup":    sighup,
			"reason":    reason,
			"taskdef":   taskdef,
			"status":    status,
		},
	})
}
