package conductorjar

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"conductor-jwt/test/conductorjar/child"
)

// Release is a published version of the server.
type Release struct {
	Version string
	// Secrets reports whether it has ${workflow.secrets.…} and runtimeMetadata.
	Secrets bool

	boot artifact
	// nested is set if the jar cannot be extracted and is run as published.
	nested bool
	// memory is set if it stores data in memory, because it has no SQLite.
	memory bool
	// settings make it run without other services.
	settings []string
}

// Version is the default release.
const Version = "3.32.3"

// Releases returns the supported releases, oldest first. The first is the oldest
// 3.x whose boot jar is in Maven Central.
func Releases() []Release {
	modern := []string{
		"--spring.main.lazy-initialization=true",
		"--conductor.integrations.ai.enabled=false", "--conductor.scheduler.enabled=false",
	}
	return []Release{
		{
			Version: "3.5.2", nested: true, memory: true,
			boot: bootJar("com.netflix.conductor", "3.5.2", "127 MB",
				"c8d0ed0990be2c54836c785f728a8962e9f9c92b3079996154e760b3016f6c34"),
			settings: []string{"--conductor.db.type=memory", "--conductor.indexing.enabled=false"},
		},
		{
			Version: "3.21.14", nested: true,
			boot: bootJar("org.conductoross", "3.21.14", "403 MB",
				"f0cfdf1cfd2eae1a925109a9d64ec328019af1dd57a0a209c41da0f320a7f31b"),
			// Its default index is Elasticsearch 7.
			settings: []string{
				"--spring.main.lazy-initialization=true", "--conductor.db.type=sqlite", "--conductor.queue.type=sqlite",
				"--conductor.indexing.enabled=true", "--conductor.indexing.type=sqlite", "--conductor.elasticsearch.version=0",
				// Two connections fail with SQLITE_BUSY_SNAPSHOT.
				"--spring.datasource.hikari.maximum-pool-size=1",
			},
		},
		{
			Version: "3.32.1", Secrets: true, settings: modern,
			boot: bootJar("org.conductoross", "3.32.1", "458 MB",
				"f3699a34bb72c35c10469a063392e5de4900bc4568c8a4357a711186d6269d3f"),
		},
		{
			Version: Version, Secrets: true, settings: modern,
			boot: bootJar("org.conductoross", Version, "458 MB",
				"6b1615a5beb82bbbfa05219d0f1b84440aa8c0bef1371662803ef5588d7d507b"),
		},
	}
}

// ReleaseOf returns the release of a version; "" is Version.
func ReleaseOf(version string) (Release, error) {
	if version == "" {
		version = Version
	}
	var known []string
	for _, r := range Releases() {
		if r.Version == version {
			return r, nil
		}
		known = append(known, r.Version)
	}
	return Release{}, fmt.Errorf("conductor-server %s: unknown release; want one of %s", version, strings.Join(known, ", "))
}

func bootJar(group, version, size, sha256 string) artifact {
	return artifact{
		coordinates: group + ":conductor-server:" + version + ":jar:boot",
		file:        "conductor-server-" + version + "-boot.jar", size: size, sha256: sha256,
	}
}

// jarPlan returns the jar to run, and fetches it if necessary.
type jarPlan func(ctx context.Context, java string) (string, error)

// extracted returns the folder of the extracted jar. The server starts from it in
// a third of the time that the nested jar takes.
func (s Setup) extracted() string { return filepath.Join(s.Cache, "conductor-"+s.Release.Version) }

func (s Setup) planJar() (jarPlan, []Missing) {
	ready := filepath.Join(s.extracted(), s.Release.boot.file)
	if _, err := os.Stat(ready); err == nil {
		return func(context.Context, string) (string, error) { return ready, nil }, nil
	}
	maven, missing := s.planMaven(s.Release.boot)
	if missing != nil {
		return nil, missing
	}
	return func(ctx context.Context, java string) (string, error) {
		err := s.fill(s.extracted(), func(folder string) (string, error) {
			jar, err := s.obtain(ctx, s.Release.boot, maven, java, folder)
			if err != nil {
				return "", err
			}
			if s.Release.nested {
				return s.keepJar(jar, folder)
			}
			return s.extractJar(ctx, java, jar, folder)
		})
		return ready, err
	}, nil
}

// keepJar returns a folder that holds only the jar.
func (s Setup) keepJar(jar, folder string) (string, error) {
	to := filepath.Join(folder, "kept")
	if err := os.Mkdir(to, 0o750); err != nil {
		return "", err
	}
	link := filepath.Join(to, s.Release.boot.file)
	if filepath.Dir(jar) == folder {
		return to, os.Rename(jar, link)
	}
	return to, os.Symlink(jar, link) // Maven's copy stays in its repository
}

func (s Setup) extractJar(ctx context.Context, java, jar, folder string) (string, error) {
	s.Progress("extracting conductor-server " + s.Release.Version + " (438 MB, once)")
	to := filepath.Join(folder, "extracted")
	err := s.tool(ctx, "extracting the jar", child.Spec{Path: java, Dir: folder, Args: []string{
		"-XX:TieredStopAtLevel=1", "-XX:-UsePerfData", "-Djava.io.tmpdir=" + folder,
		"-Djarmode=tools", "-jar", jar, "extract", "--destination", to,
	}})
	return to, err
}
