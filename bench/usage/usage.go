// Package usage measures the CPU and the memory of processes, with Linux's /proc.
package usage

import (
	"os"
	"slices"
	"time"

	"github.com/prometheus/procfs"
	"golang.org/x/sys/unix"
)

// Usage is CPU time used up to a time.
type Usage struct {
	At      time.Time
	Worker  time.Duration // CPU of the worker's processes
	Self    time.Duration // CPU of this process, the server included
	Machine time.Duration // CPU of all processes
}

// Of measures processes with their descendants, this process and the machine.
func Of(workers ...int) (Usage, error) {
	u := Usage{At: time.Now()}
	for _, p := range tree(workers) {
		u.Worker += cpu(p)
	}
	if self, err := procfs.NewProc(os.Getpid()); err == nil {
		u.Self = cpu(self)
	}
	fs, err := procfs.NewDefaultFS()
	if err != nil {
		return u, err
	}
	stat, err := fs.Stat()
	if err != nil {
		return u, err
	}
	t := stat.CPUTotal // without idle and iowait
	u.Machine = seconds(t.User + t.Nice + t.System + t.IRQ + t.SoftIRQ + t.Steal)
	return u, nil
}

// Foreign returns the number of cores that other processes used from u to v.
func (u Usage) Foreign(v Usage) float64 {
	others := (v.Machine - u.Machine) - (v.Worker - u.Worker) - (v.Self - u.Self)
	return max(0, others.Seconds()/v.At.Sub(u.At).Seconds())
}

// Memory returns what processes and their descendants have in memory, in MiB:
// resident is their proportional set size, in which shared pages count once,
// written is what they have written themselves (RssAnon).
func Memory(workers ...int) (resident, written float64) {
	const mib = 1 << 20
	for _, p := range tree(workers) {
		if rollup, err := p.ProcSMapsRollup(); err == nil {
			resident += float64(rollup.Pss) / mib
		}
		if status, err := p.NewStatus(); err == nil {
			written += float64(status.RssAnon) / mib
		}
	}
	return resident, written
}

// cpu returns the CPU time of a process; 0 if it has exited. It reads the
// process's own clock (clock_getcpuclockid), because /proc has ticks of 10 ms.
func cpu(p procfs.Proc) time.Duration {
	const schedClock = 2 // CPUCLOCK_SCHED of the kernel
	var t unix.Timespec
	if unix.ClockGettime(int32(^p.PID<<3|schedClock), &t) != nil { //nolint:gosec // the kernel's own form
		return 0
	}
	return time.Duration(t.Nano())
}

func seconds(v float64) time.Duration { return time.Duration(v * float64(time.Second)) }

// tree returns processes and all their descendants.
func tree(roots []int) procfs.Procs {
	if len(roots) == 0 {
		return nil
	}
	all, _ := procfs.AllProcs() // without /proc nothing is measured
	children := map[int]procfs.Procs{}
	var found procfs.Procs
	for _, p := range all {
		if stat, err := p.Stat(); err == nil {
			children[stat.PPID] = append(children[stat.PPID], p)
		}
		if slices.Contains(roots, p.PID) {
			found = append(found, p)
		}
	}
	for i := 0; i < len(found); i++ {
		found = append(found, children[found[i].PID]...)
	}
	return found
}
