package main

import (
	"context"
	"os"
	"os/exec"
	"regexp"
	"runtime"
	"strconv"
	"strings"
	"time"
)

// describe notes what it is measured on, once a file.
func (b *bench) describe(ctx context.Context) error {
	if len(b.have) > 0 {
		return nil
	}
	facts := map[string]string{
		"date": time.Now().UTC().Format(time.DateOnly), "go": runtime.Version(),
		"system": runtime.GOOS + "/" + runtime.GOARCH,
		"kernel": first(ctx, "uname", "-r"), "cores": first(ctx, "nproc"),
		"openssl": first(ctx, "openssl", "version"),
		"native":  first(ctx, b.dir+"/"+oursNative, "version"), "static": first(ctx, b.dir+"/"+oursStatic, "version"),
		conductorGo: joined(goModules(ctx, b.dir+"/"+conductorGo)),
		python:      joined(words("bench/peers/python/requirements.txt", `(?m)^(\S+)==(\S+)$`), first(ctx, b.dir+"/python/bin/python", "--version")),
		javascript:  joined(words("bench/peers/javascript/package.json", `"([a-z@/-]+)": "([0-9.]+)"`), "Node.js "+first(ctx, "node", "--version")),
		java:        joined(words("bench/peers/java/pom.xml", `<artifactId>(conductor-client|nimbus-jose-jwt)</artifactId><version>([^<]+)<`), first(ctx, b.dir+"/java/java", "-version")),
		step:        joined(goModules(ctx, b.dir+"/"+step)),
	}
	for _, name := range []string{oursNative, oursStatic, step} {
		if info, err := os.Stat(b.dir + "/" + name); err == nil {
			facts[name+" bytes"] = strconv.FormatInt(info.Size(), 10)
		}
	}
	if text, err := os.ReadFile("/proc/cpuinfo"); err == nil {
		for line := range strings.Lines(string(text)) {
			if name, ok := strings.CutPrefix(line, "model name"); ok {
				facts["cpu"] = strings.Trim(name, " \t:\n")
			}
		}
	}
	s := Sample{Figure: Machine, Facts: facts}
	b.have = append(b.have, s)
	return Append(b.file, s)
}

// first is the first line that a command says.
func first(ctx context.Context, words ...string) string {
	out, err := exec.CommandContext(ctx, words[0], words[1:]...).CombinedOutput() //nolint:gosec // of our own table
	if err != nil {
		return ""
	}
	line, _, _ := strings.Cut(string(out), "\n")
	return line
}

func joined(parts ...string) string {
	var list []string
	for _, p := range parts {
		if p != "" {
			list = append(list, p)
		}
	}
	return strings.Join(list, ", ")
}

// words gives the names and versions that a pattern finds in a file.
func words(file, pattern string) string {
	text, err := os.ReadFile(file) //nolint:gosec // of our own table
	if err != nil {
		return ""
	}
	return pairs(string(text), pattern)
}

func pairs(text, pattern string) string {
	var list []string
	for _, m := range regexp.MustCompile(pattern).FindAllStringSubmatch(text, -1) {
		list = append(list, m[1]+" "+m[2])
	}
	return strings.Join(list, ", ")
}

// goModules names the modules of a Go binary that matter in a comparison.
func goModules(ctx context.Context, binary string) string {
	out, err := exec.CommandContext(ctx, "go", "version", "-m", binary).Output() //nolint:gosec // of our own table
	if err != nil {
		return ""
	}
	return pairs(string(out), `github\.com/(?:conductor-sdk|golang-jwt|smallstep)/(conductor-go|jwt/v5|cli)\s+(v[0-9.]+)`)
}
