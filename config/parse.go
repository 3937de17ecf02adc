package config

import (
	"net"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"

	"conductor-jwt/internal/secret"
)

// parse reads v into place, which is a pointer to the setting's value. It returns
// what is wrong with v, or "".
func parse(s Setting, place any, v value) string {
	switch place := place.(type) {
	case *secret.Text:
		*place = secret.New(v.text)
		if s.Kind == Proxy {
			return checkURL(s, v)
		}
		return ""
	case *string:
		return parseText(s, place, v)
	case *[]string:
		*place = v.list
		if v.list == nil {
			*place = splitList(v.text)
		}
		return ""
	case *bool:
		return parseSwitch(place, v.text)
	case *int:
		return parseCount(s, place, v.text)
	case *time.Duration:
		return parseDuration(s, place, v.text)
	}
	return "the type of the setting is unknown to the program; report it"
}

// isInvisible reports whether a character is one that is copied unseen: a
// zero-width space, a no-break space, a byte order mark.
func isInvisible(r rune) bool { return !unicode.IsPrint(r) }

func parseText(s Setting, place *string, v value) string {
	if strings.ContainsFunc(v.text, func(r rune) bool { return r < ' ' || r == 0x7f }) {
		return "the value holds a control character; write it on one line"
	}
	if v.text != strings.TrimSpace(v.text) {
		return "the value begins or ends with a space; remove the space"
	}
	if strings.ContainsFunc(v.text, isInvisible) {
		return "the value holds an invisible character; type the value again"
	}
	*place = v.text
	switch s.Kind {
	case Path:
		if v.text == "" { // --policy "$POLICY" without that variable
			return "the value is empty; name a file, or leave the setting out"
		}
	case Choice:
		return parseChoice(s, place)
	case URL:
		return checkURL(s, v)
	case Address:
		if v.text == Off {
			*place = ""
			return ""
		}
		return checkAddress(v.text)
	}
	return ""
}

// parseChoice accepts LOG_LEVEL and LOG_FORMAT in any case: other programs share
// them, and some write INFO, or warning.
func parseChoice(s Setting, place *string) string {
	if !strings.HasPrefix(s.Env, sdkPrefix) {
		*place = strings.ToLower(*place)
	}
	if s.Name == settingLogLevel && *place == "warning" {
		*place = "warn"
	}
	if !slices.Contains(s.Choices, *place) {
		return "the value must be one of " + strings.Join(s.Choices, ", ")
	}
	return ""
}

func splitList(text string) []string {
	var list []string
	for element := range strings.SplitSeq(text, ",") {
		if element = strings.TrimSpace(element); element != "" {
			list = append(list, element)
		}
	}
	return list
}

func parseSwitch(place *bool, text string) string {
	b, err := strconv.ParseBool(text)
	if err != nil {
		return "the value must be true or false"
	}
	*place = b
	return ""
}

func parseCount(s Setting, place *int, text string) string {
	bounds := "set " + s.bounds()
	if text == "" || strings.Trim(text, "0123456789") != "" {
		return "the value is not a whole number; " + bounds
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil || n < s.Min || n > s.Max {
		return "the number is out of range; " + bounds
	}
	*place = int(n)
	return ""
}

func parseDuration(s Setting, place *time.Duration, text string) string {
	d, err := time.ParseDuration(text)
	switch {
	case err != nil && text != "" && strings.Trim(text, "0123456789.") == "":
		return "the duration has no unit; write it as 30s, 5m or 1h30m"
	case err != nil:
		return "the value is not a duration; write it as 30s, 5m or 1h30m"
	case d < time.Duration(s.Min):
		return "the duration is too short; set " + short(s.Min) + " or more"
	case d > time.Duration(s.Max):
		return "the duration is too long; set " + short(s.Max) + " or less"
	}
	*place = d
	return ""
}

// short writes a duration without its zero parts: 5s, 24h, 0s.
func short(nanoseconds int64) string {
	text := time.Duration(nanoseconds).String()
	if strings.HasSuffix(text, "m0s") {
		text = strings.TrimSuffix(text, "0s")
	}
	if strings.HasSuffix(text, "h0m") {
		text = strings.TrimSuffix(text, "0m")
	}
	return text
}

// parseURL accepts a proxy without a scheme, as curl and net/http do.
func parseURL(s Setting, text string) (*url.URL, error) {
	if s.Kind == Proxy && !strings.Contains(text, "://") {
		text = "http://" + text
	}
	return url.Parse(text)
}

// checkURL refuses what would be misread later. It does not repeat the parser's
// message, which quotes the URL and may so print a password.
func checkURL(s Setting, v value) string {
	schemes := []string{"http", "https"}
	if s.Kind == Proxy {
		schemes = append(schemes, "socks5", "socks5h")
	}
	if v.text == "" {
		return ""
	}
	u, err := parseURL(s, v.text)
	switch {
	case err != nil || u.Opaque != "" || !slices.Contains(schemes, u.Scheme):
		return "the value is not a URL; begin it with " + strings.Join(schemes, ":// or ") + "://"
	case u.Hostname() == "":
		return "the URL has no host; write scheme://host:port"
	case u.RawQuery != "" || u.Fragment != "":
		return "the URL has a query or a fragment; end it after the path"
	case u.User == nil:
		return ""
	case s.Name == "ui_url":
		return "the URL has a user name; remove the user name"
	case s.Kind != Proxy:
		return "the URL has a user name; set auth_key and auth_secret instead, or headers_file for a gateway"
	case v.at.Source == FromFlag:
		return "the URL has a user name, which every user of this machine can read in a flag; set " + s.Env
	}
	return ""
}

func checkAddress(text string) string {
	const form = "the value is not an address; write host:port, :port or off"
	_, port, err := net.SplitHostPort(text)
	if err != nil {
		return form
	}
	if n, err := strconv.ParseUint(port, 10, 16); err != nil || strconv.FormatUint(n, 10) != port {
		return form
	}
	return ""
}

// shown returns the effective value as text, without secrets.
func shown(s Setting, c *Config) string {
	switch place := s.field(c).(type) {
	case *secret.Text:
		return shownSecret(s, *place)
	case *string:
		if s.Kind == Address && *place == "" {
			return Off
		}
		return *place
	case *[]string:
		return strings.Join(*place, ",")
	case *bool:
		return strconv.FormatBool(*place)
	case *int:
		return strconv.Itoa(*place)
	case *time.Duration:
		return short(int64(*place))
	}
	return ""
}

// shownSecret shows a proxy without its password, and nothing of other secrets.
func shownSecret(s Setting, text secret.Text) string {
	if text.IsZero() {
		return ""
	}
	if s.Kind == Proxy {
		if u, err := parseURL(s, text.Reveal()); err == nil {
			return u.Redacted()
		}
	}
	return secret.Redacted
}
