package fault_test

import (
	"context"
	"errors"
	"io"
	"testing"

	"conductor-jwt/internal/fault"
)

func TestAnErrorNamesItsFieldAndTheNextStep(t *testing.T) {
	names := map[string]string{fault.Password: "privateKeyPassword"}
	for _, c := range []struct {
		err           fault.Error
		text, message string
	}{
		{fault.Error{Found: "no key"}, "no key", "no key"},
		{fault.Error{Field: "exp", Found: "a string", Hint: "write a number"}, "exp: a string; write a number", "a string; write a number"},
		{
			fault.Error{Field: fault.Key, Found: "an encrypted PKCS#8 key", Hint: "set " + fault.Password + "; {else} stays"},
			"key: an encrypted PKCS#8 key; set password; {else} stays",
			"an encrypted PKCS#8 key; set privateKeyPassword; {else} stays",
		},
	} {
		if got := c.err.Error(); got != c.text {
			t.Errorf("Error() = %q, want %q", got, c.text)
		}
		if got := c.err.Message(names); got != c.message {
			t.Errorf("Message() = %q, want %q", got, c.message)
		}
	}
}

func TestAnErrorIsItsReasonAndItsCause(t *testing.T) {
	reason := errors.New("unavailable")
	err := error(&fault.Error{Reason: reason, Cause: context.Canceled})
	if !errors.Is(err, reason) || !errors.Is(err, context.Canceled) || errors.Is(&fault.Error{Reason: reason}, context.Canceled) {
		t.Error("Unwrap does not return the reason and the cause")
	}
}

func TestInSetsTheFieldOnce(t *testing.T) {
	err := fault.In("header", fault.In("payload", &fault.Error{Reason: io.EOF, Found: "x"}))
	if err.Error() != "payload: x" || !errors.Is(err, io.EOF) {
		t.Errorf("err = %v", err)
	}
	if err := fault.In("header", io.EOF); !errors.Is(err, io.EOF) || err.Error() != io.EOF.Error() {
		t.Error("In changed an error of another type")
	}
}
