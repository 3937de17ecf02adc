package conductorjar

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"conductor-jwt/test/conductorjar/child"
)

// mavenPlugin has the goal that fetches one artifact without a project.
const mavenPlugin = "org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy"

// artifact is one file of Maven Central, with the SHA-256 of it, so that
// nothing else is ever run.
type artifact struct {
	coordinates string // group:artifact:version[:packaging[:classifier]]
	file        string // its name there
	size        string // for whoever waits
	sha256      string
}

// name is artifact and version, for people.
func (a artifact) name() string {
	parts := strings.Split(a.coordinates, ":")
	return parts[1] + " " + parts[2]
}

// local is the file in Maven's repository at its usual place, or "".
func (s Setup) local(a artifact) string {
	home := child.Getenv(s.Env, "HOME")
	if home == "" {
		home = child.Getenv(s.Env, "USERPROFILE")
	}
	parts := strings.Split(a.coordinates, ":")
	folders := append([]string{home, ".m2", "repository"}, strings.Split(parts[0], ".")...)
	file := filepath.Join(append(folders, parts[1], parts[2], a.file)...)
	if _, err := os.Stat(file); err != nil {
		return ""
	}
	return file
}

// obtain gives the checked file: Maven's own copy, or one that it fetches into
// the folder. There is one or the other: planned is said to be so.
func (s Setup) obtain(ctx context.Context, a artifact, maven, java, folder string) (string, error) {
	if file := s.local(a); file != "" {
		if a.check(file) == nil {
			return file, nil
		}
		if maven == "" {
			return "", fmt.Errorf("%s is damaged; delete it and install Maven, which fetches it anew", file)
		}
	}
	s.Progress("fetching " + a.name() + " with Maven (" + a.size + ", once)")
	// The goal copy resolves this one artifact, and nothing that it depends on:
	// the goal get fails on dependencies that are in no registry, and where the
	// local repository is need not be known.
	spec := child.Spec{Path: maven, Dir: folder, Args: []string{
		"-q", "-B", mavenPlugin, "-Dartifact=" + a.coordinates, "-DoutputDirectory=" + folder,
	}}
	withJava := s
	if _, err := child.Look(s.Env, "java"); err != nil && child.Getenv(s.Env, "JAVA_HOME") == "" {
		withJava.Env = append(slices.Clip(s.Env), "JAVA_HOME="+filepath.Dir(filepath.Dir(java)))
	}
	if err := withJava.tool(ctx, "maven", spec); err != nil {
		return "", err
	}
	file := filepath.Join(folder, a.file)
	return file, a.check(file)
}

// planMaven says what is missing where an artifact can be neither found nor
// fetched. The program is "" where Maven's own copy is all there is.
func (s Setup) planMaven(a artifact) (maven string, missing []Missing) {
	maven, err := child.Look(s.Env, "mvn")
	if err != nil && s.local(a) == "" {
		return "", []Missing{{
			What:   "Maven",
			Found:  "no mvn on the PATH, and no " + a.file + " in the local Maven repository",
			Remedy: "install it (Debian: apt-get install maven; macOS: brew install maven); it fetches " + a.coordinates,
		}}
	}
	return maven, nil
}

// check compares a file with the digest that is pinned here.
func (a artifact) check(path string) error {
	file, err := os.Open(path) //nolint:gosec // what was just found or fetched
	if err != nil {
		return fmt.Errorf("%s: %w", a.name(), err)
	}
	defer func() { _ = file.Close() }() // it was only read
	digest := sha256.New()
	if _, err := io.Copy(digest, file); err != nil {
		return fmt.Errorf("%s: %w", a.name(), err)
	}
	if got := hex.EncodeToString(digest.Sum(nil)); got != a.sha256 {
		return fmt.Errorf("%s: %s has the sha-256 %s, not %s; delete it to fetch it anew", a.name(), path, got, a.sha256)
	}
	return nil
}
