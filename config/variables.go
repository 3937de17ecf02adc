package config

import (
	"maps"
	"regexp"
	"slices"
	"strings"

	"conductor-jwt/internal/nearest"
)

// The prefixes of the variables of Conductor's clients, and of our own.
const (
	conductors = "CONDUCTOR_"
	ours       = "CONDUCTOR_JWT_"
)

// serviceLink matches the variables that Kubernetes sets in every pod for a
// Service (https://kubernetes.io/docs/concepts/services-networking/service/#environment-variables),
// and one called conductor-jwt gives them our prefix.
const serviceLink = `_(SERVICE_HOST|SERVICE_PORT(_[A-Z0-9_]+)?|PORT(_[0-9]+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?)?)$`

// The server's own variables, which may be in the same environment: a prefix
// before any name of a workflow secret, and a file of its settings.
const (
	serverSecret = "CONDUCTOR_SECRET_"
	serverConfig = "CONDUCTOR_CONFIG_FILE"
)

// readEnvironment takes an empty variable for one that is not set, as compose
// files and manifests leave them.
func readEnvironment(src Sources, table []Setting, given map[string]value, wrong *problems) {
	for _, s := range table {
		text, _ := src.Getenv(s.Env)
		if text != "" {
			given[s.Name] = value{text: text, at: Origin{FromEnvironment, s.Env}}
		}
		if !s.Secret {
			continue
		}
		path, _ := src.Getenv(s.EnvFile())
		at := Origin{FromEnvironment, s.EnvFile()}
		switch {
		case path == "":
		case text != "":
			wrong.add(s.Name, at, "%s is set too; set one of the two", s.Env)
		default:
			given[s.Name] = value{path: path, at: at}
		}
	}
}

// unknownVariables looks for variables that were meant for this program and
// that no setting reads. One that is nearly a setting's is an error, for the
// setting is not in force; one of another SDK, or with our prefix, is a warning.
func unknownVariables(src Sources, table []Setting, l *Loaded, wrong *problems) {
	names := variables(table)
	link := regexp.MustCompile(serviceLink)
	for _, entry := range src.Environ {
		name, text, _ := strings.Cut(entry, "=")
		if names[name] || link.MatchString(name) || name == serverConfig || strings.HasPrefix(name, serverSecret) || src.isRead(name, text, names) {
			continue
		}
		at := Origin{FromEnvironment, printable(name)}
		instead, foreign := ofAnotherSDK(name)
		switch near := nearVariable(name, names); {
		case foreign && instead != "":
			l.warn(at, "a variable of another Conductor SDK, which is not read; set "+instead)
		case foreign:
			l.warn(at, "a variable of another Conductor SDK, which is not read; unset it")
		case near != "":
			wrong.add("", at, "unknown variable; did you mean %s?", near)
		default:
			l.warnUnknown(at, name, slices.Sorted(maps.Keys(names)))
		}
	}
}

// warnUnknown warns of a variable of our prefix, and of one that has the words
// of a setting: CONDUCTOR_TLS_CA, CONDUCTOR_URL. Those that have the words of
// many settings are anybody's.
func (l *Loaded) warnUnknown(at Origin, name string, names []string) {
	meant := nearest.Holding(name, names)
	switch {
	case isPrefixed(name, conductors) && len(meant) > 0 && len(meant) <= 2:
		l.warn(at, "unknown variable; nothing reads it; did you mean "+strings.Join(meant, " or ")+"?")
	case strings.HasPrefix(name, ours):
		l.warn(at, "unknown variable; nothing reads it")
	}
}

func (l *Loaded) warn(at Origin, text string) {
	l.Warnings = append(l.Warnings, Problem{Origin: at, Text: text}.String())
}

// isRead reports whether a variable is one of ours in other letters and is read
// all the same, as on Windows.
func (src Sources) isRead(name, text string, names map[string]bool) bool {
	upper := strings.ToUpper(name)
	read, ok := src.Getenv(upper)
	return ok && names[upper] && read == text
}

func variables(table []Setting) map[string]bool {
	names := map[string]bool{}
	for _, s := range table {
		names[s.Env] = true
		if s.Secret {
			names[s.EnvFile()] = true
		}
	}
	return names
}

// nearVariable finds the variable that was probably meant: one that is spelled
// nearly so, or that differs in its prefix, or in _FILE or _PATH at its end.
func nearVariable(name string, names map[string]bool) string {
	all := slices.Sorted(maps.Keys(names))
	if near := nearest.Of(name, slices.DeleteFunc(slices.Clone(all), func(n string) bool {
		return isPrefixed(n, "LOG") && !isPrefixed(name, "LOG") // other programs' variables are near to these
	})); near != "" {
		return near
	}
	for _, n := range all {
		if isPrefixed(name, conductors) && stem(name) == stem(n) {
			return n
		}
	}
	return ""
}

func isPrefixed(name, prefix string) bool {
	return len(name) >= len(prefix) && strings.EqualFold(name[:len(prefix)], prefix)
}

// stem is what a variable's name says of its setting.
func stem(name string) string {
	name = strings.ToUpper(name)
	for _, prefix := range []string{conductors, "JWT_"} {
		name = strings.TrimPrefix(name, prefix)
	}
	for _, suffix := range []string{"_FILE", "_PATH"} {
		name = strings.TrimSuffix(name, suffix)
	}
	return nearest.Fold(name)
}

// ofAnotherSDK reports whether a variable is one that the SDKs or the command
// line of Conductor read and this program does not, and which variable is to be
// set instead, if any. Python reads some with dots, or in small letters.
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
		// Java, by way of Spring
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

// printable cuts a variable's name and drops what a terminal would obey.
func printable(name string) string {
	const most = 64
	name = strings.Map(func(r rune) rune {
		if r < '!' || r > '~' {
			return '?'
		}
		return r
	}, name)
	return name[:min(len(name), most)]
}
