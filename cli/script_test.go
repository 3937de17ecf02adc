package cli_test

import (
	"os"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"conductor-jwt/cli"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){
		"conductor-jwt": func() { os.Exit(cli.Main("v0.0.0-test")) },
	})
}

// The scripts are the command line's manual by example.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/script",
		RequireExplicitExec: true,
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"conductor": startConductor,
			"enqueue":   enqueue,
			"workflows": workflows,
			"await":     await,
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
