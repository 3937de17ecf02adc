// Package usage tells what processes and the machine have used, by Linux's /proc.
package usage

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
)

// hertz is the unit of the times in /proc (sysconf(_SC_CLK_TCK) on Linux).
const hertz = 100

// Usage is what processes have used, at one moment.
type Usage struct {
	At      time.Time
	Worker  time.Duration // CPU of the worker's processes
	Self    time.Duration // of this process, the server included
	Machine time.Duration // of all
}

// Of looks at a worker's processes, ourselves and the machine.
func Of(workers ...int) (Usage, error) {
	u := Usage{At: time.Now()}
	for _, pid := range tree(workers) {
		u.Worker += CPU(pid)
	}
	u.Self = CPU(os.Getpid())
	text, err := os.ReadFile("/proc/stat")
	if err != nil {
		return u, err
	}
	line, _, _ := strings.Cut(string(text), "\n")
	for i, field := range strings.Fields(line) {
		// user nice system idle iowait irq softirq steal (proc_stat(5))
		if i == 0 || i == 4 || i == 5 || i > 8 {
			continue
		}
		u.Machine += ticks(field)
	}
	return u, nil
}

// Foreign is how many cores others used from u to v.
func (u Usage) Foreign(v Usage) float64 {
	others := (v.Machine - u.Machine) - (v.Worker - u.Worker) - (v.Self - u.Self)
	return max(0, others.Seconds()/v.At.Sub(u.At).Seconds())
}

func ticks(field string) time.Duration {
	n, _ := strconv.ParseInt(field, 10, 64)
	return time.Duration(n) * time.Second / hertz
}

// statOf gives the fields of /proc/PID/stat behind the name.
func statOf(pid int) []string {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return nil
	}
	_, rest, _ := strings.Cut(string(text), ") ")
	return strings.Fields(rest)
}

// CPU is the time that a process has used so far.
func CPU(pid int) time.Duration {
	fields := statOf(pid)
	if len(fields) < 13 {
		return 0
	}
	return ticks(fields[11]) + ticks(fields[12])
}

// tree is some processes and all that came of them.
func tree(roots []int) []int {
	if len(roots) == 0 {
		return nil
	}
	children := map[int][]int{}
	stats, _ := filepath.Glob("/proc/[0-9]*/stat")
	for _, stat := range stats {
		pid, err := strconv.Atoi(filepath.Base(filepath.Dir(stat)))
		fields := statOf(pid)
		if err != nil || len(fields) < 2 {
			continue
		}
		parent, _ := strconv.Atoi(fields[1])
		children[parent] = append(children[parent], pid)
	}
	all := slices.Clone(roots)
	for i := 0; i < len(all); i++ {
		all = append(all, children[all[i]]...)
	}
	return all
}

// Memory is the proportional set size of a worker's processes, in MiB: what
// they share counts once.
func Memory(workers ...int) float64 {
	kib := 0
	for _, pid := range tree(workers) {
		text, err := os.ReadFile(fmt.Sprintf("/proc/%d/smaps_rollup", pid))
		if err != nil {
			continue
		}
		for line := range strings.Lines(string(text)) {
			if rest, ok := strings.CutPrefix(line, "Pss:"); ok {
				n, _ := strconv.Atoi(strings.Fields(rest)[0])
				kib += n
			}
		}
	}
	return float64(kib) / 1024
}
