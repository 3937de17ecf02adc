package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"conductor-jwt/config"
	"conductor-jwt/internal/printable"
)

// healthTimeout is the maximum time for the answer of the worker.
const healthTimeout = 3 * time.Second

func newHealthCommand(env Env) *cobra.Command {
	var live bool
	cmd := &cobra.Command{
		Use:   "health",
		Short: "Check whether the worker on this machine is ready",
		Long: `Check whether the worker on this machine is ready, for the health check of a
container. The command connects to the address of the setting listen, and so
needs the settings of the worker.`,
		Args: noArgs,
	}
	flags := addSettings(cmd, "config", "listen")
	cmd.Flags().BoolVar(&live, "live", false, "check /livez (alive) instead of /readyz (ready)")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		loaded, err := loadConfig(env, flags)
		if err != nil {
			return withHint(errors.New(err.Error()), configHint) // exit status 1: docker reserves 2
		}
		path := "/readyz"
		if live {
			path = "/livez"
		}
		text, err := askWorker(cmd.Context(), loaded, path, maxSaid)
		if err != nil {
			return err
		}
		_, err = fmt.Fprintln(env.Stdout, said(text))
		return err
	}
	return cmd
}

// maxSaid is the length of a worker's answer that is printed, in bytes.
const maxSaid = 256

// said returns the beginning of a worker's answer, printable.
func said(text []byte) string {
	return printable.Line(strings.TrimSpace(string(text[:min(len(text), maxSaid)])))
}

// askWorker returns the first bytes of the answer of the worker on this machine. An
// answer with another status than 200 is an error.
func askWorker(ctx context.Context, c *config.Loaded, path string, limit int64) ([]byte, error) {
	addresses, err := localAddresses(c.Listen)
	if err != nil {
		return nil, withHint(err, "set CONDUCTOR_JWT_LISTEN to an address with a port, for the worker and for this command")
	}
	ctx, cancel := context.WithTimeout(ctx, healthTimeout)
	defer cancel()
	client := &http.Client{Transport: &http.Transport{}} // without a proxy
	for _, address := range addresses {
		r, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+address+path, nil)
		if err != nil {
			return nil, err
		}
		answer, err := client.Do(r)
		if err != nil {
			continue
		}
		defer func() { _ = answer.Body.Close() }()                // the body was read
		text, _ := io.ReadAll(io.LimitReader(answer.Body, limit)) // the beginning is enough
		if answer.StatusCode != http.StatusOK {
			return nil, fmt.Errorf("the worker answers with status %d: %s", answer.StatusCode, said(text))
		}
		return text, nil
	}
	return nil, withHint(fmt.Errorf("no worker answers at %s", strings.Join(addresses, " or ")),
		"start one, or set CONDUCTOR_JWT_LISTEN to its address")
}

// localAddresses returns the addresses at which a worker that listens at address
// answers on its own machine.
func localAddresses(address string) ([]string, error) {
	if address == "" {
		return nil, errors.New("listen: the setting is off, so that the worker does not answer")
	}
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return nil, err
	}
	if port == "0" {
		return nil, errors.New("listen: the system chooses the port, because it is set to 0; it is not known here")
	}
	if ip, err := netip.ParseAddr(host); host == "" || err == nil && ip.IsUnspecified() {
		return []string{net.JoinHostPort("127.0.0.1", port), net.JoinHostPort("::1", port)}, nil
	}
	return []string{address}, nil
}
