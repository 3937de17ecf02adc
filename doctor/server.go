package doctor

import (
	"context"
	"errors"
	"fmt"
	"time"

	"conductor-jwt/conductor"
)

// server checks that the server answers and that the worker has its permissions.
func server(ctx context.Context, o Options) []Finding {
	version, err := o.Server.Version(ctx)
	if err != nil {
		return []Finding{unreachable(o, err)}
	}
	found := []Finding{ok("server", fmt.Sprintf("%s answers, version %s", o.Server.BaseURL(), version))}
	if conductor.Cleartext(o.Server.BaseURL()) {
		found = append(found, warn("server", "the connection is plain HTTP: tasks carry private keys, which anyone on the network path can read",
			"use HTTPS, or a private network"))
	}
	for _, taskType := range o.TaskTypes {
		// Some servers give their version without a permission.
		if _, err := o.Server.QueueSize(ctx, taskType, o.Domain); err != nil && refused(err) {
			return append(found, unreachable(o, err))
		}
	}
	return append(found, ok("auth", "the API accepts this worker"))
}

func unreachable(o Options, err error) Finding {
	url := o.Server.BaseURL()
	e, is := errors.AsType[*conductor.Error](err)
	if !is {
		return fail("server", "no answer from "+url, "check CONDUCTOR_SERVER_URL")
	}
	why := " (" + reason(e) + ")"
	switch e.Class {
	case conductor.Unauthorized:
		return unauthorized(o, e)
	case conductor.Forbidden:
		return forbidden(o, e)
	case conductor.NotFound, conductor.Garbled, conductor.Rejected:
		return fail("server", "something at "+url+" answers, but it is not Conductor's API"+why,
			"set CONDUCTOR_SERVER_URL to the API's address, such as http://conductor:8080/api")
	case conductor.Throttled, conductor.Server:
		return fail("server", "the server answers with an error"+why, "look at the server's own log, then try again")
	}
	remedy := e.Hint()
	if e.Trouble() == conductor.Trouble(conductor.Network) {
		remedy = "check the address in CONDUCTOR_SERVER_URL, that the server runs, and that this machine may reach it"
	}
	return fail("server", "no answer from "+url+why, remedy)
}

func unauthorized(o Options, e *conductor.Error) Finding {
	switch {
	case e.GrantsNoTokens():
		return fail("auth", "credentials are set, but the server has no authentication ("+reason(e)+")", e.Hint())
	case o.Anonymous == nil:
		return fail("auth", "the server requires credentials, and none are set ("+reason(e)+")", e.Hint())
	}
	return fail("auth", "the server refuses the credentials ("+reason(e)+")",
		"set CONDUCTOR_AUTH_KEY and CONDUCTOR_AUTH_SECRET to a key that the server knows and that has not expired; where a gateway asks for a header, check CONDUCTOR_HEADERS_FILE")
}

func forbidden(o Options, e *conductor.Error) Finding {
	found := "the credentials are valid, but lack a right"
	if o.Anonymous == nil {
		found = "the server forbids this to a worker without credentials"
	}
	return fail("auth", found+" ("+reason(e)+")", e.Hint())
}

// maxSkew is the accepted difference of the clocks: many verifiers allow a
// minute, some none, and the Date header is precise to a second.
const maxSkew = 5 * time.Second

func clock(o Options) Finding {
	skew, known := o.Server.Skew()
	switch {
	case !known:
		return warn("clock", "the server sends no Date header", "compare the clocks of this machine and of the server")
	case skew.Abs() <= maxSkew:
		return ok("clock", fmt.Sprintf("this machine and the server agree to %v", max(skew.Abs(), time.Second)))
	case skew > 0:
		return warn("clock", fmt.Sprintf("this machine is %v behind the server: tokens may be expired when they are issued", skew),
			"synchronise both clocks, for example with NTP")
	default:
		return warn("clock", fmt.Sprintf("this machine is %v ahead of the server: verifiers may refuse new tokens as not yet valid", -skew),
			"synchronise both clocks, for example with NTP")
	}
}
