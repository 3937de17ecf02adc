// Package check_test checks deploy/ with the tools that read it: Helm's renderer,
// the Kubernetes types, Prometheus' parsers, Compose's loader. It is a separate
// module because their dependencies are large.
package check_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
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
	return renderWith(t, loadChart(t), values, engine.Render)
}

// renderWith renders a chart with a renderer of Helm.
func renderWith(t *testing.T, c *chart.Chart, values string, do func(*chart.Chart, chartutil.Values) (map[string]string, error)) ([]releaseutil.Manifest, error) {
	t.Helper()
	files, err := renderFiles(t, c, values, do)
	if err != nil {
		return nil, err
	}
	_, manifests, err := releaseutil.SortManifests(files, nil, releaseutil.InstallOrder)
	return manifests, err
}

// tests returns the objects that helm test would create.
func tests(t *testing.T, values string) []releaseutil.Manifest {
	t.Helper()
	files, err := renderFiles(t, loadChart(t), values, engine.Render)
	if err != nil {
		t.Fatal(err)
	}
	hooks, _, err := releaseutil.SortManifests(files, nil, releaseutil.InstallOrder)
	if err != nil {
		t.Fatal(err)
	}
	var list []releaseutil.Manifest
	for _, h := range hooks {
		var head releaseutil.SimpleHead
		if err := yaml.Unmarshal([]byte(h.Manifest), &head); err != nil {
			t.Fatal(err)
		}
		list = append(list, releaseutil.Manifest{Name: h.Path, Content: h.Manifest, Head: &head})
	}
	return list
}

func renderFiles(t *testing.T, c *chart.Chart, values string, do func(*chart.Chart, chartutil.Values) (map[string]string, error)) (map[string]string, error) {
	t.Helper()
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
	files, err := do(c, rendered)
	if err != nil {
		return nil, err
	}
	for name := range files {
		if strings.HasSuffix(name, "NOTES.txt") {
			delete(files, name)
		}
	}
	return files, nil
}

func mustRender(t *testing.T, values string) []releaseutil.Manifest {
	t.Helper()
	manifests, err := render(t, values)
	if err != nil {
		t.Fatal(err)
	}
	return manifests
}

// everything sets each value that can be set together with the others.
const everything = `
image: {repository: registry.example.com/conductor-jwt, tag: 1.2.3, digest: "sha256:0000000000000000000000000000000000000000000000000000000000000000", pullPolicy: Always, pullSecrets: [registry]}
commonLabels: {team: platform}
strategy: {type: Recreate}
revisionHistoryLimit: 3
deploymentAnnotations: {a: b}
conductor:
  url: https://conductor.example.com
  auth: {secret: conductor-credentials, idKey: id, secretKey: secret}
  tls: {caSecret: conductor-ca, caKey: ca.pem, clientSecret: conductor-client}
taskTypes: [GET_SIGNED_JWT, "sign+me", GET_ACCESS_TOKEN]
settings: {slots: 32, max_ttl: 1h, drain_timeout: 1m}
policy: {configMap: jwt-policy, keySecrets: [partner, git.hub]}
jwks:
  enabled: true
  port: 8092
  service: {type: LoadBalancer, port: 8080, annotations: {a: b}}
  ingress: {enabled: true, className: nginx, annotations: {a: b}, host: keys.example.com, path: /keys, tlsSecret: keys-tls}
  httpRoute: {enabled: true, annotations: {a: b}, parentRefs: [{name: gateway}], hostnames: [keys.example.com]}
status: {enabled: true, port: 8093, uiURL: "https://conductor.example.com"}
resources: {limits: {memory: 256Mi}}
podSecurityContext: {runAsNonRoot: true, runAsUser: null, runAsGroup: null, fsGroup: null}
securityContext: {readOnlyRootFilesystem: false}
startupProbe: {httpGet: {path: /livez, port: metrics}}
livenessProbe: {periodSeconds: 20}
readinessProbe: {periodSeconds: 20}
lifecycle: {preStop: {sleep: {seconds: 5}}}
terminationGracePeriodSeconds: 90
podDisruptionBudget: {maxUnavailable: 50%, unhealthyPodEvictionPolicy: IfHealthyBudget}
networkPolicy:
  enabled: true
  metricsFrom: [{namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: monitoring}}}]
  jwksFrom: [{ipBlock: {cidr: 0.0.0.0/0}}]
  statusFrom: [{podSelector: {matchLabels: {role: operator}}}]
  to: [{namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: conductor}}}]
  internet: always
  internetExcept: [10.0.0.0/8]
metrics:
  serviceAnnotations: {a: b}
  serviceMonitor:
    enabled: true
    interval: 15s
    scrapeTimeout: 5s
    labels: {release: prometheus}
    relabelings: [{action: labeldrop, regex: pod}]
    metricRelabelings: [{action: drop, sourceLabels: [__name__], regex: go_.*}]
  rules: {enabled: true, labels: {release: prometheus}, disabled: [ConductorJWTKeyOld]}
  dashboard: {enabled: true, labels: {dashboards: "1"}, annotations: {folder: Conductor}}
  docsURL: https://example.com/docs
keda: {enabled: true, minReplicas: 1, maxReplicas: 5, tasksPerReplica: 50, pollingInterval: 30, cooldownPeriod: 600}
serviceAccount: {name: jwt, annotations: {iam.gke.io/gcp-service-account: jwt@example.iam.gserviceaccount.com}}
automountServiceAccountToken: true
podAnnotations: {a: b}
podLabels: {tier: backend}
priorityClassName: high
runtimeClassName: gvisor
schedulerName: other
nodeSelector: {kubernetes.io/os: linux}
tolerations: [{key: jobs, operator: Exists}]
affinity: {nodeAffinity: {}}
topologySpreadConstraints: [{maxSkew: 1, topologyKey: topology.kubernetes.io/zone, whenUnsatisfiable: DoNotSchedule}]
dnsPolicy: None
dnsConfig: {nameservers: [192.0.2.1]}
hostAliases: [{ip: 192.0.2.2, hostnames: [conductor]}]
extraEnv: [{name: HTTPS_PROXY, value: "http://proxy:3128"}]
envFrom: [{secretRef: {name: more}}]
extraVolumes: [{name: more, emptyDir: {}}]
extraVolumeMounts: [{name: more, mountPath: /more}]
extraContainers: [{name: proxy, image: "proxy:1"}]
initContainers: [{name: wait, image: "wait:1"}]
extraObjects: [{apiVersion: v1, kind: ConfigMap, metadata: {name: extra}}]
`

// others sets the values that exclude one of everything, or have no effect with it.
const others = `
nameOverride: jwt
fullnameOverride: signer
replicas: 3
policy: {inline: "keys: {}"}
podDisruptionBudget: {enabled: false}
serviceAccount: {create: false}
metrics: {rules: {enabled: true, job: jwt}}
`

func TestHelmLint(t *testing.T) {
	for _, values := range []string{"", everything, others} {
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

// refusedValues are values that the chart refuses. Each has a word of the chart's
// error and, if the API server would refuse the rendered objects, a text of its error.
func refusedValues() []struct{ values, word, server string } {
	return []struct{ values, word, server string }{
		{`replica: 3`, "replica", ""},
		{`conductor: {url: "http://me:pw@conductor"}`, "url", ""},
		{`settings: {policy: /x}`, "policy", ""},
		{`settings: {listen: ":1"}`, "listen", ""},
		{`settings: {worker_id: me}`, "worker_id", ""},
		{`settings: {task_types: [A]}`, "task_types", ""},
		{`settings: {slot: 3}`, "slot", ""},
		{`settings: {slots: "3"}`, "slots", ""},
		{`settings: {domain: no}`, "domain", ""},
		{`settings: {audit: on}`, "audit", ""},
		{`settings: {default_ttl: 300}`, "default_ttl", ""},
		{`settings: {drain_timeout: 1m}`, "drain_timeout", ""},
		{`taskTypes: []`, "taskTypes", ""},
		{`taskTypes: [A, A]`, "taskTypes", ""},
		{`image: {digest: "sha256:1"}`, "digest", ""},
		{`image: {repository: " worker"}`, "repository", ""},
		{`image: {pullPolicy: Sometimes}`, "pullPolicy", "imagePullPolicy"},
		{`conductor: {auth: {secret: "not a name"}}`, "secret", ""},
		{`policy: {configMap: a, inline: "keys: {}"}`, "policy.inline", ""},
		{`policy: {keySecrets: [a, a]}`, "keySecrets", "must be unique"},
		{`policy: {keySecrets: ["a..b"]}`, "keySecrets", ""},
		{`replicas: -1`, "replicas", "spec.replicas"},
		{`revisionHistoryLimit: -1`, "revisionHistoryLimit", "spec.revisionHistoryLimit"},
		{`strategy: {type: Rolling}`, "strategy", "spec.strategy"},
		{`strategy: {rollingUpdate: {maxSurge: 0}}`, "strategy.rollingUpdate", "may not be 0 when `maxSurge` is 0"},
		{`terminationGracePeriodSeconds: "forty"`, "terminationGracePeriodSeconds", "terminationGracePeriodSeconds"},
		{`terminationGracePeriodSeconds: 25`, "drain_timeout", ""},
		{`resources: {limits: {memory: 128MB}}`, "memory", "quantities must match"},
		{`jwks: {port: 9991}`, "port", ""},
		{`jwks: {enabled: true, port: 9991}`, "port", "duplicate"},
		{`jwks: {enabled: true, port: 70000}`, "port", "between 1 and 65535"},
		{`jwks: {enabled: true, port: 9000}
status: {enabled: true, port: 9000}`, "jwks.port and status.port", "duplicate"},
		{`jwks: {enabled: true, service: {port: 0}}`, "port", "between 1 and 65535"},
		{`jwks: {enabled: true, service: {type: Internal}}`, "type", "Unsupported value"},
		{`jwks: {enabled: true, service: {annotations: {"a b": c}}}`, "'a b'", "annotations"},
		{`jwks: {ingress: {enabled: true, host: a.example.com}}`, "jwks.enabled", ""},
		{`jwks: {enabled: true, ingress: {enabled: true}}`, "jwks.ingress.host", ""},
		{`jwks: {enabled: true, ingress: {enabled: true, host: A.example.com}}`, "host", "spec.rules[0].host"},
		{`jwks: {enabled: true, ingress: {enabled: true, host: a.example.com, path: keys}}`, "path", "must be an absolute path"},
		{`jwks: {enabled: true, ingress: {enabled: true, host: a.example.com, path: /a//b}}`, "path", "must not contain '//'"},
		{`jwks: {enabled: true, ingress: {enabled: true, host: a.example.com, className: Nginx}}`, "className", "ingressClassName"},
		{`jwks: {enabled: true, httpRoute: {enabled: true}}`, "parentRefs", ""},
		{`jwks: {enabled: true, httpRoute: {enabled: true, parentRefs: [{sectionName: web}]}}`, "parentRefs", "Required value"},
		{`jwks: {enabled: true, httpRoute: {enabled: true, parentRefs: [{name: gateway}], hostnames: [A.example.com]}}`, "hostnames", "spec.hostnames"},
		{`podDisruptionBudget: {maxUnavailable: half}`, "maxUnavailable", "spec.maxUnavailable"},
		{`podDisruptionBudget: {maxUnavailable: 150%}`, "maxUnavailable", "must not be greater than 100%"},
		{`podDisruptionBudget: {unhealthyPodEvictionPolicy: Never}`, "unhealthyPodEvictionPolicy", "spec.unhealthyPodEvictionPolicy"},
		{`networkPolicy: {enabled: "yes"}`, "enabled", ""},
		{`networkPolicy: {internetExcept: [10.0.0.0]}`, "internetExcept", ""},
		{`networkPolicy: {enabled: true, internet: always, internetExcept: [10.0.0.0/33]}`, "internetExcept", "except"},
		{`networkPolicy: {enabled: true, internet: always, internetExcept: [10.0.0.256/32]}`, "internetExcept", "except"},
		{`networkPolicy: {enabled: true, internet: always, internetExcept: [0.0.0.0/0]}`, "internetExcept", "strict subset"},
		{`keda: {enabled: true, tasksPerReplica: 0}`, "tasksPerReplica", ""},
		{`keda: {enabled: true, minReplicas: 11}`, "keda.minReplicas", ""},
		{`metrics: {serviceMonitor: {enabled: true, interval: often}}`, "interval", "interval"},
		{`metrics: {serviceMonitor: {enabled: true, interval: 30s1m}}`, "interval", "interval"},
		{`metrics: {rules: {disabled: [ConductorJWTDowm]}}`, "disabled", ""},
		{`podLabels: {app.kubernetes.io/name: x}`, "app.kubernetes.io/name", ""},
		{`podLabels: {Example/team: x}`, "'Example/team'", "labels"},
		{`commonLabels: {team: "a b"}`, "commonLabels", "labels"},
		{`podAnnotations: {checksum/config: x}`, "checksum/config", ""},
		{`nodeSelector: {disk: "a b"}`, "nodeSelector", "nodeSelector"},
		{`fullnameOverride: a.b`, "fullnameOverride", "metadata.name"},
		{`serviceAccount: {name: Worker}`, "serviceAccount", "metadata.name"},
		{`priorityClassName: High`, "priorityClassName", "priorityClassName"},
		{`runtimeClassName: gVisor`, "runtimeClassName", "runtimeClassName"},
		{`dnsPolicy: Cluster`, "dnsPolicy", "dnsPolicy"},
		{`dnsPolicy: None`, "dnsConfig.nameservers", "must provide `dnsConfig` when `dnsPolicy` is None"},
		{`livenessProbe: {tcpSocket: {port: metrics}}`, "livenessProbe", "may not specify more than 1 handler type"},
		{`extraEnv: [{name: CONDUCTOR_JWT_WORKER_ID, value: me}]`, "extraEnv", "duplicate"},
		{`extraEnv: [{name: A, value: b}, {name: A, value: c}]`, "extraEnv: A", "duplicate"},
		{`extraEnv: [{name: A=B, value: c}]`, "extraEnv", "env["},
		{`extraEnv: [{name: A, value: 1}]`, "extraEnv", "value"},
		{`extraVolumes: [{name: a.b, emptyDir: {}}]`, "extraVolumes", "must not contain dots"},
		{`extraVolumes: [{name: config, emptyDir: {}}]`, "extraVolumes", "Duplicate value"},
		{`extraVolumes: [{name: a, emptyDir: {}}, {name: a, emptyDir: {}}]`, "extraVolumes: a", "Duplicate value"},
		{`{policy: {keySecrets: [a]}, extraVolumes: [{name: key-0, emptyDir: {}}]}`, "extraVolumes", "Duplicate value"},
		{`extraContainers: [{name: worker, image: x}]`, "extraContainers", "Duplicate value"},
		{`{extraContainers: [{name: a, image: x}], initContainers: [{name: a, image: x}]}`, "extraContainers: a", "Duplicate value"},
	}
}

// The chart refuses what the API server or the worker would refuse.
func TestChartRefusesInvalidValues(t *testing.T) {
	for _, row := range refusedValues() {
		if _, err := render(t, row.values); err == nil || !strings.Contains(err.Error(), row.word) {
			t.Errorf("%s: got %v, want an error about %s", row.values, err, row.word)
		}
	}
}

// The types of settings in values.schema.json are those of the worker's own schema.
func TestSettingsHaveTheWorkersSchema(t *testing.T) {
	const file = "../chart/values.schema.json"
	own, of := readJSON(t, file), readJSON(t, "../config.schema.json")["properties"].(map[string]any)
	settings := own["properties"].(map[string]any)["settings"].(map[string]any)
	for _, name := range settings["propertyNames"].(map[string]any)["not"].(map[string]any)["enum"].([]any) {
		delete(of, name.(string))
	}
	if *update {
		settings["properties"] = of
		writeJSON(t, file, own)
	}
	if !reflect.DeepEqual(settings["properties"], any(of)) {
		t.Errorf("%s differs from config.schema.json; run go test -update in deploy/check", file)
	}
}

// The names of alerts in values.schema.json are those of the rules.
func TestAlertsThatCanBeDisabledExist(t *testing.T) {
	const file = "../chart/values.schema.json"
	var names []any
	for _, r := range loadRules(t) {
		names = append(names, r.Alert)
	}
	own := readJSON(t, file)
	at := own
	for _, name := range []string{"properties", "metrics", "properties", "rules", "properties", "disabled", "items"} {
		at = at[name].(map[string]any)
	}
	if *update {
		at["enum"] = names
		writeJSON(t, file, own)
	}
	if !reflect.DeepEqual(at["enum"], any(names)) {
		t.Errorf("%s does not name the alerts of rules.yaml; run go test -update in deploy/check", file)
	}
}

func readJSON(t *testing.T, file string) map[string]any {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var v map[string]any
	if err := json.Unmarshal(text, &v); err != nil {
		t.Fatal(err)
	}
	return v
}

func writeJSON(t *testing.T, file string, v any) {
	t.Helper()
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	if err := e.Encode(v); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, b.Bytes(), 0o600); err != nil {
		t.Fatal(err)
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

// The chart of a release has the version of the tag, names the image of that version,
// and passes the checks of helm push.
func TestChartOfARelease(t *testing.T) {
	for _, row := range []struct{ tag, repository, version, image string }{
		{"v1.2.3", "Own/Conductor-JWT", "1.2.3", "ghcr.io/own/conductor-jwt:1.2.3"},
		{"v1.2.3-rc.1", "", "1.2.3-rc.1", "conductor-jwt:1.2.3-rc.1"},
		{"0badcafe", "", "0.0.0-g0badcafe", "conductor-jwt:0badcafe"},
	} {
		folder := t.TempDir()
		command := exec.CommandContext(t.Context(), "../../.ci/chart", row.tag, folder)
		command.Env = append(os.Environ(), "GITHUB_REPOSITORY="+row.repository)
		if out, err := command.CombinedOutput(); err != nil {
			t.Fatalf(".ci/chart: %v\n%s", err, out)
		}
		c, err := loader.LoadFile(filepath.Join(folder, "conductor-jwt-"+row.version+".tgz"))
		if err != nil {
			t.Fatal(err)
		}
		if err := c.Validate(); err != nil || c.Metadata.Version != row.version {
			t.Errorf("%s: the version is %s, want %s; %v", row.tag, c.Metadata.Version, row.version, err)
		}
		manifests, err := renderWith(t, c, "", engine.Render)
		if err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(text(manifests), "image: \""+row.image+"\"\n") {
			t.Errorf("%s: the image is not %s", row.tag, row.image)
		}
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
		"ConfigMap", "ConfigMap", "ConfigMap", "Deployment", "HTTPRoute", "Ingress", "NetworkPolicy", "PodDisruptionBudget",
		"PrometheusRule", "ScaledObject", "Service", "Service", "ServiceAccount", "ServiceMonitor",
	}
	if got := kinds(t, everything); !slices.Equal(got, want) {
		t.Errorf("with everything: got %v, want %v", got, want)
	}
}
