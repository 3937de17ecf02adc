package worker

import (
	"math/bits"
	"time"
)

// durations counts durations in buckets whose width is at most a quarter of their
// lower end, so that a quantile is wrong by an eighth at most. The first bucket
// begins at 0, the last one has no end.
type durations [bucketCount]uint32

const (
	bucketUnit  = 16 * time.Microsecond
	octaves     = 28 // from the unit to more than an hour
	perOctave   = 4
	bucketCount = 1 + octaves*perOctave
)

func (d *durations) add(took time.Duration) { d[bucketOf(took)]++ }

func (d *durations) addAll(other *durations) {
	for i, n := range other {
		d[i] += n
	}
}

// bucketOf returns the bucket of a duration: the octave of its multiple of the
// unit, and the two bits after the first.
func bucketOf(took time.Duration) int {
	units := uint64(max(took, 0) / bucketUnit)
	if units == 0 {
		return 0
	}
	octave := bits.Len64(units) - 1
	quarter := int(units<<2>>octave) & (perOctave - 1) //nolint:gosec // less than 8
	return min(1+octave*perOctave+quarter, bucketCount-1)
}

// middleOf returns the duration in the middle of a bucket.
func middleOf(bucket int) time.Duration {
	if bucket == 0 {
		return bucketUnit / 2
	}
	octave, quarter := (bucket-1)/perOctave, (bucket-1)%perOctave
	begin := bucketUnit << octave
	return begin + begin/perOctave*time.Duration(quarter) + begin/perOctave/2
}

// Times describes durations.
type Times struct {
	Count    int
	P50, P99 time.Duration // 0 without one
}

func (d *durations) describe() (t Times) {
	for _, n := range d {
		t.Count += int(n)
	}
	t.P50, t.P99 = d.quantile(t.Count, 50), d.quantile(t.Count, 99)
	return t
}

// quantile returns the duration that so many percent of all do not exceed.
func (d *durations) quantile(count, percent int) time.Duration {
	rank := (count*percent + 99) / 100
	seen := 0
	for i, n := range d {
		if seen += int(n); n > 0 && seen >= rank {
			return middleOf(i)
		}
	}
	return 0
}
