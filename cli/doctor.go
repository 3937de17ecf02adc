package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"conductor-jwt/config"
	"conductor-jwt/doctor"
	"conductor-jwt/internal/printable"
	"conductor-jwt/internal/readfile"
	"conductor-jwt/internal/secret"
	"conductor-jwt/keyring"
	"conductor-jwt/policy"
)

func newDoctorCommand(env Env) *cobra.Command {
	var output string
	cmd := &cobra.Command{
		Use:   "doctor",
		Short: "Check what tasks need, and report each problem with its remedy",
		Long: `Check the server, the workflows, the queues, the policy and the keys with the
settings of the worker, and report each problem with its remedy. Nothing is
changed, and no secret is read.`,
		Args: noArgs,
	}
	flags := addSettings(cmd)
	outputFlag(cmd, &output, outputText, outputJSON)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		loaded, err := loadConfig(env, flags)
		if err != nil {
			return err
		}
		printWarnings(env, loaded)
		return runDoctor(cmd.Context(), env, loaded, output)
	}
	return cmd
}

func runDoctor(ctx context.Context, env Env, c *config.Loaded, output string) error {
	o := doctor.Options{TaskTypes: c.TaskTypes, Domain: c.Domain, Registers: c.RegisterTaskdefs != config.Off, Now: env.Now}
	client, err := newSilentClient(env, c)
	if err != nil {
		return err
	}
	defer client.Close()
	o.Server = client
	if c.AuthKey != "" || c.HeadersFile != "" { // a header of a gateway is a credential too
		without := *c
		without.AuthKey, without.AuthSecret, without.HeadersFile = "", secret.Text{}, ""
		anonymous, err := newSilentClient(env, &without)
		if err != nil {
			return err
		}
		defer anonymous.Close()
		o.Anonymous = anonymous
	}
	named, delivered := keyFindings(ctx, env, c)
	o.Delivered = delivered
	found := append(doctor.Run(ctx, o), named...)
	if output == outputJSON {
		err = writeJSON(env.Stdout, found)
	} else {
		err = printFindings(env, env.Stdout, found)
	}
	if err != nil {
		return err
	}
	return problems(found)
}

// problems returns an error with the number of failed checks, or nil.
func problems(found []doctor.Finding) error {
	n := 0
	for _, f := range found {
		if f.Level == doctor.Fail {
			n++
		}
	}
	switch n {
	case 0:
		return nil
	case 1:
		return errors.New("1 problem found: tasks will not run until it is fixed")
	}
	return fmt.Errorf("%d problems found: tasks will not run until they are fixed", n)
}

// printFindings prints a line for each finding, and its remedy below.
func printFindings(env Env, w io.Writer, found []doctor.Finding) error {
	colours := map[doctor.Level]string{doctor.OK: green, doctor.Warn: yellow, doctor.Fail: red}
	for _, f := range found {
		level := string(f.Level) + strings.Repeat(" ", len(doctor.Fail)-len(f.Level))
		if _, err := fmt.Fprintf(w, "%s  %s: %s\n", env.paint(w, colours[f.Level], level), f.Check, f.Found); err != nil {
			return err
		}
		if f.Remedy == "" {
			continue
		}
		if _, err := fmt.Fprintf(w, "      -> %s\n", f.Remedy); err != nil {
			return err
		}
	}
	return nil
}

// keyFindings reads the policy, calls every key store once, as the worker does at its
// start, and connects to the token endpoints. Delivered holds the secrets of keys that come with tasks, by name.
func keyFindings(ctx context.Context, env Env, c *config.Loaded) (found []doctor.Finding, delivered map[string]string) {
	if c.Policy == "" {
		none := doctor.Finding{Check: "policy", Level: doctor.OK, Found: "no policy file is set: keys come with the tasks"}
		return slices.Concat([]doctor.Finding{none}, endpointFindings(ctx, env, c, nil), fileFindings(ctx, env, c, nil)), nil
	}
	p, ring, err := openRing(ctx, env, c)
	if err != nil {
		return []doctor.Finding{{
			Check: "policy", Level: doctor.Fail, Found: firstLine(err),
			Remedy: "run `" + program + " config validate`, which shows every mistake with its line",
		}}, nil
	}
	found, delivered = []doctor.Finding{{Check: "policy", Level: doctor.OK, Found: printable.Name(c.Policy) + " is valid"}}, map[string]string{}
	for _, s := range ring.Status() {
		found = append(found, keyFinding(s))
		if s.Delivered != "" {
			delivered[s.Name] = s.Delivered
		}
	}
	found = append(found, issuerFindings(ctx, env, p, ring)...)
	found = append(found, verifierFindings(ctx, env, c, p)...)
	return slices.Concat(found, endpointFindings(ctx, env, c, p), fileFindings(ctx, env, c, p)), delivered
}

// issuerFindings reads what verifiers read of the issuers of the policy.
func issuerFindings(ctx context.Context, env Env, p *policy.Policy, ring *keyring.Ring) []doctor.Finding {
	if len(p.Issuers) == 0 {
		return nil
	}
	client, err := newOutbound(env)
	if err != nil {
		f := noClient("issuer", err)
		f.Level = doctor.Warn // tasks run
		return []doctor.Finding{f}
	}
	var list []doctor.Issuer
	for _, i := range p.Issuers {
		issuer, _ := ring.IssuerSet(i.Path)
		list = append(list, doctor.Issuer{URL: i.URL, JWKSURI: i.JWKSURI(), Set: issuer.Set.Body})
	}
	return doctor.Issuers(ctx, client, list)
}

// noClient is the finding of a check that needs the internet, without a client for it.
func noClient(check string, err error) doctor.Finding {
	return doctor.Finding{Check: check, Level: doctor.Fail, Found: firstLine(err), Remedy: "correct HTTPS_PROXY; until then the worker reaches nothing on the internet"}
}

func keyFinding(s keyring.Status) doctor.Finding {
	f := doctor.Finding{Check: "named key", Level: doctor.OK}
	switch {
	case s.Delivered != "":
		f.Found = s.Name + " comes with each task, as the secret " + s.Delivered
	case len(s.Versions) == 0 && !s.Refreshed.IsZero():
		f.Level, f.Found = doctor.Fail, "every version of "+s.Name+" is revoked"
		f.Remedy = "list one that is not revoked, or remove the key from the policy file; tasks with it fail"
	case len(s.Versions) == 0:
		f.Level, f.Found = doctor.Fail, s.Name+" is missing: its key store is not available"
		f.Remedy = "check the store's address and the worker's login; tasks with this key wait for it"
	default:
		var states []string
		for _, v := range s.Versions {
			states = append(states, versionFound(v))
		}
		f.Found = s.Name + ": " + strings.Join(states, "; ")
	}
	return f
}

// versionFound describes a version by its state, algorithm, key id and times.
func versionFound(v keyring.VersionStatus) string {
	text := fmt.Sprintf("%s %s %s", v.State, v.Algorithm, printable.Line(v.KeyID))
	day := func(word string, at time.Time) {
		if !at.IsZero() {
			text += ", " + word + " " + at.UTC().Format(time.DateOnly)
		}
	}
	day("since", v.Since())
	day("published until", v.Until)
	return text
}

// fileFindings warns of each file with a key or a credential that every user of
// the machine may read.
func fileFindings(ctx context.Context, env Env, c *config.Loaded, p *policy.Policy) []doctor.Finding {
	if runtime.GOOS == "windows" {
		return nil // the mode says nothing there
	}
	var found []doctor.Finding
	for _, path := range secretFiles(ctx, env, c, p) {
		info, err := readfile.Stat(path)
		if err != nil || !info.Mode().IsRegular() || info.Mode().Perm()&0o004 == 0 {
			continue
		}
		found = append(found, doctor.Finding{
			Check: "secret file", Level: doctor.Warn, Found: printable.Name(path) + " can be read by every user of this machine",
			Remedy: "run chmod 0600 on it; for a secret that Kubernetes mounts, set defaultMode: 0440 and fsGroup",
		})
	}
	return found
}

// secretFiles returns the files with keys and credentials that the settings and
// the policy name.
func secretFiles(ctx context.Context, env Env, c *config.Loaded, p *policy.Policy) []string {
	paths := append(credentialFiles(c), c.TLSClientKey, c.HeadersFile)
	if p != nil {
		login := p.Vault.Login
		paths = append(paths, login.TokenFile, login.Kubernetes.TokenFile, login.AppRole.SecretIDFile, p.Azure.TokenFile, p.Google.CredentialsFile)
		paths = append(paths, sourceFiles(ctx, env, p)...)
	}
	slices.Sort(paths)
	return slices.DeleteFunc(slices.Compact(paths), func(path string) bool { return path == "" })
}

// sourceFiles returns the files that the sources of keys read.
func sourceFiles(ctx context.Context, env Env, p *policy.Policy) []string {
	stores := schemes(env, p, nil)
	var paths []string
	for _, k := range p.Keys {
		for _, v := range k.Versions {
			store, ok := stores[v.Scheme()]
			if !ok {
				continue // opened by the keyring
			}
			source, err := store.Open(v.Source)
			if err != nil {
				continue // reported by openRing
			}
			if s, ok := source.(interface {
				Files(context.Context) []string
			}); ok {
				paths = append(paths, s.Files(ctx)...)
			}
		}
	}
	return paths
}
