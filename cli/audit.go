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

// auditLog writes a line for each decision. A nil auditLog is off.
type auditLog struct {
	path string // empty: standard output
	log  *slog.Logger

	mu      sync.Mutex
	out     io.Writer
	file    *os.File
	failing bool
}

// openAudit opens the audit, or returns nil if it is off. An audit that cannot be
// written prevents the start.
func openAudit(ctx context.Context, env Env, c *config.Loaded, log *slog.Logger) (*auditLog, error) {
	switch c.Audit {
	case "", config.Off:
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

// open opens the file and closes the previous one. It fails for a FIFO without a
// reader.
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
		_ = a.file.Close() // lines are not buffered
	}
	a.file, a.out = f, f
	return nil
}

// write writes one decision. The first line that cannot be written is logged; the
// task does not fail.
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
			a.log.Error("the audit cannot be written; check its disk", "task_id", d.TaskID)
		} else {
			a.log.Info("the audit can be written again")
		}
	}
}

// reopen opens the file again after its rotation.
func (a *auditLog) reopen(ctx context.Context) {
	if a == nil || a.path == "" {
		return
	}
	if err := a.open(ctx); err != nil {
		a.log.ErrorContext(ctx, "the audit file cannot be opened again; lines are written to the previous one")
	}
}
