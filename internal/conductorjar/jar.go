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

	"conductor-jwt/internal/conductorjar/child"
)

// mavenPlugin has the goal that fetches one artifact without a project.
const mavenPlugin = "org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy"

// jarPlan gives the extracted jar, after fetching it if it must.
type jarPlan func(ctx context.Context, java string) (string, error)

// extracted is the folder with the jar and its lib. Started from there the
// server is up in a third of the time that the jar of jars takes.
func (s Setup) extracted() string { return filepath.Join(s.Cache, "conductor-"+Version) }

func (s Setup) planJar() (jarPlan, []Missing) {
	ready := filepath.Join(s.extracted(), jarName)
	if _, err := os.Stat(ready); err == nil {
		return func(context.Context, string) (string, error) { return ready, nil }, nil
	}
	fetched := s.localJar()
	maven, err := child.Look(s.Env, "mvn")
	if fetched == "" && err != nil {
		return nil, []Missing{{
			What:   "Maven",
			Found:  "no mvn on the PATH, and no " + jarName + " in the local Maven repository",
			Remedy: "install it (Debian: apt-get install maven; macOS: brew install maven); it fetches " + artifact,
		}}
	}
	return func(ctx context.Context, java string) (string, error) {
		err := s.staged(s.extracted(), func(folder string) (string, error) {
			jar := fetched
			if jar == "" || checkJar(jar) != nil {
				if maven == "" {
					return "", fmt.Errorf("%s is damaged; delete it and install Maven, which fetches it anew", jar)
				}
				if jar, err = s.fetchJar(ctx, maven, java, folder); err != nil {
					return "", err
				}
			}
			return s.extractJar(ctx, java, jar, folder)
		})
		return ready, err
	}, nil
}

// localJar is the jar in Maven's repository at its usual place, or "".
func (s Setup) localJar() string {
	home := child.Getenv(s.Env, "HOME")
	if home == "" {
		home = child.Getenv(s.Env, "USERPROFILE")
	}
	jar := filepath.Join(home, ".m2", "repository", "org", "conductoross", "conductor-server", Version, jarName)
	if _, err := os.Stat(jar); err != nil {
		return ""
	}
	return jar
}

func (s Setup) fetchJar(ctx context.Context, maven, java, folder string) (string, error) {
	s.Progress("fetching conductor-server " + Version + " with Maven (458 MB, once)")
	// The goal copy resolves this one artifact, and nothing that it depends on:
	// the goal get fails on dependencies that are in no registry, and where the
	// local repository is need not be known.
	spec := child.Spec{Path: maven, Dir: folder, Args: []string{
		"-q", "-B", mavenPlugin, "-Dartifact=" + artifact, "-DoutputDirectory=" + folder,
	}}
	withJava := s
	if _, err := child.Look(s.Env, "java"); err != nil && child.Getenv(s.Env, "JAVA_HOME") == "" {
		withJava.Env = append(slices.Clip(s.Env), "JAVA_HOME="+filepath.Dir(filepath.Dir(java)))
	}
	if err := withJava.tool(ctx, "maven", spec); err != nil {
		return "", err
	}
	jar := filepath.Join(folder, jarName)
	return jar, checkJar(jar)
}

// checkJar compares the jar with the digest that is pinned here.
func checkJar(jar string) error {
	file, err := os.Open(jar) //nolint:gosec // the jar that was just found or fetched
	if err != nil {
		return fmt.Errorf("conductor-server: %w", err)
	}
	defer func() { _ = file.Close() }() // it was only read
	digest := sha256.New()
	if _, err := io.Copy(digest, file); err != nil {
		return fmt.Errorf("conductor-server: %w", err)
	}
	if got := hex.EncodeToString(digest.Sum(nil)); got != jarSHA256 {
		return fmt.Errorf("conductor-server: %s has the sha-256 %s, not %s; delete it to fetch it anew", jar, got, jarSHA256)
	}
	return nil
}

func (s Setup) extractJar(ctx context.Context, java, jar, folder string) (string, error) {
	s.Progress("extracting conductor-server " + Version + " (438 MB, once)")
	to := filepath.Join(folder, "extracted")
	err := s.tool(ctx, "extracting the jar", child.Spec{Path: java, Dir: folder, Args: []string{
		"-XX:TieredStopAtLevel=1", "-XX:-UsePerfData", "-Djava.io.tmpdir=" + folder,
		"-Djarmode=tools", "-jar", jar, "extract", "--destination", to,
	}})
	return to, err
}
