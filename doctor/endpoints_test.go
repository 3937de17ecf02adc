package doctor_test

import (
	"context"
	"fmt"
	"testing"

	"conductor-jwt/doctor"
)

func TestEndpoints(t *testing.T) {
	connect := func(_ context.Context, e doctor.Endpoint) string {
		if e.Of == "box" || e.Listed {
			return "no answer in time"
		}
		return ""
	}
	got := doctor.Endpoints(t.Context(), connect, []doctor.Endpoint{
		{URL: "https://api.box.com/oauth2/token", Of: "box"},
		{URL: "https://oauth2.googleapis.com/token", Of: "google-service-account"},
		{URL: "https://keycloak.corp.example/", Listed: true},
	})
	want := []doctor.Finding{
		{Check: "endpoint", Level: doctor.Warn, Found: "api.box.com, the token endpoint of box, cannot be reached: no answer in time", Remedy: "permit the worker to connect to it, if tasks use it"},
		{Check: "endpoint", Level: doctor.Warn, Found: "keycloak.corp.example, which the policy lists, cannot be reached: no answer in time", Remedy: "permit the worker to connect to it, if tasks use it"},
		{Check: "endpoint", Level: doctor.OK, Found: "1 of 3 token endpoints can be reached"},
	}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("%v\nwant %v", got, want)
	}
	if got := doctor.Endpoints(t.Context(), connect, nil); len(got) != 0 {
		t.Errorf("without an endpoint: %v", got)
	}
}
