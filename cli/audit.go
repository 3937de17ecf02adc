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
	"time"

	"conductor-jwt/config"
	"conductor-jwt/internal/readfile"
	"conductor-jwt/task"
)

// auditLine is one decision, as it is written. It holds no key material and
// no token.
type auditLine struct {
	Time         time.Time `json:"time"`
	Decision     string    `json:"decision"` // allow, deny
	Code         string    `json:"code,omitempty"`
	Rule         string    `json:"rule,omitempty"`
	Field        string    `json:"field,omitempty"`
	Key          string    `json:"key,omitempty"`
	Profile      string    `json:"profile,omitempty"`
	KeyID        string    `json:"kid,omitempty"`
	Version      string    `json:"version,omitempty"`
	Algorithm    string    `json:"alg,omitempty"`
	Issuer       string    `json:"iss,omitempty"`
	Subject      string    `json:"sub,omitempty"`
	Audience     []string  `json:"aud,omitempty"`
	Scopes       []string  `json:"scopes,omitempty"`
	TTL          int64     `json:"ttl,omitempty"` // seconds
	JWTID        string    `json:"jti,omitempty"`
	TokenSHA256  string    `json:"token_sha256,omitempty"`
	WorkflowType string    `json:"workflow_type,omitempty"`
	WorkflowID   string    `json:"workflow_id,omitempty"`
	TaskID       string    `json:"task_id,omitempty"`
	Retry        int       `json:"retry_count"`
	Latency      float64   `json:"latency_ms"`
}

func lineOf(d task.Decision) auditLine {
	decision := "deny"
	if d.Allowed {
		decision = "allow"
	}
	return auditLine{
		Time: d.Time.UTC(), Decision: decision, Code: d.Code, Rule: d.Rule, Field: d.RuleField, Key: d.Key, Profile: d.Use,
		KeyID: d.KeyID, Version: d.Version, Algorithm: d.Algorithm, Issuer: d.Issuer, Subject: d.Subject, Audience: d.Audiences,
		Scopes: d.Scopes, TTL: int64(d.TTL / time.Second), JWTID: d.JWTID, TokenSHA256: d.TokenSHA256,
		WorkflowType: d.WorkflowType, WorkflowID: d.WorkflowID, TaskID: d.TaskID, Retry: d.Retry,
		Latency: float64(d.Took) / float64(time.Millisecond),
	}
}

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
	raw, err := json.Marshal(lineOf(d))
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
