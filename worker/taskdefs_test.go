package worker

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"maps"
	"os"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/conductor-sdk/conductor-go/sdk/model"

	"conductor-jwt/conductor"
	"conductor-jwt/task"
	"conductor-jwt/test/conductortest"
)

func TestTasksWithoutAResponseTimeout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLedger()
		var mu sync.Mutex
		ensured := map[string]int{}
		for i := range 30 {
			l.Enqueue(conductortest.TaskSpec{Type: jwtType, Name: fmt.Sprintf("get_signed_jwt_%d\n", i%3)})
		}
		enqueue(l, 5)
		r := start(t, l, Options{EnsureTaskDef: func(_ context.Context, _, name string) {
			mu.Lock()
			defer mu.Unlock()
			ensured[name]++
		}})
		r.idle(time.Minute)
		synctest.Wait() // the last name may still be on its way
		r.drainClean()
		want := map[string]int{"get_signed_jwt_0\n": 1, "get_signed_jwt_1\n": 1, "get_signed_jwt_2\n": 1}
		if !maps.Equal(ensured, want) {
			t.Errorf("asked to ensure %v, want %v", ensured, want)
		}
		if n := r.log.count("has no response timeout"); n != 3 {
			t.Errorf("%d warnings, want one for each name", n)
		}
	})
}

func TestRememberedNamesAreBounded(t *testing.T) {
	u := newMissingDefs()
	fresh := 0
	for i := range 10 * maxNames {
		if u.add(jwtType, fmt.Sprint(i), time.Time{}) {
			fresh++
		}
	}
	if fresh != maxNames || len(u.latest) != maxNames {
		t.Errorf("%d names were new, %d are remembered; want %d", fresh, len(u.latest), maxNames)
	}
}

func newRegistrar(l TaskDefs) (*Registrar, *logBuffer) {
	log := &logBuffer{}
	return NewRegistrar(l, []string{jwtType}, "ops@example.com", slog.New(slog.NewTextHandler(log, nil))), log
}

func TestRegistersWhatIsMissing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLedger()
		theirs := json.RawMessage(`{"name":"get_signed_jwt","retryCount":9,"responseTimeoutSeconds":7,"runtimeMetadata":["k"]}`)
		if err := l.PutTaskDef(theirs); err != nil {
			t.Fatal(err)
		}
		before := string(l.StoredTaskDef("get_signed_jwt"))
		r, _ := newRegistrar(l)
		r.Run(t.Context())
		r.Ensure(t.Context(), jwtType, "get_signed_jwt_1")
		r.Ensure(t.Context(), jwtType, "get_signed_jwt_1")
		if after := string(l.StoredTaskDef("get_signed_jwt")); after != before {
			t.Errorf("an existing definition was changed to %s", after)
		}
		if n := l.Calls("create taskdef"); n != 2 {
			t.Errorf("%d definitions were created, want 2", n)
		}
		for _, name := range []string{"GET_SIGNED_JWT", "get_signed_jwt_1"} {
			var d model.TaskDef
			if err := json.Unmarshal(l.StoredTaskDef(name), &d); err != nil {
				t.Fatal(err)
			}
			if d.RetryCount != 3 || d.RetryLogic != "EXPONENTIAL_BACKOFF" || d.RetryDelaySeconds != 1 ||
				d.ResponseTimeoutSeconds != 30 || d.TimeoutSeconds != 0 || d.TimeoutPolicy != "RETRY" && d.TimeoutPolicy != "TIME_OUT_WF" {
				t.Errorf("%s is registered as %+v", name, d)
			}
		}
		d, about := Definition(jwtType, "n", "ops@example.com"), task.DefinitionOf(jwtType)
		if d.TimeoutPolicy != "RETRY" || d.OwnerEmail != "ops@example.com" || !slices.Equal(d.OutputKeys, about.OutputKeys) || !slices.Equal(d.InputKeys, about.InputKeys) {
			t.Errorf("the definition is %+v", d)
		}
	})
}

// The documented definitions are those that the worker registers.
func TestTheDocumentedTaskDefs(t *testing.T) {
	raw, err := os.ReadFile("../deploy/conductor/taskdefs.json")
	if err != nil {
		t.Fatal(err)
	}
	var documented []map[string]any
	if err := json.Unmarshal(raw, &documented); err != nil {
		t.Fatal(err)
	}
	names := DefaultNames(task.Types())
	for _, want := range documented {
		name, _ := want["name"].(string)
		i := slices.Index(names, name)
		if i < 0 {
			t.Fatalf("%s is documented, and not registered", name)
		}
		names = slices.Delete(names, i, i+1)
		written, err := json.Marshal(Definition(name, name, ""))
		if err != nil {
			t.Fatal(err)
		}
		var got map[string]any
		if err := json.Unmarshal(written, &got); err != nil {
			t.Fatal(err)
		}
		for field, value := range want {
			if value != float64(0) && !reflect.DeepEqual(got[field], value) { // 0 is left out
				t.Errorf("%s: %s is documented as %v, and registered as %v", name, field, value, got[field])
			}
		}
	}
	if len(names) > 0 {
		t.Errorf("%q are registered, and not documented", names)
	}
}

func TestTheDefaultNames(t *testing.T) {
	for types, want := range map[string]string{
		"GET_SIGNED_JWT":                  "get_signed_jwt GET_SIGNED_JWT",
		"GET_SIGNED_JWT GET_ACCESS_TOKEN": "get_signed_jwt GET_SIGNED_JWT get_access_token GET_ACCESS_TOKEN",
		"get_access_token":                "get_signed_jwt get_access_token",
		"Billing":                         "get_signed_jwt Billing",
	} {
		if got := strings.Join(DefaultNames(strings.Fields(types)), " "); got != want {
			t.Errorf("%s: %s, want %s", types, got, want)
		}
	}
}

// A name of the author's choice has the definition of its task's queue.
func TestADefinitionIsThatOfTheQueue(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLedger()
		types := []string{jwtType, task.AccessTokenType}
		created := definitions{}
		r := NewRegistrar(created, types, "", slog.New(slog.DiscardHandler))
		run := start(t, l, Options{TaskTypes: types, Slots: 2, EnsureTaskDef: r.Ensure})
		l.Enqueue(conductortest.TaskSpec{Type: task.AccessTokenType, Name: "google_token"})
		time.Sleep(time.Minute)
		run.drainClean()
		if def := created["google_token"]; !slices.Contains(def.InputKeys, "tokenUrl") || !slices.Contains(def.OutputKeys, "accessToken") {
			t.Errorf("google_token is registered as %+v", def)
		}
	})
}

// definitions are those that were created, by name.
type definitions map[string]model.TaskDef

func (d definitions) TaskDef(_ context.Context, name string) (conductor.TaskDef, bool, error) {
	_, ok := d[name]
	return conductor.TaskDef{}, ok, nil
}

func (d definitions) CreateTaskDef(_ context.Context, def model.TaskDef) error {
	d[def.Name] = def
	return nil
}

// The server made up the definition that came with these tasks, or somebody
// has deleted it since.
func TestADefinitionThatIsMissingIsRegistered(t *testing.T) {
	for _, row := range []struct {
		what string
		task conductortest.TaskSpec
	}{
		{"a task whose definition has no response timeout", conductortest.TaskSpec{Type: jwtType, Name: "get_signed_jwt_1"}},
		{"a task of a name that is registered at the start", conductortest.TaskSpec{Type: jwtType, Name: "get_signed_jwt"}},
		{"a task of the type's own name", conductortest.TaskSpec{Type: jwtType, Name: jwtType}},
		{"a SIMPLE task, for which the server makes up an hour", conductortest.TaskSpec{Simple: true, Name: "sign_it"}},
	} {
		t.Run(row.what, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				l := newLedger()
				log := &logBuffer{}
				types := []string{jwtType, "sign_it"}
				r := NewRegistrar(l, types, "", slog.New(slog.NewTextHandler(log, nil)))
				run := start(t, l, Options{TaskTypes: types, Slots: 2, EnsureTaskDef: r.Ensure})
				r.Run(t.Context())
				for range 3 { // the first time it may be there from the start
					l.DeleteTaskDef(row.task.Name)
					time.Sleep(time.Millisecond)
					l.Enqueue(row.task)
					time.Sleep(2 * recheckInterval)
					if l.StoredTaskDef(row.task.Name) == nil {
						t.Errorf("no definition of %s", row.task.Name)
					}
				}
				created := l.Calls("create taskdef")
				for range 100 {
					l.Enqueue(row.task)
				}
				time.Sleep(2 * recheckInterval)
				run.drainClean()
				if n := l.Calls("create taskdef"); n != created {
					t.Errorf("a definition that exists was created %d times", n-created)
				}
			})
		})
	}
}

// The worker does not ask for the definition of a task that has a response
// timeout, and asks rarely for one that never has.
func TestQuestionsForDefinitionsAreFew(t *testing.T) {
	for what, row := range map[string]struct {
		definition *conductortest.Definition
		max        int
	}{
		"a response timeout":             {&conductortest.Definition{ResponseTimeout: 30 * time.Second}, 0},
		"the server's, set on purpose":   {&conductortest.Definition{ResponseTimeout: time.Hour}, 13},
		"no response timeout, as before": {&conductortest.Definition{}, 13},
	} {
		t.Run(what, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				l := newLedger()
				r, _ := newRegistrar(l)
				run := start(t, l, Options{EnsureTaskDef: r.Ensure})
				for range 600 {
					l.Enqueue(conductortest.TaskSpec{Type: jwtType, Name: "n", Definition: row.definition})
					time.Sleep(100 * time.Millisecond)
				}
				run.idle(time.Second)
				run.drainClean()
				if n := l.Calls("get taskdef"); n > row.max {
					t.Errorf("%d requests in a minute, want at most %d", n, row.max)
				}
			})
		})
	}
}

func TestEveryConfiguredTypeIsRegistered(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLedger()
		r := NewRegistrar(l, []string{jwtType, "sign_it", "get_signed_jwt"}, "", slog.New(slog.DiscardHandler))
		r.Run(t.Context())
		for _, name := range []string{"get_signed_jwt", jwtType, "sign_it"} {
			if l.StoredTaskDef(name) == nil {
				t.Errorf("%s is not registered", name)
			}
		}
		if n := l.Calls("create taskdef"); n != 3 {
			t.Errorf("%d definitions were created, want 3", n)
		}
	})
}

// A name that the server refuses is tried once, however many tasks have it.
func TestARefusedNameIsLoggedOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLedger()
		l.SetFaults(conductortest.Plan(1, conductortest.Rule{Call: "create taskdef", Fault: conductortest.Fault{Status: 400}}))
		r, log := newRegistrar(l)
		for range 3 {
			r.Ensure(t.Context(), jwtType, "x")
			r.Ensure(t.Context(), jwtType, "y")
		}
		if n := log.count("level=WARN"); n != 2 || l.Calls("create taskdef") != 2 {
			t.Errorf("%d warnings and %d calls, want one for each name", n, l.Calls("create taskdef"))
		}
	})
}

func TestRegistrationThat(t *testing.T) {
	for _, c := range []struct {
		name    string
		faults  conductortest.Faults
		created int
		lines   int // warnings
	}{
		{"is forbidden is not tried again", conductortest.Plan(1, conductortest.Rule{Call: "create taskdef", Fault: conductortest.Fault{Status: 403}}), 0, 1},
		{"cannot even look is not tried again", conductortest.Plan(1, conductortest.Rule{Call: "get taskdef", Fault: conductortest.Fault{Status: 403}}), 0, 1},
		{"meets an outage waits for its end", conductortest.Plan(1, conductortest.Rule{Times: 8, Fault: conductortest.Fault{Status: 503}}), 3, 0},
		{"is refused for a name goes on with the others", conductortest.Plan(1, conductortest.Rule{Call: "create taskdef", Times: 1, Fault: conductortest.Fault{Status: 400}}), 2, 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				l := newLedger()
				l.SetFaults(c.faults)
				r, log := newRegistrar(l)
				r.Run(t.Context())
				r.Ensure(t.Context(), jwtType, "x")
				created := 0
				for _, name := range append(DefaultNames([]string{jwtType}), "x") {
					if l.StoredTaskDef(name) != nil {
						created++
					}
				}
				if created != c.created || log.count("level=WARN") != c.lines {
					t.Errorf("%d created and %d warnings, want %d and %d", created, log.count("level=WARN"), c.created, c.lines)
				}
			})
		})
	}
}

func TestRegistrationEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLedger()
		l.SetFaults(func(conductortest.Call) conductortest.Fault { return conductortest.Fault{Status: 500} })
		r, log := newRegistrar(l)
		began := time.Now()
		r.Ensure(t.Context(), jwtType, "x")
		if took := time.Since(began); took < time.Minute || took > 70*time.Second || log.count("level=WARN") != 1 {
			t.Errorf("gave up on one name after %s with %d warnings, want a minute and one", took, log.count("level=WARN"))
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
		defer cancel()
		r.Run(ctx) // at the start it waits for the server, but not forever
		if took := time.Since(began); took < time.Hour {
			t.Errorf("gave up at the start after %s", took)
		}
	})
}

// panicking is a client that panics once.
type panicking struct {
	TaskDefs
	panicked bool
}

func (p *panicking) TaskDef(ctx context.Context, name string) (conductor.TaskDef, bool, error) {
	if !p.panicked {
		p.panicked = true
		panic("a key")
	}
	return p.TaskDefs.TaskDef(ctx, name)
}

func TestAPanicOfTheClientEndsNoRegistration(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLedger()
		r, log := newRegistrar(&panicking{TaskDefs: l})
		r.Run(t.Context())
		if n := l.Calls("create taskdef"); n != 2 || log.count("a key") != 0 {
			t.Errorf("%d definitions were created, want 2; the log:\n%s", n, log)
		}
	})
}
