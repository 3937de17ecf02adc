package main

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/conductor-sdk/conductor-go/sdk/model"
	"golang.org/x/sync/errgroup"

	"conductor-jwt/bench/usage"
	"conductor-jwt/test/conductortest"
)

// peer is a worker that is compared with the others, as bench/peers.sh built it.
type peer struct {
	name      string
	command   []string // the first word and all that hold a slash are below the folder of the peers
	injection string   // secret_injection, of ours
	fresh     bool     // every execution has a subject of its own
	burstOnly bool     // its long polls for many tasks make no sense otherwise
	slow      bool     // measured in the first round only: it takes long and is never the best
	warm      int      // executions before it is measured
}

// The names of conductor-jwt with its three ways to look for injected secrets.
const (
	oursKey  = "conductor-jwt, `key`"
	oursAuto = "conductor-jwt, `auto`, same values"
	oursNew  = "conductor-jwt, `auto`, new subjects"
)

func peers() []peer {
	ours := []string{"conductor-jwt", "worker"}
	return []peer{
		{name: oursKey, command: ours, injection: "key", warm: 20},
		{name: oursAuto, command: ours, injection: "auto", warm: 20},
		{name: oursNew, command: ours, injection: "auto", fresh: true, warm: 20},
		{name: "conductor-go", command: []string{"conductor-go"}, warm: 20},
		{name: "Python SDK", command: []string{"python/bin/python", "python/worker.py"}, warm: 50},
		{name: "JavaScript SDK", command: []string{"node", "javascript/worker.mjs"}, warm: 100, slow: true},
		{name: "Java SDK", command: []string{"java/java", "-cp", "java/classes:java/lib/*", "Peer"}, warm: 400, slow: true},
		{name: "bare loop, OpenSSL", command: []string{"loop-openssl"}, burstOnly: true, warm: 20},
	}
}

// sdk reports whether it is a runner of Conductor's SDKs.
func (p peer) sdk() bool { return p.injection == "" && !p.burstOnly }

// words are the command with its paths; ok is false if it was not built here.
func (p peer) words(folder string) (words []string, ok bool) {
	for i, word := range p.command {
		if word == "node" {
			path, err := exec.LookPath(word)
			if err != nil {
				return nil, false
			}
			words = append(words, path)
			continue
		}
		if i > 0 && !strings.Contains(word, "/") {
			words = append(words, word)
			continue
		}
		var paths []string
		for path := range strings.SplitSeq(word, ":") {
			paths = append(paths, filepath.Join(folder, path))
		}
		if _, err := os.Stat(paths[0]); err != nil {
			return nil, false
		}
		words = append(words, strings.Join(paths, ":"))
	}
	return words, true
}

// load is how executions are started: so many a second, or all before the worker.
type load struct {
	rate int // 0 for a burst
	n    int
}

func (l load) String() string {
	if l.rate == 0 {
		return "burst"
	}
	return fmt.Sprintf("%d/s", l.rate)
}

func (b *bench) loads() []load {
	if b.quick {
		return []load{{1, 5}, {20, 40}, {100, 100}, {0, 100}}
	}
	return []load{{1, 20}, {20, 200}, {100, 500}, {0, b.backlog}}
}

// compare measures the peers in turn, round after round.
func (b *bench) compare(ctx context.Context, s *testbed) error {
	for round := range b.rounds {
		for _, l := range b.loads() {
			for i, p := range peers() {
				words, built := p.words(b.peers)
				if !built || p.burstOnly && l.rate > 0 || p.slow && round > 0 {
					continue
				}
				one, err := b.costOf(ctx, s, p, words, l, fmt.Sprintf("BENCH_%d_%d_%d", i, l.rate, round))
				if err != nil {
					return fmt.Errorf("%s at %s: %w", p.name, l, err)
				}
				one.cell = cell{Figure: tokenCost, Peer: p.name, Rate: l.rate}
				if err := b.add(s, one); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// costOf measures one peer under one load. Each measurement has a queue of its
// own: a worker that is killed may leave a poll in flight, which takes the next
// tasks of its queue with it.
func (b *bench) costOf(ctx context.Context, s *testbed, p peer, words []string, l load, queue string) (c sample, err error) {
	ctx, cancel := context.WithTimeout(ctx, 3*time.Minute)
	defer cancel()
	q := &ownQueue{testbed: s, name: queue, fresh: p.fresh}
	if err := q.register(ctx); err != nil {
		return c, err
	}
	if l.rate == 0 {
		if err := q.start(ctx, p.warm+l.n, 0); err != nil {
			return c, err
		}
	}
	process, stop, err := b.run(ctx, s, words, p.injection, queue)
	if err != nil {
		return c, err
	}
	defer stop()
	if l.rate == 0 {
		return b.burst(ctx, q, process, l.n)
	}
	if err := q.start(ctx, p.warm, 0); err != nil {
		return c, err
	}
	if _, err := q.times(ctx); err != nil {
		return c, err
	}
	if err := conductortest.Pause(ctx, time.Second); err != nil { // until it is idle
		return c, err
	}
	q.ids = nil
	before, err := q.now(ctx, process)
	if err != nil {
		return c, err
	}
	if err := q.start(ctx, l.n, l.rate); err != nil {
		return c, err
	}
	if err := q.shrink(ctx, 0); err != nil {
		return c, err
	}
	if err := conductortest.Pause(ctx, 200*time.Millisecond); err != nil { // for the last update
		return c, err
	}
	after, err := q.now(ctx, process)
	if err != nil {
		return c, err
	}
	c.set(before, after, l.n)
	times, err := q.times(ctx)
	if err != nil {
		return c, err
	}
	c.P50, c.P99 = quantiles(times)
	return c, nil
}

// burst measures from the moment at which the warm-up has been worked off and
// about size tasks are left.
func (b *bench) burst(ctx context.Context, q *ownQueue, process, size int) (c sample, err error) {
	if err := q.shrink(ctx, size); err != nil {
		return c, err
	}
	n, err := q.waiting(ctx)
	if err != nil {
		return c, err
	}
	before, err := q.now(ctx, process)
	if err != nil {
		return c, err
	}
	if err := q.shrink(ctx, 0); err != nil {
		return c, err
	}
	after, err := q.now(ctx, process)
	if err != nil {
		return c, err
	}
	c.set(before, after, n)
	return c, nil
}

// run starts a worker on a queue. Stop ends it with all its processes.
func (b *bench) run(ctx context.Context, s *testbed, words []string, injection, queue string) (pid int, stop func(), err error) {
	url := s.server.URL + "/api"
	const slots = "10"
	command := exec.CommandContext(ctx, words[0], words[1:]...) //nolint:gosec // of our own table
	command.Env = append(os.Environ(),                          //nolint:forbidigo // the workers need PATH and HOME
		"BENCH_URL="+url, "BENCH_SLOTS="+slots, "BENCH_TASK_TYPE="+queue, "CONDUCTOR_SERVER_URL="+url,
		"CONDUCTOR_JWT_SLOTS="+slots, "CONDUCTOR_JWT_TASK_TYPES="+queue, "CONDUCTOR_JWT_SECRET_INJECTION="+injection,
		"CONDUCTOR_JWT_LISTEN=127.0.0.1:0", "CONDUCTOR_JWT_REGISTER_TASKDEFS=off", "LOG_LEVEL=warn")
	output := &bytes.Buffer{}
	command.Stdout, command.Stderr = output, output
	command.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	command.Cancel = func() error { return syscall.Kill(-command.Process.Pid, syscall.SIGKILL) }
	if err := command.Start(); err != nil {
		return 0, nil, err
	}
	return command.Process.Pid, func() {
		_ = syscall.Kill(-command.Process.Pid, syscall.SIGKILL)
		_ = command.Wait() // its status is ours
	}, nil
}

// moment is what was used and asked up to a time.
type moment struct {
	worker, server usage.Usage
	requests       float64
}

func (c *sample) set(before, after moment, n int) {
	each := func(d time.Duration) float64 { return d.Seconds() * 1000 / float64(n) }
	c.Worker = each(after.worker.Worker - before.worker.Worker)
	c.Server = each(after.server.Worker - before.server.Worker)
	c.Requests = (after.requests - before.requests) / float64(n)
	c.PerSecond = float64(n) / after.worker.At.Sub(before.worker.At).Seconds()
}

// ownQueue is a workflow whose tasks are queued for one measurement.
type ownQueue struct {
	*testbed

	name  string
	fresh bool
	ids   []string
}

// register makes the documented workflow again, for this queue.
func (q *ownQueue) register(ctx context.Context) error {
	raw, err := os.ReadFile("deploy/conductor/workflow.json")
	if err != nil {
		return err
	}
	var definition map[string]any
	if err := json.Unmarshal(raw, &definition); err != nil {
		return err
	}
	definition["name"] = q.name
	tasks, _ := definition["tasks"].([]any)
	for _, t := range tasks {
		if task, ok := t.(map[string]any); ok {
			task["type"] = q.name
		}
	}
	raw, err = json.Marshal(definition)
	if err != nil {
		return err
	}
	return q.server.RegisterWorkflow(ctx, raw)
}

// start starts n executions: rate a second at times that vary, or with a rate of
// 0 four at a time.
func (q *ownQueue) start(ctx context.Context, n, rate int) error {
	ids := make([]string, n)
	all, starting := errgroup.WithContext(ctx)
	if rate == 0 {
		all.SetLimit(4)
	}
	for i := range n {
		if rate > 0 {
			wait := time.Duration(rand.Int64N(int64(2*time.Second) / int64(rate))) //nolint:gosec // jitter
			if conductortest.Pause(starting, wait) != nil {
				break // an execution could not be started
			}
		}
		all.Go(func() (err error) {
			ids[i], err = q.execute(starting)
			return err
		})
	}
	err := all.Wait()
	q.ids = append(q.ids, ids...)
	return cmp.Or(err, ctx.Err())
}

// execute starts an execution whose values, but for a subject of its own, are
// those of the one before.
func (q *ownQueue) execute(ctx context.Context) (string, error) {
	subject := "service@issuer.example"
	if q.fresh {
		subject = fmt.Sprintf("service-%d@issuer.example", rand.Uint64()) //nolint:gosec // no secret
	}
	return q.server.StartWorkflow(ctx, model.StartWorkflowRequest{Name: q.name, Input: map[string]any{
		"subject": subject, "issuer": "https://issuer.example", "audience": "https://api.example",
		"scope": []string{"https://api.example/orders.read"},
	}})
}

// shrink waits until no more than n tasks are queued.
func (q *ownQueue) shrink(ctx context.Context, n int) error {
	for {
		waiting, err := q.waiting(ctx)
		if err != nil || waiting <= n {
			return err
		}
		if err := conductortest.Pause(ctx, 50*time.Millisecond); err != nil {
			return fmt.Errorf("%d tasks are left in the queue: %w", waiting, err)
		}
	}
}

const sizePath = "/api/tasks/queue/size"

func (q *ownQueue) waiting(ctx context.Context) (int, error) {
	raw, err := q.server.Get(ctx, sizePath+"?taskType="+q.name)
	if err != nil {
		return 0, err
	}
	return strconv.Atoi(strings.TrimSpace(string(raw)))
}

// times returns how long each task took from scheduled to ended, in ms.
func (q *ownQueue) times(ctx context.Context) ([]float64, error) {
	var times []float64
	for _, id := range q.ids {
		w, err := q.server.AwaitWorkflow(ctx, id)
		if err != nil {
			return nil, err
		}
		if w.Status == "COMPLETED" { // a busy SQLite fails some before they are scheduled
			times = append(times, took(w))
		}
	}
	if len(times) < len(q.ids)*9/10 {
		return nil, fmt.Errorf("only %d of %d executions were completed", len(times), len(q.ids))
	}
	return times, nil
}

func (q *ownQueue) now(ctx context.Context, process int) (m moment, err error) {
	if m.requests, err = q.requests(ctx); err != nil {
		return m, err
	}
	if m.server, err = usage.Of(q.server.PID()); err != nil {
		return m, err
	}
	m.worker, err = usage.Of(process)
	return m, err
}

// counter is a line of the server's metrics: the requests of one kind.
var counter = regexp.MustCompile(`(?m)^http_server_requests_seconds_count\{.*uri="([^"]*)".*\} ([0-9.E+]+)$`)

// requests is how many requests for tasks the server has answered, without
// those of this program.
func (q *ownQueue) requests(ctx context.Context) (float64, error) {
	raw, err := q.server.Get(ctx, "/actuator/prometheus")
	if err != nil {
		return 0, err
	}
	sum, found := 0.0, false
	for _, line := range counter.FindAllSubmatch(raw, -1) {
		uri := string(line[1])
		if !strings.HasPrefix(uri, "/api/tasks") || uri == sizePath {
			continue
		}
		n, err := strconv.ParseFloat(string(line[2]), 64)
		if err != nil {
			return 0, fmt.Errorf("the server's metrics: %w", err)
		}
		sum, found = sum+n, true
	}
	if !found {
		return 0, fmt.Errorf("the server's metrics count no requests")
	}
	return sum, nil
}
