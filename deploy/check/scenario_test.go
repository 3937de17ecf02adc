package check_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"maps"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql"
	"github.com/prometheus/prometheus/promql/parser"
	"github.com/prometheus/prometheus/storage"
	"github.com/prometheus/prometheus/util/annotations"
)

// watched holds scrapes of a real worker: after each phase of
// test/reliability/scenario and after its exit. The first, at its start, has no name.
type watched struct {
	idle, valid, faulty, again, exited time.Time

	series map[uint64]*promql.Series
	engine *promql.Engine
}

// watch builds the worker and runs test/reliability/scenario with it.
func watch(t *testing.T) *watched {
	t.Helper()
	w := &watched{
		series: map[uint64]*promql.Series{},
		engine: promql.NewEngine(promql.EngineOpts{MaxSamples: 1e6, Timeout: time.Minute, Parser: parser.NewParser(parser.Options{})}),
	}
	next, line, end := startScenario(t)
	address := line()
	w.scrape(t, address)
	for _, at := range []*time.Time{&w.idle, &w.valid, &w.faulty, &w.again} {
		next()
		line()
		*at = w.scrape(t, address)
	}
	end()
	w.exited = w.scrape(t, address)
	return w
}

// startScenario starts the scenario. next starts the next phase; line waits for a
// line of output.
func startScenario(t *testing.T) (next func(), line func() string, end func()) {
	t.Helper()
	folder := t.TempDir()
	build(t, folder+string(filepath.Separator), "./test/reliability/scenario", ".")
	scenario := exec.CommandContext(t.Context(), filepath.Join(folder, "scenario"), filepath.Join(folder, "conductor-jwt"))
	scenario.Stderr = t.Output()
	in, err := scenario.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := scenario.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := scenario.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(out)
	return func() { _, _ = io.WriteString(in, "\n") }, // if it has exited, line reports it
		func() string {
			if !lines.Scan() {
				t.Fatalf("the scenario has exited: %v", scenario.Wait())
			}
			return lines.Text()
		}, func() {
			_ = in.Close() // Wait reports the error
			if err := scenario.Wait(); err != nil {
				t.Fatal(err)
			}
		}
}

// build builds packages of the main module.
func build(t *testing.T, to string, packages ...string) {
	t.Helper()
	command := exec.CommandContext(t.Context(), "go", append([]string{"build", "-trimpath", "-o", to}, packages...)...)
	command.Dir, command.Env = "../..", append(os.Environ(), "CGO_ENABLED=0") // as the main module's tests build it, for the cache
	if out, err := command.CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
}

// scrape adds the metrics of a page, and up, as Prometheus does.
func (w *watched) scrape(t *testing.T, address string) time.Time {
	t.Helper()
	now := time.Now()
	samples, err := fetch(t.Context(), address, now)
	up := &model.Sample{Metric: model.Metric{model.MetricNameLabel: "up"}, Value: 1}
	if err != nil {
		up.Value = 0
	}
	for _, s := range append(samples, up) {
		s.Metric["namespace"], s.Metric["job"], s.Metric["instance"] = "default", "conductor-jwt", "worker:9991"
		b := labels.NewScratchBuilder(len(s.Metric))
		for _, name := range slices.Sorted(maps.Keys(s.Metric)) {
			b.Add(string(name), string(s.Metric[name]))
		}
		key := b.Labels().Hash()
		if w.series[key] == nil {
			w.series[key] = &promql.Series{Metric: b.Labels()}
		}
		w.series[key].Floats = append(w.series[key].Floats, promql.FPoint{T: now.UnixMilli(), F: float64(s.Value)})
	}
	return now
}

func fetch(ctx context.Context, address string, now time.Time) (model.Vector, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return nil, err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return nil, err
	}
	defer func() { _ = response.Body.Close() }()
	if response.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("status %d", response.StatusCode)
	}
	decoder := &expfmt.SampleDecoder{
		Dec:  expfmt.NewDecoder(response.Body, expfmt.ResponseFormat(response.Header)),
		Opts: &expfmt.DecodeOptions{Timestamp: model.TimeFromUnixNano(now.UnixNano())},
	}
	var all model.Vector
	for {
		var some model.Vector
		if err := decoder.Decode(&some); err == io.EOF {
			return all, nil
		} else if err != nil {
			return nil, err
		}
		all = append(all, some...)
	}
}

// query evaluates a query at a time with Prometheus' engine.
func (w *watched) query(t *testing.T, query string, at time.Time) promql.Vector {
	t.Helper()
	q, err := w.engine.NewInstantQuery(t.Context(), &storage.MockQueryable{MockQuerier: &storage.MockQuerier{SelectMockFunction: w.find}}, nil, query, at)
	if err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	defer q.Close()
	result, err := q.Exec(t.Context()).Vector()
	if err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	return slices.Clone(result)
}

func (w *watched) find(_ bool, _ *storage.SelectHints, matchers ...*labels.Matcher) storage.SeriesSet {
	set := &found{}
	for _, s := range w.series {
		if !slices.ContainsFunc(matchers, func(m *labels.Matcher) bool { return !m.Matches(s.Metric.Get(m.Name)) }) {
			set.series = append(set.series, *s)
		}
	}
	return set
}

// found implements [storage.SeriesSet].
type found struct {
	series []promql.Series
	next   int
}

func (f *found) Next() bool                        { f.next++; return f.next <= len(f.series) }
func (f *found) At() storage.Series                { return promql.NewStorageSeries(f.series[f.next-1]) }
func (f *found) Err() error                        { return nil }
func (f *found) Warnings() annotations.Annotations { return nil }
