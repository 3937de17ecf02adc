package cli

import (
	"cmp"
	"crypto/fips140"
	"crypto/rsa"
	"fmt"
	"runtime"
	"runtime/debug"

	"github.com/spf13/cobra"

	"conductor-jwt/keys"
	"conductor-jwt/keys/openssl"
)

// build describes the binary. Its JSON is the output of `version -o json`; the
// names are also the labels of conductor_jwt_build_info.
type build struct {
	Version string `json:"version"`
	Commit  string `json:"commit"`
	Go      string `json:"go"`
	OS      string `json:"os"`
	Arch    string `json:"arch"`
	Edition string `json:"edition"`
	Crypto  string `json:"crypto"`

	backEnd backEnd
}

// newBuild takes the commit from what the toolchain recorded, if the linker was
// given none.
func newBuild(env Env) build {
	backEnd := chooseBackEnd()
	b := build{
		Version: version(env),
		Commit:  cmp.Or(env.Commit, "unknown"),
		Go:      runtime.Version(),
		OS:      runtime.GOOS,
		Arch:    runtime.GOARCH,
		Edition: edition,
		Crypto:  backEnd.name,
		backEnd: backEnd,
	}
	info, ok := debug.ReadBuildInfo()
	if !ok || env.Commit != "" {
		return b
	}
	dirty := ""
	for _, s := range info.Settings {
		switch s.Key {
		case "vcs.revision":
			b.Commit = s.Value
		case "vcs.modified":
			if s.Value == "true" {
				dirty = "-dirty"
			}
		}
	}
	b.Commit += dirty
	return b
}

func version(env Env) string { return cmp.Or(env.Version, "dev") }

func (b build) String() string {
	return fmt.Sprintf("%s %s (%s edition, %s crypto, %s, %s/%s, commit %s)",
		program, b.Version, b.Edition, b.Crypto, b.Go, b.OS, b.Arch, b.Commit)
}

func newVersionCommand(env Env) *cobra.Command {
	var output string
	cmd := &cobra.Command{
		Use:   "version",
		Short: "Print version, edition and crypto back end",
		Args:  noArgs,
		RunE: func(*cobra.Command, []string) error {
			if output == outputJSON {
				return writeJSON(env.Stdout, newBuild(env))
			}
			_, err := fmt.Fprintln(env.Stdout, newBuild(env))
			return err
		},
	}
	outputFlag(cmd, &output, outputText, outputJSON)
	return cmd
}

// backEnd signs with private keys.
type backEnd struct {
	name string
	// rsa returns a signer for an RSA key; nil for crypto/rsa.
	rsa func(*rsa.PrivateKey) (keys.RSASigner, error)
}

// chooseBackEnd returns Go's FIPS 140-3 module if it was enabled, otherwise OpenSSL
// where the native edition finds it, otherwise Go's own.
func chooseBackEnd() backEnd {
	if fips140.Enabled() {
		return backEnd{name: "go-fips140"}
	}
	lib, err := openssl.Load()
	if err != nil {
		return backEnd{name: "go"}
	}
	return backEnd{name: "openssl " + lib.Version(), rsa: lib.RSA}
}
