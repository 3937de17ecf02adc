package keys

import (
	"encoding/binary"
	"sync"
)

// exposedRun is how many characters of a secret in a row give it away.
const exposedRun = 24

// Every run of exposedRun characters holds one whole block that begins at a
// multiple of the stride: only those are indexed, and a text is walked once.
const (
	runBlock  = 8 // characters
	runStride = exposedRun - runBlock
	maxAlike  = 8 // blocks of the same content that are told apart
)

// runFinder reports whether text holds a run of exposedRun characters of a
// secret, other than ones that excused lets pass; at is where in the secret
// the run begins. It is a function so that the secret sits in its closure.
type runFinder func(text string, excused func(at int) bool) bool

func newRunFinder(mine string) runFinder {
	index, plain := indexRuns([]byte(mine))
	if !plain {
		all := sync.OnceValue(func() map[string]int { return everyRun(mine) })
		return func(text string, excused func(int) bool) bool {
			return len(text) >= exposedRun && sharesRun(all(), text, excused)
		}
	}
	return func(text string, excused func(int) bool) bool {
		if len(text) < exposedRun || len(mine) < exposedRun {
			return false
		}
		for i, b := 0, []byte(text); i+runBlock <= len(b); i++ {
			for at := index.first[binary.LittleEndian.Uint64(b[i:])]; at > 0; at = index.next[(at-1)/runStride] {
				if exposesAround(mine, text, at-1, i, excused) {
					return true
				}
			}
		}
		return false
	}
}

// runIndex finds the blocks of a secret by their content. Places count from 1,
// so that 0 is none.
type runIndex struct {
	first map[uint64]int
	next  []int // of the same content, by number of the block
}

// indexRuns reports false for a secret that repeats itself so much that its
// blocks say little.
func indexRuns(mine []byte) (index runIndex, plain bool) {
	blocks := len(mine)/runStride + 1
	index = runIndex{first: make(map[uint64]int, blocks), next: make([]int, blocks)}
	for at := 0; at+runBlock <= len(mine); at += runStride {
		content := binary.LittleEndian.Uint64(mine[at:])
		alike := 0
		for same := index.first[content]; same > 0; same = index.next[(same-1)/runStride] {
			if alike++; alike == maxAlike {
				return runIndex{}, false
			}
		}
		index.next[at/runStride] = index.first[content]
		index.first[content] = at + 1
	}
	return index, true
}

// exposesAround stretches what mine at and text at i have in common to either
// side and looks for a run in it that is not excused.
func exposesAround(mine, text string, at, i int, excused func(at int) bool) bool {
	from, to := at, at+runBlock
	for from > 0 && i-(at-from) > 0 && to-from < 2*exposedRun && mine[from-1] == text[i-(at-from)-1] {
		from--
	}
	for to < len(mine) && i+(to-at) < len(text) && to-at < 2*exposedRun && mine[to] == text[i+(to-at)] {
		to++
	}
	for run := from; run+exposedRun <= to; run++ {
		if excused == nil || !excused(run) {
			return true
		}
	}
	return false
}

// everyRun indexes each run of a secret that repeats itself.
func everyRun(mine string) map[string]int {
	runs := make(map[string]int, len(mine))
	for at := 0; at+exposedRun <= len(mine); at++ {
		runs[mine[at:at+exposedRun]] = at
	}
	return runs
}

func sharesRun(runs map[string]int, text string, excused func(at int) bool) bool {
	for i := 0; i+exposedRun <= len(text); i++ {
		if at, ok := runs[text[i:i+exposedRun]]; ok && (excused == nil || !excused(at)) {
			return true
		}
	}
	return false
}
