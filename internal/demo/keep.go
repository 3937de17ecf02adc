package main

import (
	"context"
	"fmt"
	"path/filepath"
)

// next says where to look, when the demo is over.
func (d *demo) next() {
	d.screen.title("where to look next", "")
	d.screen.line(indent(`make demo KEEP=1      the same, and server and worker stay up for your own workflows
deploy/conductor/     the workflow above and the task definitions, for a server of yours
README.md             all inputs of the task; CONDUCTOR_SERVER_URL=… conductor-jwt worker`))
}

// keep leaves everything up until Ctrl-C, which is its good end. The worker may
// be stopped before, to make way for another.
func (d *demo) keep(ctx context.Context) error {
	s := d.screen
	s.title("still running", "until Ctrl-C")
	for _, row := range [][2]string{
		{"server", d.server.URL + "/api"},
		{"executions", d.server.URL + "/api/workflow/search?query="},
		{"worker", d.hands.address + "/readyz?verbose   " + d.hands.address + "/metrics"},
		{"", fmt.Sprintf("kill %d stops it, and the server stays for a worker of yours", d.hands.process.PID())},
		{"status page", d.hands.status},
		{"logs", filepath.Join(d.scratch, "server.log") + "   " + filepath.Join(d.scratch, "worker.log")},
		{"public key", d.publicKey()},
	} {
		s.line(fmt.Sprintf("  %s%s", s.paint(bold, fmt.Sprintf("%-12s", row[0])), row[1]))
	}
	s.title("another token", "the execution's id comes back; its output has the token")
	s.line("  curl -s " + d.server.URL + "/api/workflow/get_signed_jwt_example -H 'Content-Type: application/json' \\\n" +
		`    -d '{"subject":"me","issuer":"` + issuer + `","audience":"` + audience + `"}'`)
	s.line("  curl -s " + d.server.URL + "/api/workflow/ID")
	return d.stay(ctx)
}

func (d *demo) stay(ctx context.Context) error {
	worker := d.hands.process.Done()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-d.server.Done():
			return fmt.Errorf("the server has ended by itself")
		case <-worker:
			if code := d.hands.process.ExitCode(); code != 0 {
				return fmt.Errorf("the worker has ended by itself, with status %d", code)
			}
			d.screen.done("the worker was stopped; the server is still there")
			worker = nil
		}
	}
}
