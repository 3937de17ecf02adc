package main

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4"

	"conductor-jwt/test/conductorjar"
)

// tokenOf returns the token in the output of the workflow's task.
func tokenOf(workflow conductorjar.Workflow) (string, error) {
	task, _ := workflow.Last("get_signed_jwt_ref")
	var output struct {
		Token string `json:"token"`
	}
	if err := json.Unmarshal(task.Output, &output); err != nil || output.Token == "" {
		return "", errors.New("the task's output has no token")
	}
	return output.Token, nil
}

// show prints the token, its header and claims, and verifies it.
func (d *demo) show(workflow conductorjar.Workflow) error {
	token, err := tokenOf(workflow)
	if err != nil {
		return err
	}
	d.screen.title("token", "output.token of the task get_signed_jwt_ref")
	for _, line := range d.coloured(token, 96) {
		d.screen.line("  " + line)
	}
	// With another library than the one that signed.
	signed, err := jose.ParseSignedCompact(token, []jose.SignatureAlgorithm{jose.RS256})
	if err != nil {
		return fmt.Errorf("go-jose does not read the token: %w", err)
	}
	payload, err := signed.Verify(d.key.Public())
	if err != nil {
		return fmt.Errorf("go-jose does not verify the token: %w", err)
	}
	header, err := base64.RawURLEncoding.DecodeString(token[:strings.IndexByte(token, '.')])
	if err != nil {
		return err
	}
	d.screen.title("header", "")
	d.screen.line(d.screen.paint(red, indent(pretty(header))))
	d.screen.title("claims", "")
	d.screen.line(d.screen.paint(blue, indent(pretty(payload))))
	return d.verdict(payload)
}

// coloured splits the token into lines and colours its three parts.
func (d *demo) coloured(token string, width int) []string {
	colours := []string{red, blue, green}
	part := 0
	var lines []string
	for _, line := range wrap(token, width) {
		var b strings.Builder
		for i, piece := range strings.Split(line, ".") {
			if i > 0 {
				b.WriteString(".")
				part++
			}
			b.WriteString(d.screen.paint(colours[min(part, 2)], piece))
		}
		lines = append(lines, b.String())
	}
	return lines
}

// verdict checks the claims against the workflow's input.
func (d *demo) verdict(payload []byte) error {
	var claims struct {
		Subject  string `json:"sub"`
		Issuer   string `json:"iss"`
		Audience string `json:"aud"`
		Scope    string `json:"scope"`
		IssuedAt int64  `json:"iat"`
		Expires  int64  `json:"exp"`
	}
	if err := json.Unmarshal(payload, &claims); err != nil {
		return errors.New("the claims have unexpected types")
	}
	if claims.Subject != subject || claims.Issuer != issuer || claims.Audience != audience || claims.Scope != scope {
		return errors.New("the claims differ from the workflow's input")
	}
	expires := time.Unix(claims.Expires, 0)
	if claims.Expires-claims.IssuedAt != 3600 || time.Until(expires) <= 0 {
		return errors.New("the token does not expire one hour after it was issued")
	}
	tick := d.screen.paint(green, "✓")
	d.screen.title("verified", "by go-jose, which did not sign it")
	d.screen.line("  " + tick + " RS256 signature, with the public key")
	d.screen.line("  " + tick + " iss, sub, aud and scope are the workflow's input; exp is iat + ttlInSecond, 3600")
	return nil
}
