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
		Triggers        []struct {
			Type     string            `json:"type"`
			Metadata map[string]string `json:"metadata"`
		} `json:"triggers"`
	} `json:"spec"`
}

// read returns the object of a kind and name, decoded strictly into its Kubernetes
// type: an unknown field is an error.
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

func TestObjectsDecodeStrictly(t *testing.T) {
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

func TestSecretsAreReferences(t *testing.T) {
	pod := read[apps.Deployment](t, everything, "Deployment", "conductor-jwt").Spec.Template.Spec
	for _, e := range pod.Containers[0].Env {
		if e.Name == "CONDUCTOR_AUTH_KEY" && (e.ValueFrom == nil || e.ValueFrom.SecretKeyRef == nil) {
			t.Error("CONDUCTOR_AUTH_KEY is not a reference to a Secret")
		}
		if e.Name == "CONDUCTOR_AUTH_SECRET" {
			t.Error("CONDUCTOR_AUTH_SECRET is in the environment, want a file")
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
		"https://conductor.example.com/api/tasks/queue/sizes?taskType=sign+me",
	}
	if !slices.Equal(urls, want) || !slices.Equal(fields, []string{"GET_SIGNED_JWT", "sign me"}) {
		t.Errorf("urls %v, fields %v; want %v", urls, fields, want)
	}
	if d := read[apps.Deployment](t, everything, "Deployment", "conductor-jwt"); d.Spec.Replicas != nil {
		t.Error("the deployment has replicas, which helm upgrade would reset")
	}
	one := read[scaledObject](t, `{keda: {enabled: true}, settings: {task_types: "A, B"}}`, "ScaledObject", "conductor-jwt")
	if len(one.Spec.Triggers) != 2 || !strings.HasSuffix(one.Spec.Triggers[1].Metadata["url"], "taskType=B") {
		t.Errorf("task_types as a string: got %+v, want two triggers", one.Spec.Triggers)
	}
	inDomain := read[scaledObject](t, `{keda: {enabled: true}, settings: {domain: eu}}`, "ScaledObject", "conductor-jwt")
	if m := inDomain.Spec.Triggers[0].Metadata; !strings.HasSuffix(m["url"], "?taskType=eu%3AGET_SIGNED_JWT") || m["valueLocation"] != "eu:GET_SIGNED_JWT" {
		t.Errorf("with a domain: got %v, want the queue eu:GET_SIGNED_JWT", m)
	}
}
