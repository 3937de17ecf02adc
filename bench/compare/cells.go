package main

import (
	"os"
	"path/filepath"
	"strconv"
)

// The workers.
const (
	oursFull    = "conductor-jwt"        // OpenSSL for RSA
	oursStatic  = "conductor-jwt-static" // Go's RSA
	loopGo      = "loop"
	loopOpenSSL = "loop-openssl"
	conductorGo = "conductor-go"
	python      = "python"
	javascript  = "javascript"
	java        = "java"
)

// cells are all figures, in the order in which they are taken in turn.
func cells(parts []string) []Cell {
	var all []Cell
	for _, part := range parts {
		switch part {
		case "throughput":
			all = append(all, throughputCells()...)
		case "variants":
			all = append(all, variantCells()...)
		case "latency":
			all = append(all, latencyCells()...)
		case "start":
			for _, w := range []string{oursFull, oursStatic, conductorGo, python, javascript, java} {
				all = append(all, Cell{Figure: Start, Worker: w, Algorithm: "RS256", Slots: 50})
			}
		}
	}
	return all
}

func throughputCells() []Cell {
	var all []Cell
	for _, algorithm := range []string{"RS256", "ES256", "EdDSA"} {
		workers := []string{oursStatic, conductorGo, python, javascript, java, loopGo}
		if algorithm == "RS256" {
			workers = append([]string{oursFull, loopOpenSSL}, workers...)
		}
		for _, slots := range []int{1, 10, 50} {
			for _, w := range workers {
				all = append(all, Cell{Figure: Throughput, Worker: w, Algorithm: algorithm, Slots: slots})
			}
		}
	}
	return all
}

// variantCells are about ours alone: what secret_injection costs, and cores.
func variantCells() []Cell {
	var all []Cell
	for _, algorithm := range []string{"RS256", "ES256"} {
		all = append(all, Cell{Figure: Throughput, Worker: oursFull, Algorithm: algorithm, Slots: 10, Injection: "auto"})
		for _, slots := range []int{10, 50} {
			for _, w := range []string{oursFull, oursStatic} {
				all = append(all, Cell{Figure: Throughput, Worker: w, Algorithm: algorithm, Slots: slots, Cores: 1})
			}
		}
	}
	return append(all, Cell{Figure: Throughput, Worker: oursFull, Algorithm: "ES256", Slots: 10})
}

func latencyCells() []Cell {
	var all []Cell
	for _, fills := range []bool{false, true} {
		for _, rate := range []int{10, 200} {
			for _, w := range []string{conductorGo, python, javascript, java} {
				all = append(all, Cell{Figure: Latency, Worker: w, Algorithm: "RS256", Slots: 10, Rate: rate, Fills: fills})
			}
			for _, pollers := range []int{1, 2, 4} {
				all = append(all, Cell{Figure: Latency, Worker: oursFull, Algorithm: "RS256", Slots: 10, Rate: rate, Fills: fills, Pollers: pollers})
			}
		}
	}
	return all
}

// command is how a worker is started.
func (b *bench) command(worker string) []string {
	in := func(name string) string { return filepath.Join(b.dir, name) }
	switch worker {
	case oursFull, oursStatic:
		return []string{in(worker), "worker"}
	case python:
		return []string{in("python/bin/python"), in("python/worker.py")}
	case javascript:
		return []string{"node", in("javascript/worker.mjs")}
	case java:
		return []string{in("java/java"), "-cp", in("java/classes") + ":" + in("java/lib") + "/*", "Peer"}
	}
	return []string{in(worker)}
}

// built reports whether make bench-peers could build a worker here.
func (b *bench) built(worker string) bool {
	for _, word := range b.command(worker) {
		if filepath.IsAbs(word) {
			if _, err := os.Stat(filepath.Clean(firstOf(word))); err != nil {
				return false
			}
		}
	}
	return true
}

// firstOf is the first folder of a class path.
func firstOf(path string) string {
	for i, c := range path {
		if c == ':' {
			return path[:i]
		}
	}
	return path
}

// environment is what a worker is told. Ours runs with its defaults, but for
// the port and secret_injection: the others do not look for injected secrets.
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
