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
	"conductor-jwt/internal/printable"
	"conductor-jwt/task"
)

// idle is the age of the last poll after which a queue counts as not polled. A
// worker polls every few seconds.
const idle = time.Minute

// queues checks that each queue is polled, and counts its waiting tasks.
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
	waiting := printable.Count(size, "task") + " waiting"
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

// Unpolled finds the tasks of workflow definitions that look like GET_SIGNED_JWT
// and whose queue no worker polls. It reads a list of definitions of up to limit
// bytes; if it cannot, it checks only the two usual names of the queue.
func Unpolled(ctx context.Context, o Options, limit int64) []Finding {
	tasks, _ := o.Server.WorkflowTasks(ctx, limit, o.wanted)
	elsewhere := slices.DeleteFunc(tasks, func(t conductor.WorkflowTask) bool { return slices.Contains(o.TaskTypes, t.Queue()) })
	return unpolled(ctx, o, elsewhere)
}

// wanted reports whether the tasks of a queue are examined.
func (o Options) wanted(queue string) bool {
	return slices.Contains(o.TaskTypes, queue) || resembled(queue) != ""
}

// resembled returns the task type that the name of a queue resembles, ignoring case,
// separators and a suffix, such as the one that the server's editor adds; empty for
// none.
func resembled(queue string) string {
	for _, t := range task.Types() {
		if strings.HasPrefix(lettersOf(queue), lettersOf(t)) {
			return t
		}
	}
	return ""
}

func lettersOf(queue string) string {
	return strings.Map(func(r rune) rune {
		if strings.ContainsRune("_-. ", r) {
			return -1
		}
		return r
	}, strings.ToLower(queue))
}

// maxQueues limits the queues that are asked for, each with two calls: a user who
// registers workflows chooses how many there are.
const maxQueues = 20

// unpolled finds tasks that look like GET_SIGNED_JWT and whose queue no worker
// polls. The two usual names of the queue are checked without a workflow
// definition too, because a workflow may be started with a definition of its own.
func unpolled(ctx context.Context, o Options, elsewhere []conductor.WorkflowTask) []Finding {
	byQueue := map[string][]conductor.WorkflowTask{}
	for _, queue := range []string{task.TaskType, strings.ToLower(task.TaskType)} {
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
			continue // another worker polls it, or it is unknown
		}
		if f := unpolledQueue(ctx, o, queue, byQueue[queue]); f.Found != "" {
			found = append(found, f)
		}
	}
	return found
}

// unpolledQueue is the finding about one queue; zero if there is none.
func unpolledQueue(ctx context.Context, o Options, queue string, tasks []conductor.WorkflowTask) Finding {
	const check = "queue"
	waiting, err := o.Server.QueueSize(ctx, queue, o.Domain)
	if err != nil {
		waiting = 0
	}
	remedy := "add" + argument(queue) + " to CONDUCTOR_JWT_TASK_TYPES"
	if meant := resembled(queue); queue != meant && slices.Contains(o.TaskTypes, meant) {
		remedy = "write \"type\": \"" + meant + "\" in the workflow definition, or " + remedy
	}
	found := "no worker polls the queue " + quote(queue)
	if len(tasks) > 0 {
		found = whoUses(tasks) + ": " + found + fmt.Sprintf(", which tasks of type %s and name %s use", quote(tasks[0].Type), quote(tasks[0].Name))
	}
	switch {
	case waiting > 0:
		return fail(check, found+"; "+printable.Count(waiting, "task")+" waiting", remedy)
	case len(tasks) > 0:
		return warn(check, found, remedy)
	}
	return Finding{}
}

func whoUses(tasks []conductor.WorkflowTask) string {
	if more := len(tasks) - 1; more > 0 {
		return where(tasks[0]) + " and " + printable.Count(more, "other task")
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
