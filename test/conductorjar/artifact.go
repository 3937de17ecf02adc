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

// mavenPlugin is the goal that fetches one artifact without a project.
const mavenPlugin = "org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy"

// artifact is a file of Maven Central. Its SHA-256 is checked before it is used.
type artifact struct {
	coordinates string // group:artifact:version[:packaging[:classifier]]
	file        string // its name in the repository
	size        string // for progress messages
	sha256      string
}

// name returns artifact and version, for messages.
func (a artifact) name() string {
	parts := strings.Split(a.coordinates, ":")
	return parts[1] + " " + parts[2]
}

// local returns the file's path in the local Maven repository, or "".
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

// obtain returns the path of the checked file: the one in the local Maven
// repository, or one that Maven fetches into folder. planMaven has found one of
// the two possible.
func (s Setup) obtain(ctx context.Context, a artifact, maven, java, folder string) (string, error) {
	if file := s.local(a); file != "" {
		if a.check(file) == nil {
			return file, nil
		}
		if maven == "" {
			return "", fmt.Errorf("%s is damaged; delete it and install Maven, which fetches it again", file)
		}
	}
	s.Progress("fetching " + a.name() + " with Maven (" + a.size + ", once)")
	// The goal copy resolves only this artifact. The goal get fails on
	// dependencies that are in no registry, and needs the path of the local
	// repository.
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

// planMaven returns what is missing if an artifact can be neither found nor
// fetched. The program is "" if the artifact is in the local repository and Maven
// is not installed.
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

// check compares a file with the artifact's digest.
func (a artifact) check(path string) error {
	file, err := os.Open(path) //nolint:gosec // a file just found or fetched
	if err != nil {
		return fmt.Errorf("%s: %w", a.name(), err)
	}
	defer func() { _ = file.Close() }() // it was only read
	digest := sha256.New()
	if _, err := io.Copy(digest, file); err != nil {
		return fmt.Errorf("%s: %w", a.name(), err)
	}
	if got := hex.EncodeToString(digest.Sum(nil)); got != a.sha256 {
		return fmt.Errorf("%s: %s has the sha-256 %s, not %s; delete it to fetch it again", a.name(), path, got, a.sha256)
	}
	return nil
}
