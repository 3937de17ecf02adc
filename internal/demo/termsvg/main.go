// Termsvg runs a command and draws what it printed as an SVG picture of a
// terminal:
//
//	go run ./internal/demo/termsvg -o docs/demo.svg -as "make demo" make -s demo
package main

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"strings"
	"syscall"
)

func main() {
	out := flag.String("o", "", "file to write; standard output if empty")
	as := flag.String("as", "", "the command as the picture shows it; itself if empty")
	flag.Parse()
	if flag.NArg() == 0 {
		fmt.Fprintln(os.Stderr, "error: no command to record")
		os.Exit(2)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := record(ctx, *out, *as, flag.Args()); err != nil {
		fmt.Fprintln(os.Stderr, "error:", err)
		os.Exit(1)
	}
}

func record(ctx context.Context, out, as string, args []string) error {
	var printed bytes.Buffer
	cmd := exec.CommandContext(ctx, args[0], args[1:]...) //nolint:gosec // recording the given command is the purpose
	cmd.Env = append(os.Environ(), "CLICOLOR_FORCE=1")    //nolint:forbidigo // this is a main, as cli's is
	cmd.Stdout, cmd.Stderr = io.MultiWriter(&printed, os.Stderr), os.Stderr
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("%s: %w; nothing was drawn", strings.Join(args, " "), err)
	}
	if as == "" {
		as = strings.Join(args, " ")
	}
	prompt := "\x1b[2m$\x1b[0m \x1b[1m" + as + "\x1b[0m\n\n"
	picture := draw(render(prompt + printed.String()))
	if out == "" {
		_, err := io.WriteString(os.Stdout, picture)
		return err
	}
	return os.WriteFile(out, []byte(picture), 0o644) //nolint:gosec // a picture for everybody
}
