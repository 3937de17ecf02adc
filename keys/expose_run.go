package keys

// exposedRun is how many characters of a secret in a row give it away.
const exposedRun = 24

// Every run of exposedRun characters holds one whole block of half as many
// that begins at a multiple of its length: only those are indexed, and a text
// is walked once.
const (
	runBlock = exposedRun / 2
	maxAlike = 8 // blocks of the same content that are told apart
)

// runFinder reports whether text holds a run of exposedRun characters of a
// secret, other than ones that excused lets pass; at is where in the secret
// the run begins. It is a function so that the secret sits in its closure.
type runFinder func(text string, excused func(at int) bool) bool

func newRunFinder(mine string) runFinder {
	blocks := make(map[string][]int, len(mine)/runBlock)
	alike := false
	for at := 0; at+runBlock <= len(mine); at += runBlock {
		content := mine[at : at+runBlock]
		if len(blocks[content]) == maxAlike {
			alike = true
			continue
		}
		blocks[content] = append(blocks[content], at)
	}
	return func(text string, excused func(int) bool) bool {
		if alike {
			return sharesRun(mine, text, excused)
		}
		for i := 0; i+runBlock <= len(text); i++ {
			for _, at := range blocks[text[i:i+runBlock]] {
				if exposesAround(mine, text, at, i, excused) {
					return true
				}
			}
		}
		return false
	}
}

// exposesAround stretches what mine at and text at i have in common to either
// side and looks for a run in it that is not excused.
func exposesAround(mine, text string, at, i int, excused func(int) bool) bool {
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

// sharesRun does the same for a secret that repeats itself: it indexes every
// run of it.
func sharesRun(mine, text string, excused func(int) bool) bool {
	runs := make(map[string]int, len(mine))
	for at := 0; at+exposedRun <= len(mine); at++ {
		runs[mine[at:at+exposedRun]] = at
	}
	for i := 0; i+exposedRun <= len(text); i++ {
		if at, ok := runs[text[i:i+exposedRun]]; ok && (excused == nil || !excused(at)) {
			return true
		}
	}
	return false
}
