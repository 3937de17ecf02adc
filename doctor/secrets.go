package doctor

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"conductor-jwt/conductor"
)

// secretsAPI asks for the names of the secrets without credentials. A server that
// lists them protects nothing else either.
func secretsAPI(ctx context.Context, o Options) Finding {
	anonymous := o.Anonymous
	if anonymous == nil {
		anonymous = o.Server
	}
	_, listed, err := anonymous.SecretNames(ctx)
	switch {
	case err != nil:
		return warn("secrets api", "could not be checked: "+reason(err), "request /api/secrets without credentials; the server must refuse it")
	case listed:
		return warn("secrets api", "/api/secrets answers without credentials: anyone who reaches the API can read the names of all secrets, in some versions their values, and can sign with any of them",
			"put an authenticating proxy before the API, and let only workers and operators reach it")
	default:
		return ok("secrets api", "secrets are not listed without credentials")
	}
}

// secrets checks that the secrets that workflows name exist. It reads none.
func secrets(ctx context.Context, o Options, tasks []surveyedTask) []Finding {
	users := map[string]string{}
	for _, t := range tasks {
		for _, name := range t.Secrets {
			users[name] = where(t.WorkflowTask)
		}
		if name, comes := o.Delivered[t.KeyRef]; comes {
			users[name] = where(t.WorkflowTask)
		}
	}
	if len(users) == 0 {
		return nil
	}
	var found []Finding
	exist := existence(ctx, o.Server)
	for _, name := range slices.Sorted(maps.Keys(users)) {
		exists, err := exist(name)
		switch {
		case err != nil:
			return append(found, secretUnknown(err))
		case !exists:
			found = append(found, fail("secret", fmt.Sprintf("%s, used by %s, is not defined", quote(name), users[name]),
				"start the server with CONDUCTOR_SECRET_"+plain(name)+" set, or correct the name in the workflow"))
		default:
			found = append(found, ok("secret", quote(name)+" is defined"))
		}
	}
	return found
}

func secretUnknown(err error) Finding {
	f := unknown("secret", err, "read the names of secrets")
	if e, is := errors.AsType[*conductor.Error](err); is && e.Class == conductor.NotFound {
		f.Remedy = "check whether this server has secrets; older versions have none"
	}
	return f
}

// existence returns a function that reports whether a secret exists. It asks for
// all names at once or, on servers without such a list, for each one.
func existence(ctx context.Context, s Server) func(name string) (bool, error) {
	names, listed, err := s.SecretNames(ctx)
	if err != nil || !listed {
		return func(name string) (bool, error) { return s.SecretExists(ctx, name) }
	}
	return func(name string) (bool, error) { return slices.Contains(names, name), nil }
}
