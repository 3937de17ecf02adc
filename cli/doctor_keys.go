package cli

import (
	"context"
	"fmt"
	"strings"
	"time"

	"conductor-jwt/config"
	"conductor-jwt/doctor"
	"conductor-jwt/keyring"
)

// keyFindings reads the policy and asks every key store once, as the worker
// does at its start. Delivered are the keys that come with tasks, by name.
func keyFindings(ctx context.Context, env Env, c *config.Loaded) (found []doctor.Finding, delivered map[string]string) {
	if c.Policy == "" {
		none := doctor.Finding{Check: "policy", Level: doctor.OK, Found: "there is none: keys come with the tasks"}
		return append([]doctor.Finding{none}, fileFindings(env, c, nil)...), nil
	}
	p, ring, err := openRing(ctx, env, c)
	if err != nil {
		return []doctor.Finding{{
			Check: "policy", Level: doctor.Fail, Found: firstLine(err),
			Remedy: "run `" + program + " config validate`, which shows every mistake with its line",
		}}, nil
	}
	found, delivered = []doctor.Finding{{Check: "policy", Level: doctor.OK, Found: shown(c.Policy) + " is valid"}}, map[string]string{}
	for _, s := range ring.Status() {
		found = append(found, keyFinding(s))
		if s.Delivered != "" {
			delivered[s.Name] = s.Delivered
		}
	}
	return append(found, fileFindings(env, c, p)...), delivered
}

func keyFinding(s keyring.Status) doctor.Finding {
	f := doctor.Finding{Check: "named key", Level: doctor.OK}
	switch {
	case s.Delivered != "":
		f.Found = s.Name + " comes with each task, as the secret " + s.Delivered
	case len(s.Versions) == 0 && !s.Refreshed.IsZero():
		f.Level, f.Found = doctor.Fail, "every version of "+s.Name+" is revoked"
		f.Remedy = "list one that is not, or take the key out of the policy file; tasks with it fail"
	case len(s.Versions) == 0:
		f.Level, f.Found = doctor.Fail, s.Name+" is not there: its key store could not be asked"
		f.Remedy = "check the store's address and the worker's login to it; tasks with this key wait for it"
	default:
		var states []string
		for _, v := range s.Versions {
			states = append(states, versionFound(v))
		}
		f.Found = s.Name + ": " + strings.Join(states, "; ")
	}
	return f
}

// versionFound names a version by its key id, and says since when it is there.
func versionFound(v keyring.VersionStatus) string {
	text := fmt.Sprintf("%s %s %s", v.State, v.Algorithm, escape(v.KeyID))
	day := func(word string, at time.Time) {
		if !at.IsZero() {
			text += ", " + word + " " + at.UTC().Format(time.DateOnly)
		}
	}
	day("since", v.Since())
	day("published until", v.Until)
	return text
}
