package check_test

import (
	"slices"
	"strings"
	"testing"

	monitoring "github.com/prometheus-operator/prometheus-operator/pkg/apis/monitoring/v1"
	apps "k8s.io/api/apps/v1"
	core "k8s.io/api/core/v1"
	networking "k8s.io/api/networking/v1"
	policy "k8s.io/api/policy/v1"
	"sigs.k8s.io/yaml"
)

// scaledObject is what is used of KEDA's type of that name.
type scaledObject struct {
	APIVersion string         `json:"apiVersion"`
	Kind       string         `json:"kind"`
	Metadata   map[string]any `json:"metadata"`
	Spec       struct {
		ScaleTargetRef  struct{ Name string } `json:"scaleTargetRef"`
		MinReplicaCount int                   `json:"minReplicaCount"`
		MaxReplicaCount int                   `json:"maxReplicaCount"`
		PollingInterval int                   `json:"pollingInterval"`
		Triggers        []struct {
			Type     string            `json:"type"`
			Metadata map[string]string `json:"metadata"`
		} `json:"triggers"`
	} `json:"spec"`
}

// read gives the one object of a kind, read strictly into the type that
// Kubernetes reads it into: a field that there is not is an error.
func read[T any](t *testing.T, values, kind, name string) T {
	t.Helper()
	var into T
	for _, m := range mustRender(t, values) {
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

func TestEveryObjectIsOfItsKind(t *testing.T) {
	types := map[string]func() any{
		"ConfigMap":           func() any { return new(core.ConfigMap) },
		"Service":             func() any { return new(core.Service) },
		"ServiceAccount":      func() any { return new(core.ServiceAccount) },
		"Deployment":          func() any { return new(apps.Deployment) },
		"PodDisruptionBudget": func() any { return new(policy.PodDisruptionBudget) },
		"NetworkPolicy":       func() any { return new(networking.NetworkPolicy) },
		"ServiceMonitor":      func() any { return new(monitoring.ServiceMonitor) },
		"PrometheusRule":      func() any { return new(monitoring.PrometheusRule) },
		"ScaledObject":        func() any { return new(scaledObject) },
	}
	for _, values := range []string{"", everything} {
		for _, m := range mustRender(t, values) {
			make, known := types[m.Head.Kind]
			if !known {
				t.Errorf("%s is of no kind that is checked", m.Head.Kind)
				continue
			}
			if err := yaml.UnmarshalStrict([]byte(m.Content), make()); err != nil {
				t.Errorf("%s: %v\n%s", m.Name, err, m.Content)
			}
		}
	}
}

func TestPodIsLockedDown(t *testing.T) {
	pod := read[apps.Deployment](t, "", "Deployment", "conductor-jwt").Spec.Template.Spec
	c := pod.Containers[0].SecurityContext
	switch {
	case !*pod.SecurityContext.RunAsNonRoot, *pod.SecurityContext.RunAsUser != 65532:
		t.Error("the pod may run as root")
	case pod.SecurityContext.SeccompProfile.Type != core.SeccompProfileTypeRuntimeDefault:
		t.Error("no seccomp profile")
	case *c.AllowPrivilegeEscalation, !*c.ReadOnlyRootFilesystem, !slices.Equal(c.Capabilities.Drop, []core.Capability{"ALL"}):
		t.Error("the container may do more than it needs")
	case *pod.AutomountServiceAccountToken:
		t.Error("a token of the cluster is mounted that nothing needs")
	case *pod.TerminationGracePeriodSeconds <= 25:
		t.Error("the pod is killed before tasks in flight have had their drain_timeout")
	}
}

func TestSecretsAreReferences(t *testing.T) {
	pod := read[apps.Deployment](t, everything, "Deployment", "conductor-jwt").Spec.Template.Spec
	for _, e := range pod.Containers[0].Env {
		if e.Name == "CONDUCTOR_AUTH_KEY" && (e.ValueFrom == nil || e.ValueFrom.SecretKeyRef == nil) {
			t.Error("the key id stands in the manifest")
		}
		if e.Name == "CONDUCTOR_AUTH_SECRET" {
			t.Error("the secret goes through the environment; a file is seen by fewer")
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
			t.Errorf("everybody may read the files of %s", v.Name)
		}
	}
}

func TestSelectorsFindThePods(t *testing.T) {
	d := read[apps.Deployment](t, everything, "Deployment", "conductor-jwt")
	labels := d.Spec.Template.Labels
	find := func(what string, selector map[string]string) {
		for k, v := range selector {
			if labels[k] != v {
				t.Errorf("%s looks for %s=%s, and the pods have %q", what, k, v, labels[k])
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
		t.Error("public keys are taken away while a worker drains")
	}
	metrics := read[core.Service](t, everything, "Service", "conductor-jwt-metrics")
	for k, v := range read[monitoring.ServiceMonitor](t, everything, "ServiceMonitor", "conductor-jwt").Spec.Selector.MatchLabels {
		if metrics.Labels[k] != v {
			t.Errorf("the service monitor looks for %s=%s", k, v)
		}
	}
}

// The trigger counts what waits, of each queue.
func TestKEDAWatchesEveryQueue(t *testing.T) {
	o := read[scaledObject](t, everything, "ScaledObject", "conductor-jwt")
	var urls, fields []string
	for _, trigger := range o.Spec.Triggers {
		urls = append(urls, trigger.Metadata["url"])
		fields = append(fields, trigger.Metadata["valueLocation"])
	}
	want := []string{
		"https://conductor.example.com/api/tasks/queue/sizes?taskType=GET_SIGNED_JWT",
		"https://conductor.example.com/api/tasks/queue/sizes?taskType=sign+me",
	}
	if !slices.Equal(urls, want) || !slices.Equal(fields, []string{"GET_SIGNED_JWT", "sign me"}) {
		t.Errorf("urls %v, fields %v", urls, fields)
	}
	if d := read[apps.Deployment](t, everything, "Deployment", "conductor-jwt"); d.Spec.Replicas != nil {
		t.Error("helm upgrade would undo what KEDA has set")
	}
	one := read[scaledObject](t, `{keda: {enabled: true}, settings: {task_types: "A, B"}}`, "ScaledObject", "conductor-jwt")
	if len(one.Spec.Triggers) != 2 || !strings.HasSuffix(one.Spec.Triggers[1].Metadata["url"], "taskType=B") {
		t.Errorf("a list in one string: %+v", one.Spec.Triggers)
	}
	there := read[scaledObject](t, `{keda: {enabled: true}, settings: {domain: eu}}`, "ScaledObject", "conductor-jwt")
	if m := there.Spec.Triggers[0].Metadata; !strings.HasSuffix(m["url"], "?taskType=eu%3AGET_SIGNED_JWT") || m["valueLocation"] != "eu:GET_SIGNED_JWT" {
		t.Errorf("tasks of a domain wait in a queue of its own: %v", m)
	}
}
