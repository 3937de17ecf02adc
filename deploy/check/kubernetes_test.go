package check_test

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"

	monitoring "github.com/prometheus-operator/prometheus-operator/pkg/apis/monitoring/v1"
	"helm.sh/helm/v3/pkg/chart"
	"helm.sh/helm/v3/pkg/chartutil"
	"helm.sh/helm/v3/pkg/engine"
	apps "k8s.io/api/apps/v1"
	core "k8s.io/api/core/v1"
	networking "k8s.io/api/networking/v1"
	policy "k8s.io/api/policy/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/dynamic/fake"
	"sigs.k8s.io/yaml"
)

// scaledObject is the used part of KEDA's ScaledObject.
type scaledObject struct {
	APIVersion string         `json:"apiVersion"`
	Kind       string         `json:"kind"`
	Metadata   map[string]any `json:"metadata"`
	Spec       struct {
		ScaleTargetRef  struct{ Name string } `json:"scaleTargetRef"`
		MinReplicaCount int                   `json:"minReplicaCount"`
		MaxReplicaCount int                   `json:"maxReplicaCount"`
		PollingInterval int                   `json:"pollingInterval"`
		CooldownPeriod  int                   `json:"cooldownPeriod"`
		Triggers        []struct {
			Type     string            `json:"type"`
			Metadata map[string]string `json:"metadata"`
		} `json:"triggers"`
	} `json:"spec"`
}

// httpRoute is the used part of the Gateway API's HTTPRoute.
type httpRoute struct {
	APIVersion string         `json:"apiVersion"`
	Kind       string         `json:"kind"`
	Metadata   map[string]any `json:"metadata"`
	Spec       struct {
		ParentRefs []map[string]any `json:"parentRefs"`
		Hostnames  []string         `json:"hostnames"`
		Rules      []struct {
			Matches     []map[string]any `json:"matches"`
			BackendRefs []struct {
				Name string `json:"name"`
				Port int    `json:"port"`
			} `json:"backendRefs"`
		} `json:"rules"`
	} `json:"spec"`
}

// read returns the object of a kind and name, decoded strictly into its Kubernetes
// type: an unknown field is an error.
func read[T any](t *testing.T, values, kind, name string) T {
	t.Helper()
	var into T
	for _, m := range append(mustRender(t, values), tests(t, values)...) {
		if m.Head.Kind == kind && m.Head.Metadata.Name == name {
			if err := yaml.UnmarshalStrict([]byte(m.Content), &into); err != nil {
				t.Fatalf("%s %s: %v\n%s", kind, name, err, m.Content)
			}
			return into
		}
	}
	t.Fatalf("no %s %s", kind, name)
	return into
}

func TestObjectsDecodeStrictly(t *testing.T) {
	types := map[string]func() any{
		"ConfigMap":           func() any { return new(core.ConfigMap) },
		"Service":             func() any { return new(core.Service) },
		"ServiceAccount":      func() any { return new(core.ServiceAccount) },
		"Deployment":          func() any { return new(apps.Deployment) },
		"PodDisruptionBudget": func() any { return new(policy.PodDisruptionBudget) },
		"NetworkPolicy":       func() any { return new(networking.NetworkPolicy) },
		"Ingress":             func() any { return new(networking.Ingress) },
		"HTTPRoute":           func() any { return new(httpRoute) },
		"ServiceMonitor":      func() any { return new(monitoring.ServiceMonitor) },
		"PrometheusRule":      func() any { return new(monitoring.PrometheusRule) },
		"ScaledObject":        func() any { return new(scaledObject) },
	}
	for _, values := range []string{"", everything, others} {
		for _, m := range mustRender(t, values) {
			make, known := types[m.Head.Kind]
			if !known {
				t.Errorf("the kind %s is not checked; add its type here", m.Head.Kind)
				continue
			}
			if err := yaml.UnmarshalStrict([]byte(m.Content), make()); err != nil {
				t.Errorf("%s: %v\n%s", m.Name, err, m.Content)
			}
		}
	}
}

func TestPodSecurityContext(t *testing.T) {
	pod := read[apps.Deployment](t, "", "Deployment", "conductor-jwt").Spec.Template.Spec
	c := pod.Containers[0].SecurityContext
	switch {
	case !*pod.SecurityContext.RunAsNonRoot, *pod.SecurityContext.RunAsUser != 65532:
		t.Error("the pod may run as root")
	case pod.SecurityContext.SeccompProfile.Type != core.SeccompProfileTypeRuntimeDefault:
		t.Error("the pod has no seccomp profile")
	case *c.AllowPrivilegeEscalation, !*c.ReadOnlyRootFilesystem, !slices.Equal(c.Capabilities.Drop, []core.Capability{"ALL"}):
		t.Error("the container has capabilities, privilege escalation or a writable root file system")
	case *pod.AutomountServiceAccountToken:
		t.Error("the service account token is mounted by default")
	case *pod.TerminationGracePeriodSeconds <= 25:
		t.Error("terminationGracePeriodSeconds is not longer than drain_timeout (25 s)")
	}
}

// Null is no probe; Helm merges {} with the default.
func TestNullMeansNone(t *testing.T) {
	for values, want := range map[string][2]bool{ // is there a liveness, a readiness probe?
		"livenessProbe: null":  {false, true},
		"readinessProbe: null": {true, false},
		"{initContainers: null, extraContainers: null, extraEnv: null, extraVolumes: null}": {true, true},
	} {
		container := read[apps.Deployment](t, values, "Deployment", "conductor-jwt").Spec.Template.Spec.Containers[0]
		if got := [2]bool{container.LivenessProbe != nil, container.ReadinessProbe != nil}; got != want {
			t.Errorf("%s: %v, want %v", values, got, want)
		}
	}
}

// GOMEMLIMIT leaves a part of any memory limit to what is not Go's.
func TestGOMEMLIMITIsBelowTheMemoryLimit(t *testing.T) {
	for _, limit := range []string{"64Mi", "128Mi", "100M", "200000k", "0.5Gi", "1G", "4Gi"} {
		container := read[apps.Deployment](t, "resources: {limits: {memory: "+limit+"}}", "Deployment", "conductor-jwt").Spec.Template.Spec.Containers[0]
		var divided, value string
		for _, e := range container.Env {
			switch e.Name {
			case "MEMORY_LIMIT_MIB": // the kubelet rounds up
				divisor := e.ValueFrom.ResourceFieldRef.Divisor.Value()
				divided = fmt.Sprint((container.Resources.Limits.Memory().Value() + divisor - 1) / divisor)
			case "GOMEMLIMIT":
				value = strings.ReplaceAll(e.Value, "$(MEMORY_LIMIT_MIB)", divided)
			}
		}
		var bytes int64
		if _, err := fmt.Sscan(value, &bytes); err != nil {
			t.Fatalf("%s: %q: %v", limit, value, err)
		}
		if share := float64(bytes) / container.Resources.Limits.Memory().AsApproximateFloat64(); share < 0.9 || share > 0.97 {
			t.Errorf("%s: GOMEMLIMIT is %q, %.2f of the limit", limit, value, share)
		}
	}
	for _, e := range read[apps.Deployment](t, "resources: {limits: null}", "Deployment", "conductor-jwt").Spec.Template.Spec.Containers[0].Env {
		if e.Name == "GOMEMLIMIT" {
			t.Error("GOMEMLIMIT is set without a memory limit: it would be that of the node")
		}
	}
}

func TestSecretsAreReferences(t *testing.T) {
	pod := read[apps.Deployment](t, everything, "Deployment", "conductor-jwt").Spec.Template.Spec
	for _, e := range pod.Containers[0].Env {
		if strings.HasPrefix(e.Name, "CONDUCTOR_AUTH_") {
			t.Errorf("%s is in the environment, where a change needs a restart; want a file", e.Name)
		}
	}
	mounted := map[string]bool{}
	for _, m := range pod.Containers[0].VolumeMounts {
		mounted[m.Name] = m.ReadOnly
	}
	for _, v := range pod.Volumes {
		if !mounted[v.Name] && v.Name != "more" {
			t.Errorf("volume %s is not mounted read only", v.Name)
		}
		if v.Secret != nil && *v.Secret.DefaultMode&0o007 != 0 {
			t.Errorf("the files of volume %s are readable by others", v.Name)
		}
	}
}

func TestSelectorsMatchThePods(t *testing.T) {
	d := read[apps.Deployment](t, everything, "Deployment", "conductor-jwt")
	labels := d.Spec.Template.Labels
	find := func(what string, selector map[string]string) {
		for k, v := range selector {
			if labels[k] != v {
				t.Errorf("%s selects %s=%s, the pods have %q", what, k, v, labels[k])
			}
		}
	}
	find("the deployment", d.Spec.Selector.MatchLabels)
	find("the budget", read[policy.PodDisruptionBudget](t, everything, "PodDisruptionBudget", "conductor-jwt").Spec.Selector.MatchLabels)
	find("the network policy", read[networking.NetworkPolicy](t, everything, "NetworkPolicy", "conductor-jwt").Spec.PodSelector.MatchLabels)
	find("the spread", d.Spec.Template.Spec.TopologySpreadConstraints[0].LabelSelector.MatchLabels)
	jwks := read[core.Service](t, everything, "Service", "conductor-jwt-jwks")
	find("the jwks service", jwks.Spec.Selector)
	if !jwks.Spec.PublishNotReadyAddresses {
		t.Error("the jwks service does not publish addresses of pods that are not ready")
	}
	metrics := read[core.Service](t, everything, "Service", "conductor-jwt-metrics")
	for k, v := range read[monitoring.ServiceMonitor](t, everything, "ServiceMonitor", "conductor-jwt").Spec.Selector.MatchLabels {
		if metrics.Labels[k] != v {
			t.Errorf("the service monitor selects %s=%s, which the metrics service does not have", k, v)
		}
	}
}

func TestKEDAHasATriggerForEachQueue(t *testing.T) {
	o := read[scaledObject](t, everything, "ScaledObject", "conductor-jwt")
	var urls, fields []string
	for _, trigger := range o.Spec.Triggers {
		urls = append(urls, trigger.Metadata["url"])
		fields = append(fields, trigger.Metadata["valueLocation"])
	}
	want := []string{
		"https://conductor.example.com/api/tasks/queue/sizes?taskType=GET_SIGNED_JWT",
		"https://conductor.example.com/api/tasks/queue/sizes?taskType=sign%2Bme",
		"https://conductor.example.com/api/tasks/queue/sizes?taskType=GET_ACCESS_TOKEN",
	}
	if !slices.Equal(urls, want) || !slices.Equal(fields, []string{"GET_SIGNED_JWT", "sign+me", "GET_ACCESS_TOKEN"}) {
		t.Errorf("urls %v, fields %v; want %v", urls, fields, want)
	}
	if d := read[apps.Deployment](t, everything, "Deployment", "conductor-jwt"); d.Spec.Replicas != nil {
		t.Error("the deployment has replicas, which helm upgrade would reset")
	}
	inDomain := read[scaledObject](t, `{keda: {enabled: true}, settings: {domain: eu}}`, "ScaledObject", "conductor-jwt")
	if m := inDomain.Spec.Triggers[0].Metadata; !strings.HasSuffix(m["url"], "?taskType=eu%3AGET_SIGNED_JWT") || m["valueLocation"] != "eu:GET_SIGNED_JWT" {
		t.Errorf("with a domain: got %v, want the queue eu:GET_SIGNED_JWT", m)
	}
}

// An upgrade that turns KEDA on keeps the number of pods: without it in the
// manifest, the API server would set it to 1.
func TestTurningKEDAOnKeepsThePods(t *testing.T) {
	running := &unstructured.Unstructured{}
	running.SetAPIVersion("apps/v1")
	running.SetKind("Deployment")
	running.SetNamespace("default")
	running.SetName("conductor-jwt")
	if err := unstructured.SetNestedField(running.Object, int64(4), "spec", "replicas"); err != nil {
		t.Fatal(err)
	}
	cluster := oneCluster{fake.NewSimpleDynamicClient(runtime.NewScheme(), running)}
	manifests, err := renderWith(t, loadChart(t), "keda: {enabled: true}", func(c *chart.Chart, v chartutil.Values) (map[string]string, error) {
		return engine.RenderWithClientProvider(c, v, cluster)
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range manifests {
		if m.Head.Kind == "Deployment" && !strings.Contains(m.Content, "\n  replicas: 4\n") {
			t.Errorf("want replicas: 4, got\n%s", m.Content)
		}
	}
}

// oneCluster gives Helm's lookup the objects of a fake cluster.
type oneCluster struct{ client dynamic.Interface }

func (c oneCluster) GetClientFor(apiVersion, kind string) (dynamic.NamespaceableResourceInterface, bool, error) {
	group, version, _ := strings.Cut(apiVersion, "/")
	return c.client.Resource(schema.GroupVersionResource{Group: group, Version: version, Resource: strings.ToLower(kind) + "s"}), true, nil
}

// Each listener has its own peers, and the internet is open to task types alone that
// need it.
func TestNetworkPolicy(t *testing.T) {
	p := read[networking.NetworkPolicy](t, everything, "NetworkPolicy", "conductor-jwt").Spec
	var ports []string
	for _, in := range p.Ingress {
		ports = append(ports, in.Ports[0].Port.StrVal)
		if len(in.From) != 1 {
			t.Errorf("the port %s has %d peers, want its own", in.Ports[0].Port.StrVal, len(in.From))
		}
	}
	if want := []string{"metrics", "jwks", "status"}; !slices.Equal(ports, want) {
		t.Errorf("ingress to %v, want %v", ports, want)
	}
	to := `networkPolicy: {enabled: true, to: [{podSelector: {}}], internet: %s}
taskTypes: [%s]`
	for _, row := range []struct {
		internet, types string
		open            bool
	}{
		{"auto", "GET_SIGNED_JWT", false},
		{"auto", "GET_SIGNED_JWT, GET_ACCESS_TOKEN", true},
		{"auto", "VERIFY_JWT", true},
		{"never", "GET_ACCESS_TOKEN", false},
		{"always", "GET_SIGNED_JWT", true},
	} {
		egress := read[networking.NetworkPolicy](t, fmt.Sprintf(to, row.internet, row.types), "NetworkPolicy", "conductor-jwt").Spec.Egress
		last := egress[len(egress)-1]
		if open := len(last.Ports) == 1 && last.Ports[0].Port.IntVal == 443; open != row.open {
			t.Errorf("internet %s, %s: open is %v", row.internet, row.types, open)
		}
		if !row.open {
			continue
		}
		for _, peer := range last.To {
			network := netip.MustParsePrefix(peer.IPBlock.CIDR)
			for _, address := range []string{"10.1.2.3", "169.254.169.254", "100.64.0.1", "172.31.255.255", "127.0.0.1", "168.63.129.16", "192.0.0.192", "255.255.255.255", "::1", "fd00:ec2::254", "fe80::1"} {
				inside := func(cidr string) bool { return netip.MustParsePrefix(cidr).Contains(netip.MustParseAddr(address)) }
				if network.Contains(netip.MustParseAddr(address)) && !slices.ContainsFunc(peer.IPBlock.Except, inside) {
					t.Errorf("%s is open to the pods", address)
				}
			}
		}
	}
}

// The pod of `helm test` is not one of the workers, and asks the Service of the release.
func TestHelmTest(t *testing.T) {
	pod := read[core.Pod](t, "", "Pod", "conductor-jwt-test")
	selector := read[apps.Deployment](t, "", "Deployment", "conductor-jwt").Spec.Selector.MatchLabels
	if pod.Labels["app.kubernetes.io/name"] == selector["app.kubernetes.io/name"] {
		t.Error("the Services select the pod of the test")
	}
	c := pod.Spec.Containers[0]
	if !slices.Equal(c.Args, []string{"health"}) || c.Env[0].Value != "conductor-jwt-metrics:9991" {
		t.Errorf("args %v, env %v", c.Args, c.Env)
	}
	if c.SecurityContext == nil || pod.Spec.SecurityContext == nil {
		t.Error("the pod has no security context")
	}
}
