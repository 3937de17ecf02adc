package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"os"
	"runtime"
	"sync"
	"syscall"

	"conductor-jwt/config"
	"conductor-jwt/internal/readfile"
	"conductor-jwt/task"
)

// auditLog writes decisions, one line each. A nil one is off.
type auditLog struct {
	path string // empty: standard output
	log  *slog.Logger

	mu      sync.Mutex
	out     io.Writer
	file    *os.File
	failing bool
}

// openAudit opens the audit, where it is not off. One that cannot be written
// ends the start: somebody relies on it.
func openAudit(ctx context.Context, env Env, c *config.Loaded, log *slog.Logger) (*auditLog, error) {
	switch c.Audit {
	case "", config.AuditOff:
		return nil, nil
	case config.AuditStdout:
		return &auditLog{log: log, out: env.Stdout}, nil
	}
	a := &auditLog{path: c.Audit, log: log}
	if err := a.open(ctx); err != nil {
		return nil, withHint(asUsage(fmt.Errorf("audit (%s): the file cannot be opened for writing", c.Origin("audit").Where)), "name a file that this user may write, stdout or off")
	}
	return a, nil
}

// open opens the file, and closes the one from before. It does not wait for the
// reader of a FIFO: there must be one.
func (a *auditLog) open(ctx context.Context) error {
	flags := os.O_APPEND | os.O_CREATE | os.O_WRONLY
	if runtime.GOOS != "windows" {
		flags |= syscall.O_NONBLOCK
	}
	f, err := readfile.Within(ctx, func() (*os.File, error) { return os.OpenFile(a.path, flags, 0o600) })
	if err != nil {
		return err
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.file != nil {
		_ = a.file.Close() // every line of it has been written
	}
	a.file, a.out = f, f
	return nil
}

// write writes one decision. A line that cannot be written is said once in
// the log; the task does not pay for it.
func (a *auditLog) write(d task.Decision) {
	raw, err := json.Marshal(d)
	if err != nil {
		raw = []byte(`{}`)
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	_, err = a.out.Write(append(raw, '\n'))
	if failed := err != nil; failed != a.failing {
		a.failing = failed
		if failed {
			a.log.Error("the audit cannot be written; look at its disk", "task_id", d.TaskID)
		} else {
			a.log.Info("the audit is written again")
		}
	}
}

// reopen follows a file that was rotated away.
func (a *auditLog) reopen(ctx context.Context) {
	if a == nil || a.path == "" {
		return
	}
	if err := a.open(ctx); err != nil {
		a.log.ErrorContext(ctx, "the audit file cannot be opened again; the one from before is written on")
	}
}
