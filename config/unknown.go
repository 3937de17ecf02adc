package config

import (
	"maps"
	"regexp"
	"slices"
	"strings"

	"conductor-jwt/internal/nearest"
)

// ours is the prefix that no other program's variables have.
const ours = "CONDUCTOR_JWT_"

// serviceLink matches the variables that Kubernetes sets in every pod for a
// Service (https://kubernetes.io/docs/concepts/services-networking/service/#environment-variables),
// and one called conductor-jwt gives them our prefix.
const serviceLink = `_(SERVICE_HOST|SERVICE_PORT(_[A-Z0-9_]+)?|PORT(_[0-9]+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?)?)$`

// unknownVariables looks for variables of ours that no setting reads. One
// that is nearly a setting's is an error, for the setting is not in force;
// any other is a warning.
func unknownVariables(src Sources, table []Setting, l *Loaded, wrong *problems) {
	names := variables(table)
	link := regexp.MustCompile(serviceLink)
	for _, entry := range src.Environ {
		name, _, _ := strings.Cut(entry, "=")
		if !strings.HasPrefix(name, ours) || names[name] || link.MatchString(name) {
			continue
		}
		at := Origin{FromEnvironment, printable(name)}
		if near := nearest.Of(name, slices.Sorted(maps.Keys(names))); near != "" {
			wrong.add("", at, "unknown variable; did you mean %s?", near)
			continue
		}
		p := Problem{Origin: at, Text: "unknown variable; nothing reads it"}
		l.Warnings = append(l.Warnings, p.String())
	}
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
