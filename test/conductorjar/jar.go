package conductorjar

import (
	"context"
	"os"
	"path/filepath"

	"conductor-jwt/test/conductorjar/child"
)

// jarPlan gives the jar to run, after fetching it if it must.
type jarPlan func(ctx context.Context, java string) (string, error)

// extracted is the folder with the jar and its lib. Started from there the
// server is up in a third of the time that the jar of jars takes.
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
		err := s.staged(s.extracted(), func(folder string) (string, error) {
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

// keepJar gives a folder with the jar alone.
func (s Setup) keepJar(jar, folder string) (string, error) {
	to := filepath.Join(folder, "kept")
	if err := os.Mkdir(to, 0o750); err != nil {
		return "", err
	}
	link := filepath.Join(to, s.Release.boot.file)
	if filepath.Dir(jar) == folder {
		return to, os.Rename(jar, link)
	}
	return to, os.Symlink(jar, link) // Maven's own copy stays where it is
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
