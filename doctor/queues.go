package doctor

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/conductor-sdk/conductor-go/sdk/model"

	"conductor-jwt/conductor"
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
		return unknown(check, err, "read queues")
	}
	pollers, err := o.Server.PollData(ctx, taskType)
	if err != nil {
		return unknown(check, err, "read queues")
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
		if ago := o.Now().Sub(time.UnixMilli(p.LastPollTime)); ago > idle {
			return idleQueue(check, size, fmt.Sprintf("%s: %s, last polled %v ago by %s", name, waiting, ago.Round(time.Second), quote(p.WorkerId)))
		}
		return ok(check, fmt.Sprintf("%s: %s, polled by %s", name, waiting, quote(p.WorkerId)))
	}
	return idleQueue(check, size, fmt.Sprintf("%s: %s, and no worker has polled it", name, waiting))
}

// Unpolled lists the workflow definitions and finds the tasks that look like
// ours and lie in a queue that no worker polls.
func Unpolled(ctx context.Context, o Options, limit int64) []Finding {
	tasks, _ := o.Server.WorkflowTasks(ctx, limit, o.TaskTypes...) // where they may not be read, the queues are still looked at
	elsewhere := slices.DeleteFunc(tasks, func(t conductor.WorkflowTask) bool { return slices.Contains(o.TaskTypes, t.Queue()) })
	return unpolled(ctx, o, elsewhere)
}

const jwtType = "GET_SIGNED_JWT"

// maxQueues is how many queues of tasks that look like ours are asked for, two
// calls for each: whoever registers workflows chooses how many there are.
const maxQueues = 20

// unpolled finds tasks that look like ours and lie in a queue that no worker polls:
// the worker does not, and no other has lately. The two queues that are mixed up
// most are looked at without a workflow definition, too: a workflow may be
// started with a definition of its own.
func unpolled(ctx context.Context, o Options, elsewhere []conductor.WorkflowTask) []Finding {
	byQueue := map[string][]conductor.WorkflowTask{}
	for _, queue := range []string{jwtType, strings.ToLower(jwtType)} {
		if !slices.Contains(o.TaskTypes, queue) {
			byQueue[queue] = nil
		}
	}
	for _, t := range elsewhere {
		if _, known := byQueue[t.Queue()]; known || len(byQueue) < maxQueues {
			byQueue[t.Queue()] = append(byQueue[t.Queue()], t)
		}
	}
	var found []Finding
	for _, queue := range slices.Sorted(maps.Keys(byQueue)) {
		pollers, err := o.Server.PollData(ctx, queue)
		if err != nil || slices.ContainsFunc(pollers, func(p model.PollData) bool { return o.Now().Sub(time.UnixMilli(p.LastPollTime)) <= idle }) {
			continue // somebody else's, or not to be known
		}
		if f := unpolledQueue(ctx, o, queue, byQueue[queue]); f.Found != "" {
			found = append(found, f)
		}
	}
	return found
}

// unpolledQueue is the finding about one queue; the zero one if there is none.
func unpolledQueue(ctx context.Context, o Options, queue string, tasks []conductor.WorkflowTask) Finding {
	const check = "queue"
	waiting, err := o.Server.QueueSize(ctx, queue, o.Domain)
	if err != nil {
		waiting = 0
	}
	remedy := "add" + argument(queue) + " to CONDUCTOR_JWT_TASK_TYPES"
	if queue != jwtType && slices.Contains(o.TaskTypes, jwtType) {
		remedy = "write \"type\": \"" + jwtType + "\" in the workflow definition, or " + remedy
	}
	found := "no worker polls the queue " + quote(queue)
	if len(tasks) > 0 {
		found = whoUses(tasks) + ": " + found + fmt.Sprintf(", which type %s and name %s lead to", quote(tasks[0].Type), quote(tasks[0].Name))
	}
	switch {
	case waiting > 0:
		return fail(check, found+"; "+count(waiting, "task")+" waiting", remedy)
	case len(tasks) > 0:
		return warn(check, found, remedy)
	}
	return Finding{}
}

func whoUses(tasks []conductor.WorkflowTask) string {
	if more := len(tasks) - 1; more > 0 {
		return where(tasks[0]) + " and " + count(more, "other task")
	}
	return where(tasks[0])
}

func idleQueue(check string, size int, found string) Finding {
	const remedy = "start `conductor-jwt worker` with these settings"
	if size > 0 {
		return fail(check, found, remedy)
	}
	return warn(check, found, remedy)
}
