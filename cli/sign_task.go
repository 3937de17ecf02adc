package cli

import (
	"context"
	"errors"
)

func (f *signFlags) checkTask() error { return nil }

func signTaskInput(context.Context, Env, *signFlags, []string) error {
	return errors.New("not yet")
}

func signStoredTask(context.Context, Env, *signFlags, []string) error {
	return errors.New("not yet")
}
