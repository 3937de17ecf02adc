//go:build cgo

package pkcs11

import (
	"errors"

	"github.com/miekg/pkcs11"

	"conductor-jwt/internal/fault"
	"conductor-jwt/keys"
)

func is(err error, code uint) bool {
	found, ok := errors.AsType[pkcs11.Error](err)
	return ok && uint(found) == code
}

// stale reports whether err says that what we hold of the token is no more: it
// was unplugged, set up again, or its daemon began anew. Finding everything
// again may help.
func stale(err error) bool {
	found, _ := errors.AsType[pkcs11.Error](err)
	switch uint(found) {
	case pkcs11.CKR_OBJECT_HANDLE_INVALID, pkcs11.CKR_KEY_HANDLE_INVALID, pkcs11.CKR_SESSION_HANDLE_INVALID, pkcs11.CKR_SESSION_CLOSED,
		pkcs11.CKR_TOKEN_NOT_PRESENT, pkcs11.CKR_TOKEN_NOT_RECOGNIZED, pkcs11.CKR_DEVICE_ERROR, pkcs11.CKR_DEVICE_REMOVED,
		pkcs11.CKR_CRYPTOKI_NOT_INITIALIZED, pkcs11.CKR_USER_NOT_LOGGED_IN, pkcs11.CKR_SLOT_ID_INVALID, pkcs11.CKR_OPERATION_ACTIVE:
		return true
	}
	return false
}

// storeError puts a return value into our words. What is not about the device is
// about the key, and the next try will not fare better.
func storeError(err error) error {
	if e, ok := errors.AsType[*fault.Error](err); ok {
		return e
	}
	found, ok := errors.AsType[pkcs11.Error](err)
	if !ok || stale(err) {
		return keys.Unavailable("a token that cannot be used", "look at the device")
	}
	switch uint(found) {
	case pkcs11.CKR_GENERAL_ERROR, pkcs11.CKR_HOST_MEMORY, pkcs11.CKR_DEVICE_MEMORY, pkcs11.CKR_FUNCTION_FAILED, pkcs11.CKR_SESSION_COUNT:
		return keys.Unavailable("a token that failed", "look at the device")
	case pkcs11.CKR_PIN_INCORRECT, pkcs11.CKR_PIN_LOCKED, pkcs11.CKR_PIN_EXPIRED, pkcs11.CKR_PIN_LEN_RANGE, pkcs11.CKR_PIN_INVALID:
		return keys.Refused("a pin that the token does not take", "correct the file that pin-source names; it is not tried again until it changes")
	case pkcs11.CKR_KEY_FUNCTION_NOT_PERMITTED, pkcs11.CKR_MECHANISM_INVALID, pkcs11.CKR_MECHANISM_PARAM_INVALID, pkcs11.CKR_KEY_TYPE_INCONSISTENT:
		return keys.Refused("a token that may not sign with the key in this way", "check the key's attributes and the token's mechanisms")
	}
	return keys.Refused("a token that refused to sign", "check the key's attributes")
}
