package main

import "slices"

// delay is when a task was enqueued and how long it took, in seconds.
type delay struct{ at, took float32 }

// Quarter is a quarter of the time under load.
type Quarter struct {
	Rate        float64 // tasks per second
	Memory      float64 // MiB; this and the next two are medians
	Goroutines  float64
	Descriptors float64
	CPU         float64 // cores
	NoFault     int     // tasks enqueued in seconds without faults
	P50, P99    float64 // milliseconds from their enqueueing to their end
}

// quantile returns the q-quantile of values, 0 if there are none. It sorts them.
func quantile(values []float64, q float64) float64 {
	if len(values) == 0 {
		return 0
	}
	slices.Sort(values)
	return values[min(int(q*float64(len(values))), len(values)-1)]
}

func median(values []float64) float64 { return quantile(values, 0.5) }

// column returns one value of each sample.
func of(samples []Sample, column func(Sample) float64) []float64 {
	out := make([]float64, 0, len(samples))
	for _, s := range samples {
		out = append(out, column(s))
	}
	return out
}

// The columns of a sample.
func memory(s Sample) float64      { return s.Memory }
func goroutines(s Sample) float64  { return s.Goroutines }
func descriptors(s Sample) float64 { return s.Descriptors }
func waiting(s Sample) float64     { return float64(s.Waiting) }

func quarters(r *Result) []Quarter {
	if len(r.Samples) < 8 {
		return nil
	}
	if len(r.took) == 0 && len(r.Quarters) == 4 {
		return r.Quarters // r was read from a file
	}
	calm := calmSeconds(r)
	out := make([]Quarter, 4)
	for i := range out {
		from, to := r.For*float64(i)/4, r.For*float64(i+1)/4
		within := slices.DeleteFunc(slices.Clone(r.Samples), func(s Sample) bool { return s.At < from || s.At >= to })
		if len(within) < 2 {
			return nil
		}
		first, last := within[0], within[len(within)-1]
		var took []float64
		for _, d := range r.took {
			if at := float64(d.at); at >= from && at < to && calm[int(at)] {
				took = append(took, float64(d.took)*1000)
			}
		}
		out[i] = Quarter{
			Rate: float64(last.Ended-first.Ended) / (last.At - first.At), CPU: (last.CPU - first.CPU) / (last.At - first.At),
			Memory: median(of(within, memory)), Goroutines: median(of(within, goroutines)), Descriptors: median(of(within, descriptors)),
			NoFault: len(took), P50: quantile(took, 0.5), P99: quantile(took, 0.99),
		}
	}
	return out
}

// calmSeconds returns the seconds without a fault in them or in the second before
// or after, and in which no more tasks waited than the worker has slots.
func calmSeconds(r *Result) map[int]bool {
	calm := map[int]bool{}
	for _, s := range r.Samples {
		calm[int(s.At)] = s.Waiting <= r.Slots
	}
	for _, e := range r.Episodes {
		for at := int(e.Begin) - 1; at <= int(e.End)+1; at++ {
			calm[at] = false
		}
	}
	return calm
}

// slope returns the growth of memory in MiB per hour, from the second quarter on:
// the median of the slopes between any two samples (Theil-Sen), which ignores
// single peaks.
func slope(samples []Sample) float64 {
	const maxSamples = 400 // evenly spaced
	samples = samples[len(samples)/4:]
	every := len(samples)/maxSamples + 1
	var thin []Sample
	for i := 0; i < len(samples); i += every {
		thin = append(thin, samples[i])
	}
	var slopes []float64
	for i, a := range thin {
		for _, b := range thin[i+1:] {
			if b.At > a.At {
				slopes = append(slopes, (b.Memory-a.Memory)/(b.At-a.At)*3600)
			}
		}
	}
	return median(slopes)
}
