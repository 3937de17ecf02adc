// Command conductorserver runs the Conductor server of package conductortest,
// without tasks, at an address, until it is stopped.
//
//	conductorserver 127.0.0.1:8080
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"conductor-jwt/test/conductortest"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "error: conductorserver:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	if len(args) != 1 {
		return errors.New("usage: conductorserver ADDRESS, such as 127.0.0.1:8080")
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	server := conductortest.NewServer(conductortest.NewLedger(conductortest.Options{}), conductortest.ServerOptions{Addr: args[0]})
	if err := server.Up(); err != nil {
		return err
	}
	<-ctx.Done()
	server.Down()
	return nil
}
