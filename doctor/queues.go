package doctor

import (
	"context"
	"fmt"
	"time"
)

// idle is how long ago the last poll may lie; a worker polls every few
// seconds.
const idle = time.Minute

// queues looks at each queue: who polls it, and what waits there.
func queues(ctx context.Context, o Options) []Finding {
	var found []Finding
	for _, taskType := range o.TaskTypes {
		found = append(found, queue(ctx, o, taskType))
	}
	return found
}

func queue(ctx context.Context, o Options, taskType string) Finding {
	const check = "queue"
	size, err := o.Server.QueueSize(ctx, taskType, o.Domain)
	if err != nil {
		return unknown(check, err, "give these credentials the right to read queues, then run this again")
	}
	pollers, err := o.Server.Pollers(ctx, taskType)
	if err != nil {
		return unknown(check, err, "give these credentials the right to read queues, then run this again")
	}
	name := quote(taskType)
	if o.Domain != "" {
		name += " in domain " + quote(o.Domain)
	}
	waiting := count(size, "task") + " waiting"
	for _, p := range pollers {
		if p.Domain != o.Domain {
			continue
		}
		if ago := o.Now().Sub(p.Last); ago > idle {
			return idleQueue(check, size, fmt.Sprintf("%s: %s, last polled %v ago by %s", name, waiting, ago.Round(time.Second), quote(p.WorkerID)))
		}
		return ok(check, fmt.Sprintf("%s: %s, polled by %s", name, waiting, quote(p.WorkerID)))
	}
	return idleQueue(check, size, fmt.Sprintf("%s: %s, and no worker has polled it", name, waiting))
}

func idleQueue(check string, size int, found string) Finding {
	const remedy = "start `conductor-jwt worker` with these settings"
	if size > 0 {
		return fail(check, found, remedy)
	}
	return warn(check, found, remedy)
}
