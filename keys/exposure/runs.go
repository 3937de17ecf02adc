package exposure

import "sync"

const (
	// MinRun is how many characters of a secret in a row give it away.
	MinRun = 24
	// Each run holds a whole block that begins at a multiple of blockStride.
	blockSize   = 8
	blockStride = MinRun - blockSize + 1
)

// findRuns returns a function that reports whether a text has MinRun characters
// in a row with one of the secrets. It looks for the blocks of the secrets, and
// compares whole runs around a block that is there. Most texts are too short to
// hold a run, so the blocks are made for the first that is not. The secrets are
// in closures, so that nothing prints them.
func findRuns(secrets func() []string) func(text string) bool {
	blocks := sync.OnceValue(func() map[string]struct{} { return piecesOf(secrets(), blockSize, blockStride) })
	runs := sync.OnceValue(func() map[string]struct{} { return piecesOf(secrets(), MinRun, 1) })
	return func(text string) bool {
		if len(text) < MinRun {
			return false
		}
		known := blocks()
		next := 0 // the first run of text that was not compared
		for i := 0; i+blockSize <= len(text); i++ {
			if _, ok := known[text[i:i+blockSize]]; !ok {
				continue
			}
			for next = max(next, i+blockSize-MinRun); next <= i && next+MinRun <= len(text); next++ {
				if _, ok := runs()[text[next:next+MinRun]]; ok {
					return true
				}
			}
		}
		return false
	}
}

// piecesOf returns the pieces of size characters that begin at the multiples of
// stride in each of the secrets.
func piecesOf(secrets []string, size, stride int) map[string]struct{} {
	total := 0
	for _, secret := range secrets {
		total += len(secret) / stride
	}
	pieces := make(map[string]struct{}, total)
	for _, secret := range secrets {
		for at := 0; at+size <= len(secret); at += stride {
			pieces[secret[at:at+size]] = struct{}{}
		}
	}
	return pieces
}
