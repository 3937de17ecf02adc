package config

import (
	"net"
	"net/netip"
	"strings"
	"time"
)

// check refuses combinations of settings, and values that the server or the
// operator's machine makes wrong.
func (l *Loaded) check(wrong *problems) {
	fault := func(name, format string, args ...any) {
		wrong.add(name, l.Origin(name), format, args...)
	}
	pair := func(a, b string, hasA, hasB bool) {
		switch {
		case hasA && !hasB:
			fault(a, "%s is not set; set both or neither", b)
		case hasB && !hasA:
			fault(b, "%s is not set; set both or neither", a)
		}
	}
	pair("auth_key", "auth_secret", l.AuthKey != "", !l.AuthSecret.IsZero())
	pair("tls_client_cert", "tls_client_key", l.TLSClientCert != "", l.TLSClientKey != "")
	l.checkTaskTypes(fault)
	l.checkDomain(fault)
	if l.Slots < len(l.TaskTypes) {
		fault("slots", "there are %d task types; set at least one slot for each", len(l.TaskTypes))
	}
	l.checkTTL(fault)
	if l.PprofListen != "" && !isLoopback(l.PprofListen) {
		fault(settingPprof, "the address is not a loopback address; set 127.0.0.1:PORT or [::1]:PORT")
	}
	if l.OwnerEmail != "" && !strings.Contains(l.OwnerEmail, "@") {
		fault("owner_email", "the value is not an e-mail address, and the server refuses task definitions with it; write NAME@DOMAIN")
	}
}

// checkDomain refuses what cannot be a queue's domain: a list, and NO_DOMAIN,
// which in a workflow's taskToDomain means the queue without a domain.
func (l *Loaded) checkDomain(fault func(string, string, ...any)) {
	switch {
	case strings.EqualFold(l.Domain, "NO_DOMAIN"):
		fault(settingDomain, "NO_DOMAIN means the queue without a domain; to poll that queue, leave the setting out")
	case strings.ContainsAny(l.Domain, "\"'"):
		fault(settingDomain, "the value holds a quote; write the domain without quotes")
	case strings.Contains(l.Domain, ","):
		fault(settingDomain, "the value is a list; write one domain, and run a worker for each of the others")
	}
}

// isLoopback reports whether an address can be reached from this machine alone. A
// host name is not one: it can resolve to any address.
func isLoopback(address string) bool {
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
		case t == "" || strings.ContainsFunc(t, func(r rune) bool { return r == ' ' || isInvisible(r) }):
			fault("task_types", "the list holds an empty name or a name with a space; write the names with commas between them")
		case strings.ContainsAny(t, "[]{}\"'`;"):
			fault("task_types", "the list holds a bracket, a quote or a semicolon; write the names alone, with commas between them")
			return
		case seen[t]:
			fault("task_types", "the list names a type twice; name each type once")
		}
		seen[t] = true
	}
	if len(l.TaskTypes) == 0 {
		fault("task_types", "the list is empty; name at least one type")
	}
}

func (l *Loaded) checkTTL(fault func(string, string, ...any)) {
	const fraction = "the duration has a fraction of a second; write whole seconds, as the times of a token are"
	if l.DefaultTTL%time.Second != 0 {
		fault(settingDefaultTTL, fraction)
	}
	if l.MaxTTL%time.Second != 0 {
		fault("max_ttl", fraction)
	}
	if l.DefaultTTL > l.MaxTTL {
		fault(settingDefaultTTL, "the duration is over max_ttl, which is %s; set %[1]s or less", short(int64(l.MaxTTL)))
	}
}
