package task_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
	"unicode/utf8"

	"conductor-jwt/conductor/api"
	"conductor-jwt/internal/fault"
	"conductor-jwt/internal/secret"
	"conductor-jwt/keys"
	"conductor-jwt/task"
)

func TestTheTokenStandsWhereTheSettingSays(t *testing.T) {
	for _, test := range []struct {
		mode          task.OutputMode
		plain, hidden bool
	}{
		{task.OutputToken, true, false},
		{task.OutputSecrets, false, true},
		{task.OutputBoth, true, true},
	} {
		out := handle(t, with(""), func(o *task.Options, _ *api.Task) { o.Output = test.mode })
		output := object(t, out.Output.Reveal())
		secrets, _ := output["_secrets"].(map[string]any)
		plain, _ := output["token"].(string)
		hidden, _ := secrets["token"].(string)
		if (plain != "") != test.plain || (hidden != "") != test.hidden {
			t.Errorf("mode %s: token %t, _secrets.token %t", test.mode, plain != "", hidden != "")
		}
		if test.mode == task.OutputBoth && plain != hidden {
			t.Error("the two tokens differ")
		}
	}
}

func TestTheOperatorSetsTheTTLs(t *testing.T) {
	limits := func(standard, most time.Duration) setup {
		return func(o *task.Options, _ *api.Task) { o.DefaultTTL, o.MaxTTL = standard, most }
	}
	if tok := completed(t, handle(t, with(""), limits(90*time.Second, 2*time.Hour))); tok.claims["exp"] != json.Number("1795348890") {
		t.Errorf("claims = %s", tok.payload)
	}
	completed(t, handle(t, with(`"ttlInSecond":7200`), limits(90*time.Second, 2*time.Hour)))
	message := failed(t, handle(t, with(`"ttlInSecond":7201`), limits(90*time.Second, 2*time.Hour)), "ttl_out_of_range", "ttlInSecond")
	if !strings.Contains(message, "1 to 7200 seconds") {
		t.Errorf("message = %q", message)
	}
	completed(t, handle(t, with(`"ttlInSecond":15778000`), limits(90*time.Second, 15778000*time.Second)))
}

func TestALargeTokenIsWarnedOf(t *testing.T) {
	out := handle(t, with(`"claims":{"a":"`+strings.Repeat("x", 6<<10)+`"}`))
	completed(t, out)
	if len(out.Warnings) != 1 || !strings.Contains(out.Warnings[0], "bytes") {
		t.Errorf("warnings = %q", out.Warnings)
	}
}

func TestATokenThatHasExpiredAlreadyIsWarnedOf(t *testing.T) {
	for _, test := range []struct {
		members string
		warned  bool
	}{
		{`"issuedAtOffset":-60,"ttlInSecond":60`, true},
		{`"issuedAtOffset":-60,"ttlInSecond":61`, false},
	} {
		out := handle(t, with(test.members))
		completed(t, out)
		if got := len(out.Warnings) == 1 && strings.Contains(out.Warnings[0], "expired already"); got != test.warned {
			t.Errorf("%s: warnings = %q", test.members, out.Warnings)
		}
	}
}

func TestASecretThatEndsInALineBreakIsWarnedOf(t *testing.T) {
	secretText := strings.Repeat("0123456789abcdef", 3)
	for text, warned := range map[string]bool{secretText: false, secretText + "\\n": true, secretText + "\\r\\n": true} {
		out := handle(t, `{"privateKey":"`+text+`","secretEncoding":"raw","algorithm":"HS256"}`)
		if out.Status != api.Completed {
			t.Errorf("status = %v", out.Status)
		}
		if got := len(out.Warnings) == 1 && strings.Contains(out.Warnings[0], "privateKey: the HMAC secret ends in a line break"); got != warned {
			t.Errorf("warnings = %q", out.Warnings)
		}
	}
}

func TestEachWarningIsALogLine(t *testing.T) {
	for _, members := range []string{`"whatever":"a-secret"`, `"whatever":"a-secret","algorithm":"x"`} {
		var log bytes.Buffer
		handle(t, with(members), func(o *task.Options, _ *api.Task) { o.Logger = slog.New(slog.NewTextHandler(&log, nil)) })
		if strings.Count(log.String(), "\n") != 1 || !strings.Contains(log.String(), "whatever") || !strings.Contains(log.String(), "task_id=task-1") {
			t.Errorf("log = %s", log.String())
		}
		if strings.Contains(log.String(), "a-secret") {
			t.Errorf("the log holds a value: %s", log.String())
		}
	}
}

func TestAPanicIsAuditedAndReachesTheCaller(t *testing.T) {
	var log bytes.Buffer
	var audit []task.Decision
	defer func() {
		if recover() == nil {
			t.Error("the panic did not reach the caller")
		}
		if len(audit) != 1 || audit[0].Allowed || audit[0].Code != "internal" || audit[0].TaskID != "task-1" {
			t.Errorf("the audit is %+v", audit)
		}
		if strings.Contains(log.String(), "a-secret") {
			t.Errorf("the log holds the value of the panic: %s", log.String())
		}
	}()
	handle(t, with(""), func(o *task.Options, _ *api.Task) {
		o.Logger = slog.New(slog.NewTextHandler(&log, nil))
		o.Audit = func(d task.Decision) { audit = append(audit, d) }
		o.Keys = resolverFunc(func(context.Context, keys.Ref) (keys.Key, error) { panic("a-secret") })
	})
}

func TestADeadlineIsATimeout(t *testing.T) {
	t.Run("reached while the key is fetched", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			defer cancel()
			o := options()
			o.Keys = resolverFunc(func(ctx context.Context, _ keys.Ref) (keys.Key, error) {
				<-ctx.Done()
				return nil, &fault.Error{Reason: keys.ErrUnavailable, Found: "no answer", Cause: ctx.Err()}
			})
			out := task.NewHandler(o).Handle(ctx, api.Task{Scheduled: noon, Input: input(with(""))})
			failed(t, out, "timeout", "")
			if out.Status != api.Failed {
				t.Errorf("the task ended %s", out.Status)
			}
		})
	})
	t.Run("reached while the stored task is read", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			defer cancel()
			o := options()
			o.Injection = task.InjectionAuto
			o.Stored = storedFunc(func(ctx context.Context, _ string) (_ api.Task, err error) {
				<-ctx.Done()
				return api.Task{}, ctx.Err()
			})
			out := task.NewHandler(o).Handle(ctx, api.Task{Scheduled: noon, Input: input(with(`"subject":"a"`))})
			failed(t, out, "timeout", "")
		})
	})
	t.Run("reached before the beginning", func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		out := task.NewHandler(options()).Handle(ctx, api.Task{Scheduled: noon, Input: input(with(""))})
		failed(t, out, "timeout", "")
	})
}

func TestWhatCanNeverSucceedSaysSoHoweverLate(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	o := options()
	o.Keys = resolverFunc(func(context.Context, keys.Ref) (keys.Key, error) {
		cancel()
		return nil, &fault.Error{Reason: keys.ErrPublic, Found: "a public key", Hint: "give the private key"}
	})
	out := task.NewHandler(o).Handle(ctx, api.Task{Scheduled: noon, Input: input(with(""))})
	failed(t, out, "key_public", "privateKey")
}

func TestAnAbandonedReadEndsWithItsTask(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := options()
		o.Injection = task.InjectionAuto
		o.Stored = storedFunc(func(ctx context.Context, _ string) (api.Task, error) {
			<-ctx.Done()
			return api.Task{}, ctx.Err()
		})
		never := context.WithoutCancel(t.Context())
		out := task.NewHandler(o).Handle(never, api.Task{Scheduled: noon, Input: input(`{"privateKey":"no key","subject":"a"}`)})
		failed(t, out, "key_unreadable", "privateKey")
		// A read that is left behind would never end, and fail the bubble.
	})
}

func TestAKeyStoreThatIsAwayIsWaitedFor(t *testing.T) {
	for _, test := range []struct {
		age    time.Duration
		status api.Status
		after  time.Duration
	}{
		{-time.Minute, api.InProgress, time.Second}, // the server's clock is ahead
		{0, api.InProgress, time.Second},
		{900 * time.Millisecond, api.InProgress, time.Second},
		{1100 * time.Millisecond, api.InProgress, 2 * time.Second},
		{3200 * time.Millisecond, api.InProgress, 4 * time.Second},
		{7500 * time.Millisecond, api.InProgress, 8 * time.Second},
		{16 * time.Second, api.InProgress, 16 * time.Second},
		{32 * time.Second, api.InProgress, 32 * time.Second},
		{64 * time.Second, api.InProgress, 60 * time.Second},
		{599 * time.Second, api.InProgress, 60 * time.Second},
		{600 * time.Second, api.Failed, 0},
		{time.Hour, api.Failed, 0},
	} {
		out := handle(t, `{"keyRef":"billing"}`, func(o *task.Options, d *api.Task) {
			d.Scheduled = noon.Add(-test.age)
			o.Keys = resolverFunc(func(context.Context, keys.Ref) (keys.Key, error) {
				return nil, &fault.Error{Reason: keys.ErrUnavailable, Found: "vault did not answer", Hint: "look at vault", Cause: errors.New("dial a-secret")}
			})
		})
		failed(t, out, "key_unavailable", "keyRef")
		if out.Status != test.status || out.After != test.after {
			t.Errorf("at the age of %s the task ended %s after %s, want %s after %s", test.age, out.Status, out.After, test.status, test.after)
		}
		if out.Reason != "key_unavailable: keyRef: vault did not answer; look at vault" {
			t.Errorf("reason = %q", out.Reason)
		}
	}
}

func TestAConfiguredKeyThatIsUnfitIsAtItsName(t *testing.T) {
	out := handle(t, `{"keyRef":"billing"}`, func(o *task.Options, _ *api.Task) {
		o.Keys = resolverFunc(func(context.Context, keys.Ref) (keys.Key, error) {
			return nil, &fault.Error{Reason: keys.ErrPublic, Found: "f", Hint: "h"}
		})
	})
	failed(t, out, "key_public", "keyRef")
}

func TestHowLongToWaitIsASetting(t *testing.T) {
	out := handle(t, `{"keyRef":"billing"}`, func(o *task.Options, d *api.Task) {
		d.Scheduled, o.KeyWait = noon.Add(-5*time.Second), 5*time.Second
		o.Keys = resolverFunc(func(context.Context, keys.Ref) (keys.Key, error) {
			return nil, &fault.Error{Reason: keys.ErrUnavailable, Found: "f"}
		})
	})
	if out.Status != api.Failed {
		t.Errorf("the task ended %s", out.Status)
	}
}

func TestWithoutAnAgeNothingIsWaitedFor(t *testing.T) {
	out := handle(t, `{"keyRef":"billing"}`, func(o *task.Options, d *api.Task) {
		d.Scheduled = time.Time{}
		o.Keys = resolverFunc(func(context.Context, keys.Ref) (keys.Key, error) {
			return nil, &fault.Error{Reason: keys.ErrUnavailable, Found: "f"}
		})
	})
	if out.Status != api.Failed {
		t.Errorf("the task ended %s", out.Status)
	}
}

func TestTheKeyIsAskedForAsTheInputSays(t *testing.T) {
	for _, test := range []struct {
		says, input string
		want        func(keys.Ref) bool
	}{
		{"a name", `{"keyRef":"billing","privateKeyId":"k1"}`, func(r keys.Ref) bool {
			return r.Name == "billing" && r.KeyID == "k1" && r.Text.IsZero()
		}},
		{"an object as its text", `{"privateKey":{"kty": "oct" }}`, func(r keys.Ref) bool { return r.Text.Reveal() == `{"kty": "oct" }` }},
		{"a string as it is", `{"privateKey":" x\n"}`, func(r keys.Ref) bool { return r.Text.Reveal() == " x\n" }},
		{"a password", `{"privateKey":"x","privateKeyPassword":" p "}`, func(r keys.Ref) bool { return r.Password.Reveal() == " p " }},
		{"an encoding", `{"privateKey":"x","secretEncoding":"hex"}`, func(r keys.Ref) bool { return r.Encoding == keys.EncodingHex }},
	} {
		t.Run(test.says, func(t *testing.T) {
			var got keys.Ref
			handle(t, test.input, func(o *task.Options, _ *api.Task) {
				o.Keys = resolverFunc(func(_ context.Context, ref keys.Ref) (keys.Key, error) {
					got = ref
					return nil, keys.ErrUnknown
				})
			})
			if !test.want(got) {
				t.Error("the key was asked for otherwise")
			}
		})
	}
}

func TestAReasonIsCutAtWholeCharacters(t *testing.T) {
	out := handle(t, with(""), func(o *task.Options, _ *api.Task) {
		o.Keys = resolverFunc(func(context.Context, keys.Ref) (keys.Key, error) {
			return nil, &fault.Error{Reason: keys.ErrPublic, Found: strings.Repeat("é", 600), Hint: "h"}
		})
	})
	if n := utf8.RuneCountInString(out.Reason); n != 500 || !utf8.ValidString(out.Reason) || !strings.HasPrefix(out.Reason, "key_public: privateKey: é") {
		t.Errorf("a reason of %d characters: %s", n, out.Reason)
	}
}

func TestOneHandlerRunsManyTasksAtOnce(t *testing.T) {
	o := options()
	o.Injection = task.InjectionAuto
	o.Stored = storedFunc(func(_ context.Context, id string) (api.Task, error) {
		if strings.HasSuffix(id, "7") {
			return api.Task{Input: secret.NewJSON([]byte(`{"subject":"${workflow.secrets.x}"}`))}, nil
		}
		return api.Task{Input: secret.NewJSON([]byte(`{}`))}, nil
	})
	h := task.NewHandler(o)
	var wg sync.WaitGroup
	for i := range 40 {
		wg.Go(func() {
			id := strings.Repeat("x", i) + string(rune('0'+i%10))
			out := h.Handle(t.Context(), api.Task{ID: id, Scheduled: noon, Input: input(with(`"subject":"` + id + `"`))})
			if i%10 == 7 {
				if out.Fault.Code != "secret_injected" {
					t.Errorf("task %d: %s", i, out.Reason)
				}
				return
			}
			if out.Status != api.Completed || !strings.Contains(string(out.Output.Reveal()), `"taskId":"`+id+`"`) {
				t.Errorf("task %d: %s", i, out.Reason)
			}
		})
	}
	wg.Wait()
}
