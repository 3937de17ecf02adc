package config

import (
	"maps"
	"regexp"
	"slices"
	"strings"

	"conductor-jwt/internal/nearest"
	"conductor-jwt/internal/printable"
)

// The prefixes of the variables of all Conductor SDKs, and of this program.
const (
	sdkPrefix = "CONDUCTOR_"
	ownPrefix = "CONDUCTOR_JWT_"
)

// serviceLink matches the variables that Kubernetes sets in every pod for a
// Service (https://kubernetes.io/docs/concepts/services-networking/service/#environment-variables).
// Those of a Service called conductor-jwt begin with ownPrefix.
const serviceLink = `_(SERVICE_HOST|SERVICE_PORT(_[A-Z0-9_]+)?|PORT(_[0-9]+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?)?)$`

// The server's own variables, which may be in the same environment: the prefix of
// workflow secrets, and the file of its settings.
const (
	serverSecret = "CONDUCTOR_SECRET_"
	serverConfig = "CONDUCTOR_CONFIG_FILE"
)

// addEnvironment ignores an empty variable: compose files and manifests write one
// for a value that is not set.
func (vs values) addEnvironment(src Sources, table []Setting, wrong *problems) {
	for _, s := range table {
		text, _ := src.Getenv(s.Env)
		if text != "" {
			vs.add(s.Name, value{text: text, at: Origin{FromEnvironment, s.Env}})
		}
		if !s.HasFile {
			continue
		}
		path, _ := src.Getenv(s.EnvFile())
		at := Origin{FromEnvironment, s.EnvFile()}
		switch {
		case path == "":
		case text != "":
			wrong.add(s.Name, at, "%s is set too; set one of the two", s.Env)
		default:
			vs.add(s.Name, value{path: path, at: at})
		}
	}
}

// checkVariables looks for variables that are probably meant for this program and
// that no setting reads. One that is nearly a setting's name is an error, because
// the setting is not in force. One of another SDK, or with ownPrefix, is a
// warning.
func (l *Loaded) checkVariables(src Sources, table []Setting, wrong *problems) {
	names := variables(table)
	link := regexp.MustCompile(serviceLink)
	for _, entry := range src.Environ {
		name, text, _ := strings.Cut(entry, "=")
		switch {
		case names[name], src.isRead(name, text, names), link.MatchString(name),
			name == serverConfig, strings.HasPrefix(name, serverSecret):
			continue
		}
		at := Origin{FromEnvironment, printable.Name(name)}
		instead, other := ofAnotherSDK(name)
		switch near := nearVariable(name, names); {
		case instead != "":
			l.warn(at, "this variable of another Conductor SDK is not read; set "+instead)
		case other:
			l.warn(at, "this variable of another Conductor SDK is not read; unset it")
		case near != "":
			wrong.add("", at, "unknown variable; did you mean %s?", near)
		default:
			l.warnUnknown(at, name, slices.Sorted(maps.Keys(names)))
		}
	}
}

// warnUnknown warns of a variable with ownPrefix, and of one whose words are those
// of one or two settings: CONDUCTOR_TLS_CA, CONDUCTOR_URL. One whose words are
// those of more settings is likely another program's.
func (l *Loaded) warnUnknown(at Origin, name string, names []string) {
	meant := nearest.WithWords(name, names)
	switch {
	case hasPrefix(name, sdkPrefix) && len(meant) > 0 && len(meant) <= 2:
		l.warn(at, "unknown variable; nothing reads it; did you mean "+strings.Join(meant, " or ")+"?")
	case strings.HasPrefix(name, ownPrefix):
		l.warn(at, "unknown variable; nothing reads it")
	}
}

func (l *Loaded) warn(at Origin, text string) {
	l.Warnings = append(l.Warnings, Problem{Origin: at, Text: text}.String())
}

// isRead reports whether a variable is a setting's in other letters and is read
// nevertheless: names on Windows are case-insensitive.
func (src Sources) isRead(name, text string, names map[string]bool) bool {
	upper := strings.ToUpper(name)
	read, ok := src.Getenv(upper)
	return ok && names[upper] && read == text
}

// variables returns the names of all variables that settings read.
func variables(table []Setting) map[string]bool {
	names := map[string]bool{}
	for _, s := range table {
		names[s.Env] = true
		if s.HasFile {
			names[s.EnvFile()] = true
		}
	}
	return names
}

// nearVariable returns the variable that was probably meant: one with a similar
// spelling, or one that differs in its prefix or in _FILE or _PATH at its end. It
// returns "" where there is none.
func nearVariable(name string, names map[string]bool) string {
	all := slices.Sorted(maps.Keys(names))
	if near := nearest.Of(name, slices.DeleteFunc(slices.Clone(all), func(n string) bool {
		return hasPrefix(n, "LOG") && !hasPrefix(name, "LOG") // many programs' variables are similar to these
	})); near != "" {
		return near
	}
	for _, n := range all {
		if hasPrefix(name, sdkPrefix) && stem(name) == stem(n) {
			return n
		}
	}
	return ""
}

// hasPrefix is [strings.HasPrefix] in any case.
func hasPrefix(name, prefix string) bool {
	return len(name) >= len(prefix) && strings.EqualFold(name[:len(prefix)], prefix)
}

// stem returns a variable's name without prefix and suffix, folded.
func stem(name string) string {
	name = strings.ToUpper(name)
	for _, prefix := range []string{sdkPrefix, "JWT_"} {
		name = strings.TrimPrefix(name, prefix)
	}
	for _, suffix := range []string{"_FILE", "_PATH"} {
		name = strings.TrimSuffix(name, suffix)
	}
	return nearest.Fold(name)
}

// ofAnotherSDK reports whether a variable is one that Conductor's SDKs or its
// command line read and this program does not, and which variable to set instead,
// if any. The Python SDK also reads names with dots and in lower case.
func ofAnotherSDK(name string) (instead string, ok bool) {
	name = strings.ToUpper(strings.NewReplacer(".", "_", "-", "_").Replace(name))
	for _, row := range []struct{ name, instead string }{
		// Go
		{"CONDUCTOR_CLIENT_HTTP_TIMEOUT", ""},
		{"CONDUCTOR_TLS_ALLOW_SELF_SIGNED", "CONDUCTOR_TLS_CA_CERT"},
		{"CONDUCTOR_TLS_PINNED_THUMBPRINTS", "CONDUCTOR_TLS_CA_CERT"},
		// Python
		{"CONDUCTOR_SSL_CA_CERT", "CONDUCTOR_TLS_CA_CERT"},
		{"CONDUCTOR_SSL_CA_CERT_DATA", "CONDUCTOR_TLS_CA_CERT"},
		{"CONDUCTOR_CERT_FILE", "CONDUCTOR_TLS_CLIENT_CERT"},
		{"CONDUCTOR_KEY_FILE", "CONDUCTOR_TLS_CLIENT_KEY"},
		{"CONDUCTOR_VERIFY_SSL", "CONDUCTOR_TLS_INSECURE_SKIP_VERIFY"},
		{"CONDUCTOR_PROXY_HEADERS", ""},
		// JavaScript
		{"CONDUCTOR_TLS_CA_PATH", "CONDUCTOR_TLS_CA_CERT"},
		{"CONDUCTOR_TLS_CERT_PATH", "CONDUCTOR_TLS_CLIENT_CERT"},
		{"CONDUCTOR_TLS_KEY_PATH", "CONDUCTOR_TLS_CLIENT_KEY"},
		{"CONDUCTOR_TLS_INSECURE", "CONDUCTOR_TLS_INSECURE_SKIP_VERIFY"},
		{"CONDUCTOR_PROXY_URL", "CONDUCTOR_PROXY"},
		{"CONDUCTOR_LOG_LEVEL", "LOG_LEVEL"},
		{"CONDUCTOR_REQUEST_TIMEOUT_MS", ""},
		{"CONDUCTOR_CONNECT_TIMEOUT_MS", ""},
		{"CONDUCTOR_REFRESH_TOKEN_INTERVAL", ""},
		{"CONDUCTOR_MAX_HTTP2_CONNECTIONS", ""},
		{"CONDUCTOR_DISABLE_HTTP2", ""},
		{"CONDUCTOR_RETRY_SERVER_ERRORS", ""},
		// Java, through Spring
		{"CONDUCTOR_CLIENT_ROOTURI", "CONDUCTOR_SERVER_URL"},
		{"CONDUCTOR_CLIENT_ROOT_URI", "CONDUCTOR_SERVER_URL"},
		{"CONDUCTOR_CLIENT_BASEPATH", "CONDUCTOR_SERVER_URL"},
		{"CONDUCTOR_CLIENT_BASE_PATH", "CONDUCTOR_SERVER_URL"},
		{"CONDUCTOR_SECURITY_CLIENT_KEYID", "CONDUCTOR_AUTH_KEY"},
		{"CONDUCTOR_SECURITY_CLIENT_KEY_ID", "CONDUCTOR_AUTH_KEY"},
		{"CONDUCTOR_SECURITY_CLIENT_SECRET", "CONDUCTOR_AUTH_SECRET"},
		// The command line
		{"CONDUCTOR_AUTH_TOKEN", "CONDUCTOR_AUTH_KEY and CONDUCTOR_AUTH_SECRET"},
	} {
		if row.name == name {
			return row.instead, true
		}
	}
	return ofAnotherWorker(name)
}

// ofAnotherWorker is [ofAnotherSDK] for the settings of one worker or of all:
// CONDUCTOR_WORKER_ALL_DOMAIN, CONDUCTOR_WORKER_GET_SIGNED_JWT_THREAD_COUNT.
func ofAnotherWorker(name string) (instead string, ok bool) {
	if !strings.HasPrefix(name, "CONDUCTOR_WORKER_") {
		return "", false
	}
	for _, row := range []struct{ suffix, instead string }{
		{"_DOMAIN", "CONDUCTOR_JWT_DOMAIN"},
		{"_THREAD_COUNT", "CONDUCTOR_JWT_SLOTS"},
		{"_CONCURRENCY", "CONDUCTOR_JWT_SLOTS"},
		{"_WORKER_ID", "CONDUCTOR_JWT_WORKER_ID"},
		{"_POLL_TIMEOUT", "CONDUCTOR_JWT_POLL_TIMEOUT"},
		{"_REGISTER_TASK_DEF", "CONDUCTOR_JWT_REGISTER_TASKDEFS"},
	} {
		if strings.HasSuffix(name, row.suffix) {
			return row.instead, true
		}
	}
	return "", true
}
