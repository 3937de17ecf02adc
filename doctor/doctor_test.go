package doctor_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json/jsontext"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/conductor-sdk/conductor-go/sdk/model"

	"conductor-jwt/conductor"
	"conductor-jwt/doctor"
)

// fakeServer is a server to examine. Its zero value has no problem.
type fakeServer struct {
	url       string
	version   error
	queue     error
	metadata  error
	secrets   error
	skew      time.Duration
	timeless  bool
	tasks     []conductor.WorkflowTask
	defs      map[string]conductor.TaskDef
	known     []string // secrets
	listed    bool
	waiting   int
	polled    time.Duration // ago
	unpolled  bool
	anonymous bool   // no credentials are set
	otherways string // domain that is polled
}

func (h fakeServer) BaseURL() string {
	if h.url != "" {
		return h.url
	}
	return "https://conductor.example.com/api"
}
func (h fakeServer) Version(context.Context) (string, error) { return "3.32.3", h.version }
func (h fakeServer) Skew() (time.Duration, bool)             { return h.skew, !h.timeless }

func (h fakeServer) WorkflowTasks(_ context.Context, _ int64, wanted func(string) bool) ([]conductor.WorkflowTask, error) {
	var tasks []conductor.WorkflowTask
	for _, t := range h.tasks {
		if wanted(t.Queue()) {
			tasks = append(tasks, t)
		}
	}
	return tasks, h.metadata
}

func (h fakeServer) TaskDef(_ context.Context, name string) (conductor.TaskDef, bool, error) {
	def, exists := h.defs[name]
	return def, exists, h.metadata
}

func (h fakeServer) SecretExists(_ context.Context, name string) (bool, error) {
	return slices.Contains(h.known, name), h.secrets
}

func (h fakeServer) SecretNames(context.Context) ([]string, bool, error) {
	if !h.listed {
		return nil, false, nil
	}
	return h.known, true, nil
}

func (h fakeServer) QueueSize(context.Context, string, string) (int, error) {
	return h.waiting, h.queue
}

func (h fakeServer) PollData(context.Context, string) ([]model.PollData, error) {
	if h.unpolled {
		return nil, nil
	}
	return []model.PollData{{Domain: h.otherways, WorkerId: "w1", LastPollTime: now().Add(-h.polled).UnixMilli()}}, nil
}

func now() time.Time { return time.Unix(1_800_000_000, 0) }

// uses is one task of one workflow with a good definition.
func uses(template string) fakeServer {
	return fakeServer{
		tasks: []conductor.WorkflowTask{{
			Workflow: "billing", Version: 2, Name: "sign", Reference: "sign_ref", Type: "GET_SIGNED_JWT", Template: jsontext.Value(template),
		}},
		defs: map[string]conductor.TaskDef{"sign": {TaskDef: model.TaskDef{Name: "sign", RetryCount: 3, ResponseTimeoutSeconds: 30}}},
	}
}

func (h fakeServer) defined(retries int32, timeout int64) fakeServer {
	h.defs = map[string]conductor.TaskDef{"sign": {TaskDef: model.TaskDef{Name: "sign", RetryCount: retries, ResponseTimeoutSeconds: timeout}}}
	return h
}

func (h fakeServer) limited(limits model.TaskDef) fakeServer {
	limits.Name, limits.RetryCount, limits.ResponseTimeoutSeconds = "sign", 3, 30
	h.defs = map[string]conductor.TaskDef{"sign": {TaskDef: limits}}
	return h
}

// task is a workflow with one task whose template needs no secret.
func task(taskType, name string) []conductor.WorkflowTask {
	return []conductor.WorkflowTask{{Workflow: "w", Version: 1, Name: name, Reference: "ref", Type: taskType, Template: jsontext.Value(`{"keyRef":"a"}`)}}
}

func (h fakeServer) sending(secrets ...string) fakeServer {
	def := h.defs["sign"]
	def.RuntimeMetadata = secrets
	h.defs = map[string]conductor.TaskDef{"sign": def}
	return h
}

func listed(h fakeServer) fakeServer {
	h.listed = true
	return h
}

func examine(h fakeServer) []doctor.Finding { return examineWith(h, doctor.Options{}) }

func examineWith(h fakeServer, o doctor.Options) []doctor.Finding {
	o.Server, o.Now, o.Delivered = h, now, map[string]string{"partner": "partner-key"}
	if !h.anonymous {
		o.Anonymous = h
	}
	if o.TaskTypes == nil {
		o.TaskTypes = []string{"GET_SIGNED_JWT"}
	}
	return doctor.Run(context.Background(), o)
}

func class(c conductor.Class, status int) error {
	return &conductor.Error{Class: c, Call: "version", Status: status}
}

func TestFindings(t *testing.T) {
	const secretKey = `{"privateKey":"${workflow.secrets.k}"}`
	known := uses(secretKey)
	known.known = []string{"k"}
	for name, c := range map[string]struct {
		server      fakeServer
		check       string
		level       doctor.Level
		says, helps string
	}{
		"a server that answers":             {fakeServer{}, "server", doctor.OK, "version 3.32.3", ""},
		"plain http over a network":         {fakeServer{url: "http://conductor:8080/api"}, "server", doctor.Warn, "plain HTTP", "HTTPS"},
		"no server":                         {fakeServer{version: class(conductor.Network, 0)}, "server", doctor.Fail, "no answer", "CONDUCTOR_SERVER_URL"},
		"something else there":              {fakeServer{version: class(conductor.NotFound, 404)}, "server", doctor.Fail, "not Conductor's API", "/api"},
		"a login page":                      {fakeServer{version: class(conductor.Garbled, 200)}, "server", doctor.Fail, "not Conductor's API", "/api"},
		"a server that is not well":         {fakeServer{version: class(conductor.Server, 503)}, "server", doctor.Fail, "answers with an error", "log"},
		"credentials that are refused":      {fakeServer{version: class(conductor.Unauthorized, 401)}, "auth", doctor.Fail, "refuses the credentials", "CONDUCTOR_AUTH_KEY"},
		"credentials refused for the queue": {fakeServer{queue: class(conductor.Unauthorized, 401)}, "auth", doctor.Fail, "refuses the credentials", "CONDUCTOR_AUTH_KEY"},
		"credentials that may not":          {fakeServer{queue: class(conductor.Forbidden, 403)}, "auth", doctor.Fail, "lack a right", "right to execute"},
		"no credentials":                    {fakeServer{queue: class(conductor.Unauthorized, 401), anonymous: true}, "auth", doctor.Fail, "requires credentials, and none are set (HTTP status 401)", "set CONDUCTOR_AUTH_KEY"},
		"no credentials, and no right":      {fakeServer{queue: class(conductor.Forbidden, 403), anonymous: true}, "auth", doctor.Fail, "forbids this to a worker without credentials", "set CONDUCTOR_AUTH_KEY"},
		"credentials for a server without":  {fakeServer{version: &conductor.Error{Class: conductor.Unauthorized, Call: "token", Status: 404}}, "auth", doctor.Fail, "the server has no authentication", "unset CONDUCTOR_AUTH_KEY and CONDUCTOR_AUTH_SECRET"},
		"an unknown name":                   {fakeServer{version: &conductor.Error{Class: conductor.Network, Call: "version", Cause: &net.DNSError{Err: "no such host", Name: "c"}}}, "server", doctor.Fail, "no answer from https://conductor.example.com/api (lookup c: no such host)", "check the host in CONDUCTOR_SERVER_URL"},
		"a certificate that is wanted":      {fakeServer{version: &conductor.Error{Class: conductor.Network, Call: "version", Cause: &net.OpError{Op: "remote error", Err: tls.AlertError(116)}}}, "server", doctor.Fail, "certificate required", "CONDUCTOR_TLS_CLIENT_CERT"},
		"a certificate that is not trusted": {fakeServer{version: &conductor.Error{Class: conductor.Network, Call: "version", Cause: x509.UnknownAuthorityError{}}}, "server", doctor.Fail, "unknown authority", "CONDUCTOR_TLS_CA_CERT"},
		"credentials that may":              {fakeServer{}, "auth", doctor.OK, "accepts this worker", ""},
		"clocks that agree":                 {fakeServer{skew: time.Second}, "clock", doctor.OK, "agree to 1s", ""},
		"a clock behind":                    {fakeServer{skew: time.Minute}, "clock", doctor.Warn, "1m0s behind", "synchronise"},
		"a clock ahead":                     {fakeServer{skew: -time.Minute}, "clock", doctor.Warn, "1m0s ahead", "synchronise"},
		"no clock":                          {fakeServer{timeless: true}, "clock", doctor.Warn, "no Date header", "compare"},
		"secrets for strangers":             {fakeServer{listed: true}, "secrets api", doctor.Warn, "names of all secrets", "authenticating proxy"},
		"no secrets for strangers":          {fakeServer{}, "secrets api", doctor.OK, "not listed", ""},
		"no workflow":                       {fakeServer{}, "workflows", doctor.OK, "no workflow definition uses GET_SIGNED_JWT", ""},
		"a workflow":                        {known, "workflows", doctor.OK, "1 task in 1 workflow", ""},
		"metadata that may not be read":     {fakeServer{metadata: class(conductor.Forbidden, 403)}, "workflows", doctor.Warn, "could not be checked", "right to read metadata"},
		"a page in place of metadata":       {fakeServer{metadata: class(conductor.Garbled, 200)}, "workflows", doctor.Warn, "could not be checked: a page answers", "CONDUCTOR_SERVER_URL"},
		"a page in place of a queue":        {fakeServer{queue: &conductor.Error{Class: conductor.Garbled, Call: "queue size"}}, "queue", doctor.Warn, "could not be checked: the answer is not what Conductor answers", "CONDUCTOR_SERVER_URL"},
		"a server that fails for a queue":   {fakeServer{queue: class(conductor.Server, 500)}, "queue", doctor.Warn, "could not be checked: HTTP status 500", "log of the server"},
		"a limit of tasks at once":          {known.limited(model.TaskDef{ConcurrentExecLimit: 1}), "taskdef", doctor.Warn, "sign has concurrentExecLimit 1: the server hands out no more than 1 task at once", "raise the limit"},
		"a rate":                            {known.limited(model.TaskDef{RateLimitPerFrequency: 5, RateLimitFrequencyInSeconds: 60}), "taskdef", doctor.Warn, "sign has rateLimitPerFrequency 5: the server hands out no more than 5 tasks in 60 s", "raise the limit"},
		"no definition of a SIMPLE task":    {fakeServer{tasks: task("SIMPLE", "GET_SIGNED_JWT")}, "taskdef", doctor.Fail, "GET_SIGNED_JWT has no task definition: a task whose worker dies waits an hour", "taskdef apply GET_SIGNED_JWT"},
		"a definition":                      {known, "taskdef", doctor.OK, "sign: 3 retries, response timeout 30 s", ""},
		"no definition":                     {fakeServer{tasks: known.tasks}, "taskdef", doctor.Fail, "hangs forever", "taskdef apply sign"},
		"no response timeout":               {known.defined(3, 0), "taskdef", doctor.Fail, "responseTimeoutSeconds 0", "to 30"},
		"a short response timeout":          {known.defined(3, 2), "taskdef", doctor.Warn, "responseTimeoutSeconds 2", "to 30"},
		"a long response timeout":           {known.defined(3, 3600), "taskdef", doctor.Warn, "responseTimeoutSeconds 3600", "to 30"},
		"no retries":                        {known.defined(0, 30), "taskdef", doctor.Warn, "retryCount 0", "to 3"},
		"a secret that exists":              {known, "secret", doctor.OK, "k is defined", ""},
		"a secret that does not":            {uses(secretKey), "secret", doctor.Fail, "k, used by task sign_ref of workflow billing version 2, is not defined", "CONDUCTOR_SECRET_k"},
		"a secret that is listed":           {listed(known), "secret", doctor.OK, "k is defined", ""},
		"a secret that is not listed":       {listed(uses(secretKey)), "secret", doctor.Fail, "is not defined", "CONDUCTOR_SECRET_k"},
		"a server without secrets":          {fakeServer{tasks: known.tasks, defs: known.defs, secrets: class(conductor.NotFound, 404)}, "secret", doctor.Warn, "could not be checked", "has secrets"},
		"a key in a workflow":               {uses(`{"privateKey":"-----BEGIN PRIVATE KEY-----"}`), "key", doctor.Fail, "has the private key in its definition", "workflow.secrets"},
		"a key in a workflow's input":       {uses(`{"privateKey":"${workflow.input.key}"}`), "key", doctor.Warn, "stored in plain text", "keyRef"},
		"a secret in a claim":               {uses(`{"keyRef":"a","subject":"${workflow.secrets.k}"}`), "key", doctor.Warn, "puts a secret into subject", "not secret"},
		"a key that does not come":          {uses(`{"keyRef":"partner"}`), "taskdef", doctor.Fail, "sign does not list the secret partner-key in runtimeMetadata: its tasks come without the key partner", "add partner-key to runtimeMetadata"},
		"a key that comes as no secret":     {uses(`{"keyRef":"partner"}`).sending("partner-key"), "secret", doctor.Fail, "partner-key, used by task sign_ref", "CONDUCTOR_SECRET_partner-key"},
		"no key in a workflow":              {known, "key", doctor.OK, "no workflow holds", ""},
		"a queue that is polled":            {fakeServer{polled: 4 * time.Second}, "queue", doctor.OK, "0 tasks waiting, polled by w1", ""},
		"a queue that was polled":           {fakeServer{polled: time.Hour}, "queue", doctor.Warn, "last polled 1h0m0s ago", "start"},
		"a queue that no worker polls":      {fakeServer{unpolled: true}, "queue", doctor.Warn, "no worker has polled", "start"},
		"tasks that no worker polls":        {fakeServer{unpolled: true, waiting: 7}, "queue", doctor.Fail, "GET_SIGNED_JWT: 7 tasks waiting", "start"},
		"a worker in another domain":        {fakeServer{otherways: "eu", waiting: 1}, "queue", doctor.Fail, "no worker has polled", "start"},
	} {
		t.Run(name, func(t *testing.T) {
			found := examine(c.server)
			for _, f := range found {
				if f.Check == c.check && f.Level == c.level && strings.Contains(f.Found, c.says) {
					if !strings.Contains(f.Remedy, c.helps) || (f.Remedy == "") != (f.Level == doctor.OK) {
						t.Errorf("the remedy is %q", f.Remedy)
					}
					return
				}
			}
			t.Errorf("no such finding among %+v", found)
		})
	}
}

// A provider has ten seconds to answer.
func TestAResponseTimeoutHasRoomForAnExchange(t *testing.T) {
	for seconds, want := range map[int64]doctor.Level{10: doctor.Warn, 19: doctor.Warn, 20: doctor.OK, 30: doctor.OK} {
		for taskType, want := range map[string]doctor.Level{"GET_ACCESS_TOKEN": want, "GET_SIGNED_JWT": doctor.OK} {
			h := fakeServer{tasks: task(taskType, "sign")}.defined(3, seconds)
			var got doctor.Level
			for _, f := range examineWith(h, doctor.Options{TaskTypes: []string{taskType}}) {
				if f.Check == "taskdef" {
					got = f.Level
				}
			}
			if got != want {
				t.Errorf("%s with %d s: %s, want %s", taskType, seconds, got, want)
			}
		}
	}
}

// A user who registers workflows chooses how many queues there are.
func TestNumberOfQueuesIsLimited(t *testing.T) {
	h := fakeServer{unpolled: true, waiting: 1}
	for i := range 1000 {
		h.tasks = append(h.tasks, task("SIMPLE", fmt.Sprintf("GETSIGNEDJWT%d", i))...)
	}
	h.tasks = append(h.tasks, task("SIMPLE", "get_signed_jwt")...)
	found := doctor.Unpolled(t.Context(), doctor.Options{Server: h, TaskTypes: []string{"GET_SIGNED_JWT"}, Now: now}, 1<<20)
	if len(found) != 20 || !strings.Contains(fmt.Sprint(found), "queue get_signed_jwt,") {
		t.Errorf("%d findings: %v", len(found), found)
	}
}

// A task that looks like GET_SIGNED_JWT may have a queue of another name.
func TestUnpolledTasks(t *testing.T) {
	jwt := []string{"GET_SIGNED_JWT"}
	for name, row := range map[string]struct {
		server      fakeServer
		types       []string
		level       doctor.Level // of the finding about the queue; empty for none
		says, helps string
	}{
		"a SIMPLE task in place of the type": {
			fakeServer{tasks: task("SIMPLE", "get_signed_jwt"), unpolled: true},
			jwt, doctor.Warn,
			"task ref of workflow w version 1: no worker polls the queue get_signed_jwt, which tasks of type SIMPLE and name get_signed_jwt use",
			`write "type": "GET_SIGNED_JWT" in the workflow definition, or add get_signed_jwt to CONDUCTOR_JWT_TASK_TYPES`,
		},
		"a SIMPLE task of the editor's name": {
			fakeServer{tasks: task("SIMPLE", "get_signed_jwt_task_x1"), unpolled: true},
			jwt, doctor.Warn,
			"no worker polls the queue get_signed_jwt_task_x1", "add get_signed_jwt_task_x1 to",
		},
		"the type in lower case": {
			fakeServer{tasks: task("get_signed_jwt", "sign"), unpolled: true},
			jwt, doctor.Warn,
			"no worker polls the queue get_signed_jwt, which tasks of type get_signed_jwt and name sign use", `"type": "GET_SIGNED_JWT"`,
		},
		"the type with other separators": {
			fakeServer{tasks: task("Get-Signed.JWT", "sign"), unpolled: true},
			jwt, doctor.Warn,
			"no worker polls the queue Get-Signed.JWT", `"type": "GET_SIGNED_JWT"`,
		},
		"the type that is not configured": {
			fakeServer{tasks: task("GET_SIGNED_JWT", "sign"), unpolled: true},
			[]string{"get_signed_jwt"},
			doctor.Warn,
			"no worker polls the queue GET_SIGNED_JWT", "add GET_SIGNED_JWT to CONDUCTOR_JWT_TASK_TYPES",
		},
		"a task that asks for an access token": {
			fakeServer{tasks: task("GET_ACCESS_TOKEN", "get_access_token"), unpolled: true},
			jwt, doctor.Warn,
			"no worker polls the queue GET_ACCESS_TOKEN", "add GET_ACCESS_TOKEN to CONDUCTOR_JWT_TASK_TYPES",
		},
		"a SIMPLE task that asks for an access token": {
			fakeServer{tasks: task("SIMPLE", "get-access-token"), unpolled: true},
			[]string{"GET_SIGNED_JWT", "GET_ACCESS_TOKEN"},
			doctor.Warn,
			"no worker polls the queue get-access-token", `write "type": "GET_ACCESS_TOKEN"`,
		},
		"tasks wait there": {fakeServer{tasks: task("SIMPLE", "get_signed_jwt"), unpolled: true, waiting: 3}, jwt, doctor.Fail, "; 3 tasks waiting", "add get_signed_jwt"},
		"the type itself, of a workflow that is not stored": {fakeServer{unpolled: true, waiting: 2}, []string{"get_signed_jwt"}, doctor.Fail, "no worker polls the queue GET_SIGNED_JWT; 2 tasks waiting", "add GET_SIGNED_JWT to"},
		"its lower case, of a workflow that is not stored":  {fakeServer{unpolled: true, waiting: 1, metadata: class(conductor.Forbidden, 403)}, jwt, doctor.Fail, "no worker polls the queue get_signed_jwt; 1 task waiting", `"type": "GET_SIGNED_JWT"`},
		"another type of that name":                         {fakeServer{tasks: task("HTTP", "get_signed_jwt"), unpolled: true}, jwt, "", "", ""},
		"a type that only begins alike":                     {fakeServer{tasks: task("GET_SIGNED_URL", "sign"), unpolled: true}, jwt, "", "", ""},
		"queues that no workflow uses":                      {fakeServer{unpolled: true}, []string{"sign"}, "", "", ""},
		"another worker polled it long ago":                 {fakeServer{tasks: task("SIMPLE", "get_signed_jwt"), polled: time.Hour}, jwt, doctor.Warn, "no worker polls", "add"},
		"another worker polls it":                           {fakeServer{tasks: task("SIMPLE", "get_signed_jwt")}, jwt, "", "", ""},
		"a SIMPLE task of the type's name":                  {fakeServer{tasks: task("SIMPLE", "GET_SIGNED_JWT"), unpolled: true}, jwt, "", "", ""},
		"a SIMPLE task of a configured type":                {fakeServer{tasks: task("SIMPLE", "sign"), unpolled: true}, []string{"sign"}, "", "", ""},
		"the type, whatever the task is named":              {fakeServer{tasks: task("GET_SIGNED_JWT", "get_signed_jwt"), unpolled: true}, jwt, "", "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			var got []doctor.Finding
			for _, f := range examineWith(row.server, doctor.Options{TaskTypes: row.types}) {
				if strings.Contains(f.Found, "no worker polls") {
					got = append(got, f)
				}
			}
			switch {
			case row.level == "" && len(got) > 0:
				t.Errorf("found %+v", got)
			case row.level != "" && (len(got) != 1 || got[0].Level != row.level || !strings.Contains(got[0].Found, row.says) || !strings.Contains(got[0].Remedy, row.helps)):
				t.Errorf("found %+v, want %s, %q, %q", got, row.level, row.says, row.helps)
			}
		})
	}
}

func failed(found []doctor.Finding) bool {
	return slices.ContainsFunc(found, func(f doctor.Finding) bool { return f.Level == doctor.Fail })
}

// Before the first start of the worker there is no definition.
func TestMissingDefinitionThatTheWorkerRegisters(t *testing.T) {
	h := fakeServer{tasks: task("GET_SIGNED_JWT", "sign")}
	if found := examineWith(h, doctor.Options{Registers: true}); failed(found) {
		t.Errorf("found %+v", found)
	}
	if found := examineWith(h, doctor.Options{}); !failed(found) {
		t.Errorf("where it is not registered, found %+v", found)
	}
}

func TestReasonsNameNoInternals(t *testing.T) {
	refused := &conductor.Error{Class: conductor.Network, Call: "version", Cause: errors.New("dial tcp 127.0.0.1:1: connect: connection refused")}
	for _, h := range []fakeServer{{version: refused}, {queue: refused}, {metadata: refused}, {version: class(conductor.NotFound, 404)}} {
		for _, f := range examine(h) {
			for _, inner := range []string{"version:", "network:", "not_found", "garbled"} {
				if strings.Contains(f.Found, inner) {
					t.Errorf("%q says %s", f.Found, inner)
				}
			}
		}
	}
}

func TestUnreachableServerEndsTheRun(t *testing.T) {
	found := examine(fakeServer{version: class(conductor.Network, 0)})
	if len(found) != 1 || !failed(found) {
		t.Errorf("found %+v", found)
	}
}

func TestWarningIsNoFailure(t *testing.T) {
	if found := examine(fakeServer{listed: true}); failed(found) {
		t.Errorf("found %+v", found)
	}
}

func TestNamesAreEscaped(t *testing.T) {
	h := uses(`{"privateKey":"${workflow.secrets.\u001b[31m; rm -rf}"}`)
	for _, f := range examine(h) {
		if strings.ContainsAny(f.Found+f.Remedy, "\x1b\n") || strings.Contains(f.Remedy, ";") {
			t.Errorf("shown as %q, %q", f.Found, f.Remedy)
		}
	}
}

// A user copies the remedy into a shell.
func TestRemedyIsSafeInAShell(t *testing.T) {
	for _, name := range []string{"$(touch x)", "`touch x`", "a b", "--tls-insecure-skip-verify", `"; touch x; "`, ""} {
		h := uses(`{"keyRef":"a"}`)
		h.tasks[0].Name = name
		for _, f := range examine(h) {
			if f.Check == "taskdef" && f.Remedy != "run `conductor-jwt taskdef apply`" {
				t.Errorf("%q: %s", name, f.Remedy)
			}
		}
	}
}

func TestKeyInAWorkflowIsNotPrinted(t *testing.T) {
	for _, f := range examine(uses(`{"privateKey":"the-key-itself"}`)) {
		if strings.Contains(f.Found+f.Remedy, "the-key-itself") {
			t.Errorf("the key is shown: %+v", f)
		}
	}
}
