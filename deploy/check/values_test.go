package check_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	yamlv3 "go.yaml.in/yaml/v3"
	"helm.sh/helm/v3/pkg/releaseutil"
	"sigs.k8s.io/yaml"
)

// chartValue is a value of values.yaml. A mapping in block style is a section; a
// scalar, a list and a mapping in braces are values.
type chartValue struct{ path, standard, about string }

func chartValues(t *testing.T) []chartValue {
	t.Helper()
	text, err := os.ReadFile("../chart/values.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var document yamlv3.Node
	if err := yamlv3.Unmarshal(text, &document); err != nil {
		t.Fatal(err)
	}
	list := valuesBelow(t, "", document.Content[0])
	if len(list) < 90 {
		t.Fatalf("found %d values, want at least 90", len(list))
	}
	return list
}

func valuesBelow(t *testing.T, path string, mapping *yamlv3.Node) []chartValue {
	t.Helper()
	var list []chartValue
	for i := 0; i < len(mapping.Content); i += 2 {
		key, value := mapping.Content[i], mapping.Content[i+1]
		at := strings.TrimPrefix(path+"."+key.Value, ".")
		if value.Kind == yamlv3.MappingNode && value.Style&yamlv3.FlowStyle == 0 {
			list = append(list, valuesBelow(t, at, value)...)
			continue
		}
		var plain any
		if err := value.Decode(&plain); err != nil {
			t.Fatal(err)
		}
		var standard bytes.Buffer
		e := json.NewEncoder(&standard)
		e.SetEscapeHTML(false)
		if err := e.Encode(plain); err != nil {
			t.Fatal(err)
		}
		about := strings.TrimPrefix(key.HeadComment, "# ")
		if about == "" || strings.Contains(about, "\n") || !strings.HasSuffix(about, ".") {
			t.Errorf("values.yaml: %s needs a sentence in one line above it", at)
		}
		list = append(list, chartValue{at, strings.TrimSpace(standard.String()), about})
	}
	return list
}

// The table in the chart's README is generated from values.yaml: `go test -update`.
func TestREADMEListsTheValues(t *testing.T) {
	const file, begin, end = "../chart/README.md", "<!-- values -->\n", "<!-- /values -->"
	page, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, found := strings.Cut(string(page), begin)
	_, after, closed := strings.Cut(rest, end)
	if !found || !closed {
		t.Fatal("the README has no marks of the table")
	}
	var table strings.Builder
	table.WriteString("| value | default | |\n|---|---|---|\n")
	for _, v := range chartValues(t) {
		fmt.Fprintf(&table, "| `%s` | `%s` | %s |\n", v.path, v.standard, v.about)
	}
	want := before + begin + table.String() + end + after
	if *update {
		if err := os.WriteFile(file, []byte(want), 0o600); err != nil {
			t.Fatal(err)
		}
	} else if want != string(page) {
		t.Error("deploy/chart/README.md does not list the values of values.yaml; run go test -update in deploy/check")
	}
}

// Each value is set once in a test, and changes what is rendered.
func TestEachValueHasAnEffect(t *testing.T) {
	for _, v := range chartValues(t) {
		set := false
		for _, values := range []string{everything, others, `keda: {enabled: true}
networkPolicy: {enabled: true, to: [{podSelector: {}}], internet: always}`} {
			given := map[string]any{}
			if err := yaml.Unmarshal([]byte(values), &given); err != nil {
				t.Fatal(err)
			}
			if !remove(given, strings.Split(v.path, ".")) {
				continue
			}
			without, err := yaml.Marshal(given)
			if err != nil {
				t.Fatal(err)
			}
			// A value without which the others are refused has an effect, too.
			rest, err := render(t, string(without))
			set = set || err != nil || text(rest) != text(mustRender(t, values))
		}
		if !set {
			t.Errorf("no test sets %s, or it changes nothing that is rendered", v.path)
		}
	}
}

// remove removes the value at a path, and reports whether it was there.
func remove(values map[string]any, path []string) bool {
	if len(path) == 1 {
		_, ok := values[path[0]]
		delete(values, path[0])
		return ok
	}
	below, ok := values[path[0]].(map[string]any)
	return ok && remove(below, path[1:])
}

func text(manifests []releaseutil.Manifest) string {
	contents := map[string]string{}
	for _, m := range manifests {
		contents[m.Head.Kind+" "+m.Head.Metadata.Name] = m.Content
	}
	var b strings.Builder
	for _, name := range slices.Sorted(maps.Keys(contents)) {
		b.WriteString(name + "\n" + contents[name] + "\n")
	}
	return b.String()
}
