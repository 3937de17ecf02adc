// Package check_test checks deploy/ with the tools that read it: Helm's renderer,
// the Kubernetes types, Prometheus' parsers, Compose's loader. It is a separate
// module because their dependencies are large.
package check_test

import (
	"bytes"
	"flag"
	"os"
	"slices"
	"strings"
	"testing"

	"helm.sh/helm/v3/pkg/chart"
	"helm.sh/helm/v3/pkg/chart/loader"
	"helm.sh/helm/v3/pkg/chartutil"
	"helm.sh/helm/v3/pkg/engine"
	"helm.sh/helm/v3/pkg/lint"
	"helm.sh/helm/v3/pkg/lint/support"
	"helm.sh/helm/v3/pkg/releaseutil"
	"sigs.k8s.io/yaml"
)

var update = flag.Bool("update", false, "write deploy/manifest.yaml from the chart")

func loadChart(t *testing.T) *chart.Chart {
	t.Helper()
	c, err := loader.Load("../chart")
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// render returns the manifests that helm install would apply for values given as
// YAML, in the order of installation.
func render(t *testing.T, values string) ([]releaseutil.Manifest, error) {
	t.Helper()
	c := loadChart(t)
	given := map[string]any{}
	if err := yaml.Unmarshal([]byte(values), &given); err != nil {
		t.Fatal(err)
	}
	caps := chartutil.DefaultCapabilities.Copy()
	rendered, err := chartutil.ToRenderValues(c, given, chartutil.ReleaseOptions{
		Name: "conductor-jwt", Namespace: "default", IsInstall: true, Revision: 1,
	}, caps)
	if err != nil {
		return nil, err
	}
	files, err := engine.Render(c, rendered)
	if err != nil {
		return nil, err
	}
	for name := range files {
		if strings.HasSuffix(name, "NOTES.txt") {
			delete(files, name)
		}
	}
	_, manifests, err := releaseutil.SortManifests(files, nil, releaseutil.InstallOrder)
	return manifests, err
}

func mustRender(t *testing.T, values string) []releaseutil.Manifest {
	t.Helper()
	manifests, err := render(t, values)
	if err != nil {
		t.Fatal(err)
	}
	return manifests
}

// everything enables all options that are off by default.
const everything = `
image: {digest: "sha256:0000000000000000000000000000000000000000000000000000000000000000", pullSecrets: [registry]}
conductor:
  url: https://conductor.example.com
  auth: {secret: conductor-credentials}
  tls: {caSecret: conductor-ca, clientSecret: conductor-client}
settings: {task_types: [GET_SIGNED_JWT, "sign me"], slots: 32, max_ttl: 1h}
policy: {configMap: jwt-policy, keySecrets: [partner, github]}
jwks: {enabled: true}
status: {enabled: true, uiURL: "https://conductor.example.com"}
networkPolicy:
  enabled: true
  from: [{namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: monitoring}}}]
  to: [{namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: conductor}}}]
metrics:
  serviceMonitor: {enabled: true, labels: {release: prometheus}}
  rules: {enabled: true}
  dashboard: {enabled: true}
  docsURL: https://example.com/docs
keda: {enabled: true}
serviceAccount: {annotations: {iam.gke.io/gcp-service-account: jwt@example.iam.gserviceaccount.com}}
podAnnotations: {a: b}
podLabels: {team: platform}
nodeSelector: {kubernetes.io/os: linux}
tolerations: [{key: jobs, operator: Exists}]
affinity: {nodeAffinity: {}}
extraEnv: [{name: HTTPS_PROXY, value: "http://proxy:3128"}]
extraVolumes: [{name: more, emptyDir: {}}]
extraVolumeMounts: [{name: more, mountPath: /more}]
`

func TestHelmLint(t *testing.T) {
	for _, values := range []string{"", everything} {
		given := map[string]any{}
		if err := yaml.Unmarshal([]byte(values), &given); err != nil {
			t.Fatal(err)
		}
		for _, m := range lint.All("../chart", given, "default", true).Messages {
			if m.Severity > support.InfoSev {
				t.Error(m)
			}
		}
	}
}

func TestSchemaRefusesInvalidValues(t *testing.T) {
	for values, word := range map[string]string{
		`replica: 3`: "replica",
		`conductor: {url: "http://me:pw@conductor"}`:   "url",
		`settings: {policy: /x}`:                       "policy",
		`settings: {listen: ":1"}`:                     "listen",
		`image: {digest: "sha256:1"}`:                  "digest",
		`jwks: {port: 9991}`:                           "port",
		`conductor: {auth: {secret: "not a name"}}`:    "secret",
		`networkPolicy: {enabled: "yes"}`:              "enabled",
		`terminationGracePeriodSeconds: "forty"`:       "terminationGracePeriodSeconds",
		`keda: {enabled: true, tasksPerReplica: 0}`:    "tasksPerReplica",
		`metrics: {serviceMonitor: {interval: often}}`: "interval",
	} {
		if _, err := render(t, values); err == nil || !strings.Contains(err.Error(), word) {
			t.Errorf("%s: got %v, want an error about %s", values, err, word)
		}
	}
}

func TestManifestIsTheRenderedChart(t *testing.T) {
	var b bytes.Buffer
	b.WriteString("# Rendered from deploy/chart by `go test ./... -update` in deploy/check; edit the chart.\n")
	for _, m := range mustRender(t, "") {
		b.WriteString("---\n" + strings.TrimSpace(m.Content) + "\n")
	}
	got := strings.ReplaceAll(b.String(), "app.kubernetes.io/managed-by: Helm\n", "app.kubernetes.io/managed-by: kubectl\n")
	if *update {
		if err := os.WriteFile("../manifest.yaml", []byte(got), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile("../manifest.yaml")
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Error("deploy/manifest.yaml differs from the rendered chart; run go test -update in deploy/check")
	}
}

// kinds returns the kinds of the rendered objects, sorted.
func kinds(t *testing.T, values string) []string {
	t.Helper()
	var kinds []string
	for _, m := range mustRender(t, values) {
		kinds = append(kinds, m.Head.Kind)
	}
	slices.Sort(kinds)
	return kinds
}

func TestOptionalObjectsAreRenderedOnlyIfEnabled(t *testing.T) {
	want := []string{"ConfigMap", "Deployment", "PodDisruptionBudget", "Service", "ServiceAccount"}
	if got := kinds(t, ""); !slices.Equal(got, want) {
		t.Errorf("by default: got %v, want %v", got, want)
	}
	want = []string{
		"ConfigMap", "ConfigMap", "Deployment", "NetworkPolicy", "PodDisruptionBudget", "PrometheusRule",
		"ScaledObject", "Service", "Service", "ServiceAccount", "ServiceMonitor",
	}
	if got := kinds(t, everything); !slices.Equal(got, want) {
		t.Errorf("with everything: got %v, want %v", got, want)
	}
}
