package conductor_test

import (
	"errors"
	"strings"
	"testing"

	"conductor-jwt/conductor"
	"conductor-jwt/internal/secret"
)

func TestNormalizeURL(t *testing.T) {
	cases := map[string]string{
		"http://localhost:8080":           "http://localhost:8080/api",
		"http://localhost:8080/":          "http://localhost:8080/api",
		"http://localhost:8080/api":       "http://localhost:8080/api",
		"http://localhost:8080/api/":      "http://localhost:8080/api",
		" http://localhost:8080/api// ":   "http://localhost:8080/api",
		"https://host/conductor":          "https://host/conductor/api",
		"https://host/conductor/api":      "https://host/conductor/api",
		"https://host/a%2Fb/":             "https://host/a%2Fb/api",
		"HTTPS://host":                    "https://host/api",
		"http://[::1]:8080":               "http://[::1]:8080/api",
		"https://host/apis":               "https://host/apis/api",
		"http://user:canary@host":         "",
		"http://canary@host":              "",
		"http://host?canary":              "",
		"http://host?":                    "",
		"http://host#canary":              "",
		"localhost:8080":                  "",
		"canary":                          "",
		"":                                "",
		"ftp://canary":                    "",
		"http://":                         "",
		"http://:8080":                    "",
		"http://host:canary":              "",
		"http://user:canary\x7f@host/%zz": "",
	}
	for in, want := range cases {
		got, err := conductor.NormalizeURL(in)
		if got != want || (err == nil) != (want != "") {
			t.Errorf("%q gives %q, %v, want %q", in, got, err, want)
		}
		if err != nil && (!errors.Is(err, conductor.ErrURL) || strings.Contains(err.Error(), "canary")) {
			t.Errorf("%q gives the error %v", in, err)
		}
	}
}

func FuzzNormalizeURL(f *testing.F) {
	f.Add("http://localhost:8080/api/")
	f.Add("https://u:p@h/?q#f")
	f.Fuzz(func(t *testing.T, in string) {
		once, err := conductor.NormalizeURL(in)
		if err != nil {
			return
		}
		twice, err := conductor.NormalizeURL(once)
		if err != nil || once != twice {
			t.Errorf("%q gives %q, then %q, %v", in, once, twice, err)
		}
	})
}

func TestCleartext(t *testing.T) {
	for in, want := range map[string]bool{
		"http://localhost:8080/api": false, "http://127.0.0.2/api": false, "http://[::1]/api": false,
		"http://[::ffff:127.0.0.1]/api": false, "http://a.localhost/api": false,
		"https://host/api": false, "http://host/api": true, "http://10.0.0.1/api": true, "http://localhost.evil/api": true,
	} {
		if got := conductor.Cleartext(in); got != want {
			t.Errorf("%s: %v", in, got)
		}
	}
}

func TestInvalidOptions(t *testing.T) {
	ok := "http://localhost:1"
	cases := map[string]struct {
		options conductor.Options
		want    error
	}{
		"no url":                     {conductor.Options{}, conductor.ErrURL},
		"a proxy that is no url":     {conductor.Options{BaseURL: ok, Proxy: secret.New("http://u:canary@%zz")}, conductor.ErrProxy},
		"a proxy of another scheme":  {conductor.Options{BaseURL: ok, Proxy: secret.New("canary://u:canary@h")}, conductor.ErrProxy},
		"a proxy variable of no url": {conductor.Options{BaseURL: "http://host", Getenv: env("HTTP_PROXY", "http://u:canary@%zz")}, conductor.ErrProxy},
		"a ca file that is missing":  {conductor.Options{BaseURL: ok, CAFile: t.TempDir() + "/none.pem"}, conductor.ErrFile},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			_, err := newClient(c.options)
			if !errors.Is(err, c.want) {
				t.Errorf("the error is %v, want %v", err, c.want)
			}
			if err != nil && strings.Contains(err.Error(), "canary") {
				t.Errorf("the error repeats the value: %v", err)
			}
		})
	}
}

func env(name, value string) func(string) string {
	return func(n string) string {
		if n == name {
			return value
		}
		return ""
	}
}
