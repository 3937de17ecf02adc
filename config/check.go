package config

import (
	"net"
	"net/netip"
	"strings"
	"time"
)

// check compares settings with one another.
func (l *Loaded) check(wrong *problems) {
	fault := func(name, format string, args ...any) {
		at := l.Origin(name)
		wrong.add(name, at, format, args...)
	}
	pair := func(a, b string, hasA, hasB bool) {
		switch {
		case hasA && !hasB:
			fault(a, "set without %s; set both or neither", b)
		case hasB && !hasA:
			fault(b, "set without %s; set both or neither", a)
		}
	}
	pair("auth_key", "auth_secret", l.AuthKey != "", !l.AuthSecret.IsZero())
	pair("tls_client_cert", "tls_client_key", l.TLSClientCert != "", l.TLSClientKey != "")
	l.checkTaskTypes(fault)
	l.checkDomain(fault)
	if l.Slots < len(l.TaskTypes) {
		fault("slots", "fewer than the %d task types; set one for each at least", len(l.TaskTypes))
	}
	l.checkTTL(fault)
	if l.PprofListen != "" && !loopback(l.PprofListen) {
		fault(settingPprof, "not a loopback address; set 127.0.0.1:PORT or [::1]:PORT")
	}
	if l.OwnerEmail != "" && !strings.Contains(l.OwnerEmail, "@") {
		fault("owner_email", "not an e-mail address; the server refuses task definitions with it")
	}
}

// checkDomain refuses what names no queue: a list, and the word that stands in
// a workflow's taskToDomain for the queue without a domain.
func (l *Loaded) checkDomain(fault func(string, string, ...any)) {
	switch {
	case strings.EqualFold(l.Domain, "NO_DOMAIN"):
		fault(settingDomain, "NO_DOMAIN means the queue without a domain; to poll that queue, leave the setting out")
	case strings.ContainsAny(l.Domain, "\"'"):
		fault(settingDomain, "holds a quote; write the domain without quotes")
	case strings.Contains(l.Domain, ","):
		fault(settingDomain, "a list; write one domain, and run a worker for each of the others")
	}
}

// loopback reports whether nobody outside this machine can reach an address.
func loopback(address string) bool {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return false
	}
	addr, err := netip.ParseAddr(host)
	return err == nil && addr.IsLoopback()
}

func (l *Loaded) checkTaskTypes(fault func(string, string, ...any)) {
	seen := map[string]bool{}
	for _, t := range l.TaskTypes {
		switch {
		case t == "" || strings.ContainsFunc(t, func(r rune) bool { return r == ' ' || isHidden(r) }):
			fault("task_types", "holds an empty name or one with a space in it")
		case strings.ContainsAny(t, "[]{}\"'`;"):
			fault("task_types", "holds a bracket, a quote or a semicolon; write the names alone, with commas between them")
			return
		case seen[t]:
			fault("task_types", "names a type twice")
		}
		seen[t] = true
	}
	if len(l.TaskTypes) == 0 {
		fault("task_types", "an empty list; name at least one type")
	}
}

func (l *Loaded) checkTTL(fault func(string, string, ...any)) {
	const part = "not whole seconds; token times are"
	if l.DefaultTTL%time.Second != 0 {
		fault(settingDefaultTTL, part)
	}
	if l.MaxTTL%time.Second != 0 {
		fault("max_ttl", part)
	}
	if l.DefaultTTL > l.MaxTTL {
		fault(settingDefaultTTL, "over max_ttl, which is %s; set %[1]s or less", short(int64(l.MaxTTL)))
	}
}
