//go:build kubernetes

package check_test

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"helm.sh/helm/v3/pkg/engine"
	"helm.sh/helm/v3/pkg/releaseutil"
	v1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// A real API server creates and changes what the chart and the manifest describe,
// without a warning, and refuses what refusedValues says that it refuses.
func TestKubernetes(t *testing.T) {
	s := startAPIServer(t)
	for _, text := range []string{ // to which everything refers
		"{apiVersion: scheduling.k8s.io/v1, kind: PriorityClass, metadata: {name: high}, value: 1}",
		"{apiVersion: node.k8s.io/v1, kind: RuntimeClass, metadata: {name: gvisor}, handler: gvisor}",
	} {
		if err := s.create(t, "", parse(t, text)); err != nil {
			t.Fatal(err)
		}
	}
	manifest, err := os.ReadFile("../manifest.yaml")
	if err != nil {
		t.Fatal(err)
	}
	s.accepts(t, "manifest", "restricted", strings.Split(string(manifest), "\n---\n")[1:])
	for _, set := range []struct{ name, level, values string }{
		{"defaults", "restricted", ""},
		{"others", "restricted", others},
		{"openshift", "restricted", "podSecurityContext: {runAsUser: null, runAsGroup: null, fsGroup: null}"},
		{"keda", "restricted", "{keda: {enabled: true}, networkPolicy: {enabled: true, to: [{podSelector: {}}], internet: always}}"},
		{"keys", "restricted", "policy: {inline: '{}', keySecrets: [git.hub, " + strings.Repeat("k", 100) + "]}"},
		{"everything", "privileged", everything}, // its extra containers have no security context
	} {
		s.accepts(t, set.name, set.level, contents(append(mustRender(t, set.values), tests(t, set.values)...)))
	}
	s.refusesPrivileges(t)
	s.refuses(t)
}

func contents(manifests []releaseutil.Manifest) []string {
	var list []string
	for _, m := range manifests {
		list = append(list, m.Content)
	}
	return list
}

// accepts creates objects in a namespace of their own, and a pod of the Deployment,
// which must have the level of Pod Security Admission. Then it changes them.
func (s *apiServer) accepts(t *testing.T, name, level string, objects []string) {
	t.Helper()
	s.namespace(t, name, level)
	accepted := 0
	for _, text := range objects {
		o := parse(t, text)
		err := s.create(t, name, o)
		if err == nil {
			err = s.apply(t, name, o)
		}
		if err == nil && o.GetKind() == "Deployment" {
			err = s.create(t, name, podOf(t, o))
		}
		if warnings := s.warnings.take(); err != nil || len(warnings) > 0 {
			t.Errorf("%s: %s %s: %v %q", name, o.GetKind(), o.GetName(), err, warnings)
			continue
		}
		accepted++
	}
	step("%s: %d of %d objects are created and updated, and a pod at the level %s", name, accepted, len(objects), level)
}

// refusesPrivileges shows that the level restricted is enforced.
func (s *apiServer) refusesPrivileges(t *testing.T) {
	t.Helper()
	for _, text := range contents(mustRender(t, "securityContext: {allowPrivilegeEscalation: true}")) {
		if o := parse(t, text); o.GetKind() == "Deployment" {
			err := s.create(t, "defaults", podOf(t, o), v1.DryRunAll)
			if err == nil || !strings.Contains(err.Error(), "allowPrivilegeEscalation") {
				t.Fatalf("a pod with privilege escalation at the level restricted: %v", err)
			}
		}
	}
	step("restricted: a pod with privilege escalation is refused")
}

// refuses checks that the server refuses the objects of values that the chart
// refuses, rendered without the chart's schema and checks.
func (s *apiServer) refuses(t *testing.T) {
	t.Helper()
	s.namespace(t, "refused", "privileged")
	for _, row := range refusedValues() {
		if row.server == "" {
			continue
		}
		values := strings.ReplaceAll(row.values, "\n", " ")
		if _, err := render(t, row.values); err == nil || !strings.Contains(err.Error(), row.word) {
			t.Errorf("%s: the chart: got %v, want an error about %s", values, err, row.word)
			continue
		}
		if err := s.refusal(t, row.values); err == nil || !strings.Contains(err.Error(), row.server) {
			t.Errorf("%s: the server: got %v, want an error with %q", values, err, row.server)
			continue
		}
		step("refused by the chart and by the server: %s", values)
	}
}

// refusal returns the server's error about the objects of unchecked values.
func (s *apiServer) refusal(t *testing.T, values string) error {
	t.Helper()
	manifests, err := renderUnchecked(t, values)
	if err != nil {
		return fmt.Errorf("not rendered: %w", err)
	}
	for _, text := range contents(manifests) {
		o := parse(t, text)
		if err := s.create(t, "refused", o, v1.DryRunAll); err != nil {
			return err
		}
		if err := s.apply(t, "refused", o); err != nil {
			return err
		}
	}
	return nil
}

// renderUnchecked renders without values.schema.json and templates/_checks.tpl.
func renderUnchecked(t *testing.T, values string) ([]releaseutil.Manifest, error) {
	t.Helper()
	c := loadChart(t)
	c.Schema = nil
	for _, f := range c.Templates {
		if f.Name == "templates/_checks.tpl" {
			f.Data = []byte(`{{- define "conductor-jwt.checks" }}{{ end }}`)
		}
	}
	return renderWith(t, c, values, engine.Render)
}
