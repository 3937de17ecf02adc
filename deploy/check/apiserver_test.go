//go:build kubernetes

package check_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"maps"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	core "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	v1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/discovery"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/restmapper"
	"sigs.k8s.io/yaml"
)

// definitions are the modules and files of the CRDs that the chart's objects need.
var definitions = map[string][]string{
	"github.com/prometheus-operator/prometheus-operator@v0.89.0": {
		"example/prometheus-operator-crd/monitoring.coreos.com_servicemonitors.yaml",
		"example/prometheus-operator-crd/monitoring.coreos.com_prometheusrules.yaml",
	},
	"github.com/kedacore/keda/v2@v2.21.0": {"config/crd/bases/keda.sh_scaledobjects.yaml"},
	"sigs.k8s.io/gateway-api@v1.7.0":      {"config/crd/standard/gateway.networking.k8s.io_httproutes.yaml"},
}

// apiServer is a Kubernetes API server without nodes and controllers.
type apiServer struct {
	client   dynamic.Interface
	mapper   meta.RESTMapper
	warnings *warnings
}

// startAPIServer starts etcd and .cache/kube-apiserver for the time of the test, and
// creates the CRDs.
func startAPIServer(t *testing.T) *apiServer {
	t.Helper()
	folder := t.TempDir()
	etcd, peers, secure := freeAddress(t), freeAddress(t), freeAddress(t)
	log := start(t, folder, "etcd", "--data-dir", filepath.Join(folder, "etcd"),
		"--listen-client-urls", "http://"+etcd, "--advertise-client-urls", "http://"+etcd,
		"--listen-peer-urls", "http://"+peers, "--initial-advertise-peer-urls", "http://"+peers, "--initial-cluster", "default=http://"+peers)
	eventually(t, log, func(ctx context.Context) error { return get(ctx, http.DefaultClient, "http://"+etcd+"/health") })

	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalECPrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	accounts, tokens, token := filepath.Join(folder, "accounts.pem"), filepath.Join(folder, "tokens.csv"), rand.Text()
	writeFile(t, accounts, pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: der}))
	writeFile(t, tokens, []byte(token+",admin,admin,system:masters\n"))
	host, port, _ := net.SplitHostPort(secure)
	log = start(t, folder, "../../.cache/kube-apiserver", "--etcd-servers", "http://"+etcd, "--cert-dir", folder,
		"--bind-address", host, "--advertise-address", host, "--secure-port", port, "--endpoint-reconciler-type", "none",
		"--token-auth-file", tokens, "--authorization-mode", "RBAC", "--service-cluster-ip-range", "10.0.0.0/24",
		"--service-account-issuer", "https://kubernetes.default.svc", "--service-account-key-file", accounts, "--service-account-signing-key-file", accounts)

	s := &apiServer{warnings: new(warnings)}
	config := &rest.Config{
		Host: "https://" + secure, BearerToken: token, TLSClientConfig: rest.TLSClientConfig{CAFile: filepath.Join(folder, "apiserver.crt")},
		WarningHandlerWithContext: s.warnings, QPS: -1,
	}
	eventually(t, log, func(ctx context.Context) error {
		client, err := rest.HTTPClientFor(config) // the server writes its certificate
		if err != nil {
			return err
		}
		return get(ctx, client, config.Host+"/readyz")
	})
	s.connect(t, log, config)
	return s
}

// connect creates the CRDs and finds the names of the resources.
func (s *apiServer) connect(t *testing.T, log string, config *rest.Config) {
	t.Helper()
	var err error
	if s.client, err = dynamic.NewForConfig(config); err != nil {
		t.Fatal(err)
	}
	find, err := discovery.NewDiscoveryClientForConfig(config)
	if err != nil {
		t.Fatal(err)
	}
	version, err := find.ServerVersion()
	if err != nil {
		t.Fatal(err)
	}
	step("kube-apiserver %s.%s: ready", version.Major, version.Minor)
	kinds := s.define(t)
	eventually(t, log, func(context.Context) error {
		groups, err := restmapper.GetAPIGroupResources(find)
		if err != nil {
			return err
		}
		s.mapper = restmapper.NewDiscoveryRESTMapper(groups)
		for _, kind := range kinds {
			if _, err := s.mapper.RESTMapping(kind); err != nil {
				return err
			}
		}
		return nil
	})
	for _, kind := range kinds {
		step("CRD %s: established", kind)
	}
}

// define creates the CRDs and returns their kinds.
func (s *apiServer) define(t *testing.T) []schema.GroupKind {
	t.Helper()
	resource := s.client.Resource(schema.GroupVersionResource{Group: "apiextensions.k8s.io", Version: "v1", Resource: "customresourcedefinitions"})
	var kinds []schema.GroupKind
	for _, module := range slices.Sorted(maps.Keys(definitions)) {
		out, err := exec.CommandContext(t.Context(), "go", "mod", "download", "-json", module).Output()
		if err != nil {
			t.Fatalf("go mod download %s: %v\n%s", module, err, out)
		}
		var downloaded struct{ Dir string }
		if err := json.Unmarshal(out, &downloaded); err != nil {
			t.Fatal(err)
		}
		for _, file := range definitions[module] {
			text, err := os.ReadFile(filepath.Join(downloaded.Dir, file))
			if err != nil {
				t.Fatal(err)
			}
			object := parse(t, string(text))
			if _, err := resource.Create(t.Context(), object, v1.CreateOptions{}); err != nil {
				t.Fatalf("%s: %v", file, err)
			}
			group, _, _ := unstructured.NestedString(object.Object, "spec", "group")
			kind, _, _ := unstructured.NestedString(object.Object, "spec", "names", "kind")
			kinds = append(kinds, schema.GroupKind{Group: group, Kind: kind})
		}
	}
	return kinds
}

// namespace creates a namespace and its default ServiceAccount, which a controller
// would create. The pods must have the level of Pod Security Admission.
func (s *apiServer) namespace(t *testing.T, name, level string) {
	t.Helper()
	for _, text := range []string{
		fmt.Sprintf("{apiVersion: v1, kind: Namespace, metadata: {name: %s, labels: {pod-security.kubernetes.io/enforce: %s, pod-security.kubernetes.io/warn: %s}}}", name, level, level),
		"{apiVersion: v1, kind: ServiceAccount, metadata: {name: default}}",
	} {
		if err := s.create(t, name, parse(t, text)); err != nil {
			t.Fatal(err)
		}
	}
}

// resource returns the client of an object's kind.
func (s *apiServer) resource(t *testing.T, namespace string, o *unstructured.Unstructured) dynamic.ResourceInterface {
	t.Helper()
	kind := o.GroupVersionKind()
	m, err := s.mapper.RESTMapping(kind.GroupKind(), kind.Version)
	if err != nil {
		t.Fatal(err)
	}
	if m.Scope.Name() == meta.RESTScopeNameRoot {
		return s.client.Resource(m.Resource)
	}
	return s.client.Resource(m.Resource).Namespace(namespace)
}

// create creates an object, as Helm 3 does. A field that the server does not know is
// an error.
func (s *apiServer) create(t *testing.T, namespace string, o *unstructured.Unstructured, dryRun ...string) error {
	t.Helper()
	_, err := s.resource(t, namespace, o).Create(t.Context(), o, v1.CreateOptions{FieldValidation: v1.FieldValidationStrict, FieldManager: "create", DryRun: dryRun})
	return err
}

// apply creates or changes an object with server-side apply, as Helm 4 and kubectl
// apply --server-side do, without storing it.
func (s *apiServer) apply(t *testing.T, namespace string, o *unstructured.Unstructured) error {
	t.Helper()
	text, err := json.Marshal(o)
	if err != nil {
		t.Fatal(err)
	}
	force := true
	_, err = s.resource(t, namespace, o).Patch(t.Context(), o.GetName(), "application/apply-patch+yaml", text,
		v1.PatchOptions{FieldValidation: v1.FieldValidationStrict, FieldManager: "apply", Force: &force, DryRun: []string{v1.DryRunAll}})
	return err
}

// warnings keeps the warnings of responses.
type warnings struct {
	mu   sync.Mutex
	list []string
}

func (w *warnings) HandleWarningHeaderWithContext(_ context.Context, _ int, _, text string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.list = append(w.list, text)
}

// take returns the warnings since the last call.
func (w *warnings) take() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	list := w.list
	w.list = nil
	return list
}

// parse reads an object from YAML.
func parse(t *testing.T, text string) *unstructured.Unstructured {
	t.Helper()
	o := new(unstructured.Unstructured)
	if err := yaml.UnmarshalStrict([]byte(text), &o.Object); err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	return o
}

// podOf returns a pod as the controller of a Deployment would create it.
func podOf(t *testing.T, deployment *unstructured.Unstructured) *unstructured.Unstructured {
	t.Helper()
	template, found, err := unstructured.NestedMap(deployment.Object, "spec", "template")
	if err != nil || !found {
		t.Fatalf("the Deployment has no template: %v", err)
	}
	pod := &unstructured.Unstructured{Object: template}
	pod.SetGroupVersionKind(core.SchemeGroupVersion.WithKind("Pod"))
	pod.SetName(deployment.GetName() + "-0")
	return pod
}

func step(format string, values ...any) { fmt.Printf(format+"\n", values...) }

func writeFile(t *testing.T, name string, content []byte) {
	t.Helper()
	if err := os.WriteFile(name, content, 0o600); err != nil {
		t.Fatal(err)
	}
}

// freeAddress returns a loopback address that is free for now.
func freeAddress(t *testing.T) string {
	t.Helper()
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	return l.Addr().String()
}

// start runs a program until the test ends, and returns the file of its output.
func start(t *testing.T, folder, program string, args ...string) string {
	t.Helper()
	name := filepath.Join(folder, filepath.Base(program)+".log")
	log, err := os.Create(name)
	if err != nil {
		t.Fatal(err)
	}
	c := exec.CommandContext(t.Context(), program, args...) // killed: its data is temporary
	c.Stdout, c.Stderr = log, log
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = c.Wait()
		_ = log.Close()
	})
	return name
}

// eventually waits until ready returns no error, at most a minute. After that, the
// test fails with the end of a program's output.
func eventually(t *testing.T, log string, ready func(context.Context) error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for {
		err := ready(ctx)
		if err == nil {
			return
		}
		select {
		case <-ctx.Done():
			text, _ := os.ReadFile(log)
			lines := strings.Split(string(text), "\n")
			t.Fatalf("%s: not ready within a minute: %v\n%s", filepath.Base(log), err, strings.Join(lines[max(0, len(lines)-20):], "\n"))
		case <-tick.C:
		}
	}
}

func get(ctx context.Context, client *http.Client, url string) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	response, err := client.Do(request)
	if err != nil {
		return err
	}
	_ = response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("%s: %s", url, response.Status)
	}
	return nil
}
