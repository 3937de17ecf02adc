package cli

import (
	"net/url"
	"path/filepath"
	"runtime"
	"slices"
	"strings"

	"conductor-jwt/config"
	"conductor-jwt/doctor"
	"conductor-jwt/internal/readfile"
	"conductor-jwt/policy"
)

// fileFindings warns of each file with a key or a credential that every user of
// the machine may read.
func fileFindings(env Env, c *config.Loaded, p *policy.Policy) []doctor.Finding {
	if runtime.GOOS == "windows" {
		return nil // there, the mode tells nothing
	}
	var found []doctor.Finding
	for _, path := range secretFiles(env, c, p) {
		info, err := readfile.Stat(path)
		if err != nil || !info.Mode().IsRegular() || info.Mode().Perm()&0o004 == 0 {
			continue
		}
		found = append(found, doctor.Finding{
			Check: "secret file", Level: doctor.Warn, Found: shown(path) + " can be read by every user of this machine",
			Remedy: "chmod 0600 it; for a secret that Kubernetes mounts, set defaultMode: 0440 and fsGroup",
		})
	}
	return found
}

// secretFiles are the files with keys and credentials that the settings and the
// policy name.
func secretFiles(env Env, c *config.Loaded, p *policy.Policy) []string {
	secret, _ := env.Getenv("CONDUCTOR_AUTH_SECRET_FILE")
	paths := []string{secret, c.TLSClientKey, c.HeadersFile}
	if p != nil {
		login := p.Vault.Login
		paths = append(paths, login.TokenFile, login.Kubernetes.TokenFile, login.AppRole.SecretIDFile, p.Azure.TokenFile, p.Google.CredentialsFile)
		for _, k := range p.Keys {
			for _, v := range k.Versions {
				paths = append(paths, filesOf(v)...)
			}
		}
	}
	slices.Sort(paths)
	return slices.DeleteFunc(slices.Compact(paths), func(path string) bool { return path == "" })
}

// filesOf are the files that a source reads: those of keys, or that of a pin.
func filesOf(v policy.Version) []string {
	switch u, err := url.Parse(v.Source); {
	case err != nil:
	case v.Scheme() == policy.SchemeFile:
		return []string{filepath.FromSlash(u.Path)}
	case v.Scheme() == policy.SchemeDir:
		paths, _ := filepath.Glob(filepath.Join(filepath.FromSlash(u.Path), "[^.]*")) // none where the pattern is wrong
		return paths
	case v.Scheme() == policy.SchemePKCS11: // RFC 7512 §2.3
		for attribute := range strings.SplitSeq(u.RawQuery, "&") {
			if path, ok := strings.CutPrefix(attribute, "pin-source="); ok {
				path, _ = url.PathUnescape(path) // empty where it is malformed
				return []string{strings.TrimPrefix(strings.TrimPrefix(path, "file://"), "file:")}
			}
		}
	}
	return nil
}
