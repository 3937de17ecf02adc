package conductor

import (
	"bytes"
	"fmt"
	"net/http"
	"slices"
	"strings"
)

// Limits of the file of headers: gateways refuse more.
const (
	maxHeaders     = 32
	maxHeaderBytes = 16 << 10
)

// readHeaders reads the headers that are added to every request, for a gateway in
// front of Conductor. The file has one "Name: value" on each line; blank lines
// and lines that begin with # are ignored. The values are secrets.
func readHeaders(file string) (*http.Header, error) {
	if file == "" {
		return &http.Header{}, nil
	}
	text, err := readText(settingHeaders, file)
	if err != nil {
		return nil, err
	}
	if len(text) > maxHeaderBytes {
		return nil, unusable(settingHeaders, "the file is over 16 KiB; gateways refuse such headers")
	}
	list := http.Header{}
	number := 0
	for line := range bytes.Lines(text) {
		number++
		line := strings.TrimRight(string(line), "\r\n")
		if strings.TrimSpace(line) == "" || strings.HasPrefix(line, "#") {
			continue
		}
		name, value, reason := splitHeader(line)
		if reason == "" && list[name] != nil {
			reason = "repeats the name of an earlier line; keep one"
		}
		if reason != "" {
			return nil, unusable(settingHeaders, fmt.Sprintf("line %d %s", number, reason))
		}
		list[name] = []string{value}
	}
	switch {
	case len(list) == 0:
		return nil, unusable(settingHeaders, "the file holds no header; write Name: value")
	case len(list) > maxHeaders:
		return nil, unusable(settingHeaders, fmt.Sprintf("the file holds more than %d headers", maxHeaders))
	}
	return &list, nil
}

// splitHeader parses a line. The reason says what is wrong with it.
func splitHeader(line string) (name, value, reason string) {
	name, value, colon := strings.Cut(line, ":")
	value = strings.Trim(value, " \t")
	switch {
	case line[0] == ' ' || line[0] == '\t':
		return "", "", "begins with a space; write each header on one line"
	case !colon:
		return "", "", "has no colon; write Name: value"
	case !isToken(name):
		return "", "", "has no valid name before its colon; write Name: value"
	case value == "":
		return "", "", "has no value after its colon; write one, or remove the line"
	case strings.ContainsFunc(value, func(r rune) bool { return r < ' ' && r != '\t' || r > '~' }): // RFC 9110 §5.5
		return "", "", "holds a character that no header may hold; write ASCII"
	}
	name = http.CanonicalHeaderKey(name)
	if slices.Contains(reservedHeaders(), name) {
		return "", "", fmt.Sprintf("sets %s, which the worker or its connection sets itself; remove it", name)
	}
	return name, value, ""
}

// isToken reports whether text is a token of RFC 9110 §5.6.2.
func isToken(text string) bool {
	return text != "" && strings.Trim(text, "!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ") == ""
}

// reservedHeaders are those of one connection (RFC 9110 §7.6.1), those that
// frame a message, and those that the client sets itself.
func reservedHeaders() []string {
	return []string{
		"Connection", "Keep-Alive", "Proxy-Connection", "Proxy-Authenticate", "Proxy-Authorization",
		"Proxy-Authentication-Info", "Te", "Trailer", "Transfer-Encoding", "Upgrade", "Http2-Settings",
		"Host", "Content-Length", "Content-Type", "Content-Encoding", "Content-Range", "Expect", "Range",
		"Accept", "Accept-Encoding", "User-Agent", "X-Authorization", "Idempotency-Key", "X-Idempotency-Key",
	}
}
