package main

import (
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
)

// The workers.
const (
	workerNative = "conductor-jwt"        // OpenSSL for RSA
	workerStatic = "conductor-jwt-static" // Go's RSA
	loopGo       = "loop"
	loopOpenSSL  = "loop-openssl"
	conductorGo  = "conductor-go"
	python       = "python"
	javascript   = "javascript"
	java         = "java"
)

// The signers of raw figures, and the peer of the command line.
const (
	rawGo        = "raw-go" // in this process, like raw-openssl
	rawOpenSSL   = "raw-openssl"
	opensslSpeed = "openssl-speed"
	step         = "step"
)

// runners returns the workers made with Conductor's SDKs.
func runners() []string { return []string{conductorGo, python, javascript, java} }

// The algorithms.
const (
	rs256 = "RS256"
	es256 = "ES256"
	edDSA = "EdDSA"
)

// cells returns all figures, in the order of measurement.
func (b *bench) cells() []Cell {
	if b.quick {
		return b.quickCells()
	}
	all := b.rawCells()
	for _, algorithm := range []string{rs256, es256, edDSA} {
		for _, slots := range []int{1, 10, 50} {
			all = append(all, throughputCells(algorithm, slots)...)
		}
	}
	all = append(all, variantCells()...)
	all = append(all, latencyCells()...)
	all = append(all, startCells()...)
	all = append(all, scaleCells()...)
	return unique(append(all, shellCells()...))
}

func (b *bench) quickCells() []Cell {
	all := b.rawCells()[:4]
	all = append(all, throughputCells(rs256, 1)...)
	all = append(all, throughputCells(rs256, 10)...)
	all = append(all, throughputCells(es256, 10)...)
	for _, c := range latencyCells() {
		if c.Rate == 10 && !c.Fills {
			all = append(all, c)
		}
	}
	return unique(append(all, startCells()...))
}

func unique(all []Cell) []Cell {
	var list []Cell
	for _, c := range all {
		if !slices.Contains(list, c) {
			list = append(list, c)
		}
	}
	return list
}

// rounds returns how often a cell is measured, at most maxRounds: those that take
// long or compare nothing are measured less often.
func (c Cell) rounds(maxRounds int) int {
	switch {
	case c.Figure == Latency:
		return min(maxRounds, 2)
	case c.Figure == Throughput && (c.Cores > 0 || c.Replicas > 0 || !slices.Contains([]int{1, 10, 50}, c.Slots)):
		return min(maxRounds, 2)
	}
	return maxRounds
}

func (b *bench) rawCells() []Cell {
	var all []Cell
	for _, workers := range []int{1, b.cores()} {
		all = append(all,
			Cell{Figure: Raw, Worker: opensslSpeed, Algorithm: rs256, Slots: workers},
			Cell{Figure: Raw, Worker: rawOpenSSL, Algorithm: rs256, Slots: workers})
	}
	for _, algorithm := range []string{rs256, es256, edDSA} {
		all = append(all, Cell{Figure: Raw, Worker: rawGo, Algorithm: algorithm, Slots: 1})
	}
	return all
}

func throughputCells(algorithm string, slots int) []Cell {
	workers := append([]string{workerStatic}, runners()...)
	workers = append(workers, loopGo)
	if algorithm == rs256 {
		workers = append([]string{workerNative, loopOpenSSL}, workers...)
	}
	var all []Cell
	for _, w := range workers {
		all = append(all, Cell{Figure: Throughput, Worker: w, Algorithm: algorithm, Slots: slots})
	}
	return all
}

// variantCells measure the cost of secret_injection.
func variantCells() []Cell {
	var all []Cell
	for _, slots := range []int{1, 10, 50} {
		all = append(all,
			Cell{Figure: Throughput, Worker: workerNative, Algorithm: rs256, Slots: slots, Injection: "auto"},
			Cell{Figure: Throughput, Worker: workerStatic, Algorithm: es256, Slots: slots, Injection: "auto"})
	}
	return all
}

// scaleCells measure conductor-jwt with more slots, cores and replicas.
func scaleCells() []Cell {
	var all []Cell
	for _, w := range []struct{ worker, algorithm string }{{workerNative, rs256}, {workerStatic, rs256}, {workerStatic, es256}} {
		for _, slots := range []int{2, 4, 16, 100} {
			all = append(all, Cell{Figure: Throughput, Worker: w.worker, Algorithm: w.algorithm, Slots: slots})
		}
		for _, slots := range []int{1, 4, 16} {
			all = append(all, Cell{Figure: Throughput, Worker: w.worker, Algorithm: w.algorithm, Slots: slots, Cores: 1})
		}
		for _, replicas := range []int{2, 3} {
			all = append(all, Cell{Figure: Throughput, Worker: w.worker, Algorithm: w.algorithm, Slots: 16, Replicas: replicas})
		}
	}
	return all
}

func latencyCells() []Cell {
	var all []Cell
	for _, fills := range []bool{false, true} {
		for _, rate := range []int{10, 200} {
			for _, w := range runners() {
				all = append(all, Cell{Figure: Latency, Worker: w, Algorithm: rs256, Slots: 10, Rate: rate, Fills: fills})
			}
			if rate == 10 && !fills {
				all = append(all, Cell{Figure: Latency, Worker: loopOpenSSL, Algorithm: rs256, Slots: 10, Rate: rate})
			}
			for _, pollers := range coldPolls() {
				all = append(all, Cell{Figure: Latency, Worker: workerNative, Algorithm: rs256, Slots: 10, Rate: rate, Fills: fills, Pollers: pollers})
			}
		}
	}
	return all
}

// coldPolls are the numbers of pollers that are compared; 0 is the default.
func coldPolls() []int { return []int{1, 0, 4} }

func startCells() []Cell {
	var all []Cell
	for _, w := range append([]string{workerNative, workerStatic}, runners()...) {
		all = append(all, Cell{Figure: Start, Worker: w, Algorithm: rs256, Slots: 50})
	}
	return all
}

func shellCells() []Cell {
	var all []Cell
	for _, algorithm := range []string{rs256, es256} {
		for _, w := range []string{step, workerStatic} {
			all = append(all, Cell{Figure: Shell, Worker: w, Algorithm: algorithm})
		}
	}
	return all
}

// command returns the command of a worker.
func (b *bench) command(worker string) []string {
	in := func(name string) string { return filepath.Join(b.dir, name) }
	switch worker {
	case workerNative, workerStatic:
		return []string{in(worker), "worker"}
	case python:
		return []string{in("python/bin/python"), in("python/worker.py")}
	case javascript:
		return []string{"node", in("javascript/worker.mjs")}
	case java:
		return []string{in("java/java"), "-cp", in("java/classes") + ":" + in("java/lib") + "/*", "Peer"}
	case opensslSpeed, rawGo, rawOpenSSL:
		return []string{"openssl"} // a raw figure starts no worker
	}
	return []string{in(worker)}
}

// warmUp returns how long a worker runs before it is measured. A virtual machine
// needs longer, because it compiles what it runs often.
func (b *bench) warmUp(worker string) time.Duration {
	switch worker {
	case java:
		return 6 * b.warm
	case python, javascript:
		return 3 * b.warm
	}
	return b.warm
}

// built reports whether bench/peers.sh could build a worker here.
func (b *bench) built(worker string) bool {
	for _, word := range b.command(worker) {
		if filepath.IsAbs(word) {
			folder, _, _ := strings.Cut(word, ":") // the first of a class path
			if _, err := os.Stat(filepath.Clean(folder)); err != nil {
				return false
			}
		}
	}
	return true
}

// environment returns the environment of a worker. conductor-jwt runs with its
// defaults except for the port and secret_injection: the others do not look for
// injected secrets.
func (c Cell) environment(url string) []string {
	env := []string{
		"BENCH_URL=" + url, "BENCH_SLOTS=" + strconv.Itoa(c.Slots), "CONDUCTOR_SERVER_URL=" + url,
		"CONDUCTOR_JWT_SLOTS=" + strconv.Itoa(c.Slots), "CONDUCTOR_JWT_LISTEN=127.0.0.1:0",
	}
	injection := c.Injection
	if injection == "" {
		injection = "key"
	}
	env = append(env, "CONDUCTOR_JWT_SECRET_INJECTION="+injection)
	if c.Pollers > 0 {
		env = append(env, "CONDUCTOR_JWT_POLLERS="+strconv.Itoa(c.Pollers))
	}
	if c.Cores > 0 {
		env = append(env, "GOMAXPROCS="+strconv.Itoa(c.Cores))
	}
	return env
}
