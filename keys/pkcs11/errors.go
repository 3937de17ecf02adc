//go:build cgo

package pkcs11

import (
	"errors"

	"github.com/miekg/pkcs11"

	"conductor-jwt/internal/fault"
	"conductor-jwt/internal/keyrest"
)

const store keyrest.Store = "PKCS#11 token"

func is(err error, code uint) bool {
	found, ok := errors.AsType[pkcs11.Error](err)
	return ok && uint(found) == code
}

// isStale reports whether err says that a handle, a session or the token itself
// is lost: the token was unplugged or initialised again, or its daemon was
// restarted. A new session may then work.
func isStale(err error) bool {
	found, _ := errors.AsType[pkcs11.Error](err)
	switch uint(found) {
	case pkcs11.CKR_OBJECT_HANDLE_INVALID, pkcs11.CKR_KEY_HANDLE_INVALID, pkcs11.CKR_SESSION_HANDLE_INVALID, pkcs11.CKR_SESSION_CLOSED,
		pkcs11.CKR_TOKEN_NOT_PRESENT, pkcs11.CKR_TOKEN_NOT_RECOGNIZED, pkcs11.CKR_DEVICE_ERROR, pkcs11.CKR_DEVICE_REMOVED,
		pkcs11.CKR_CRYPTOKI_NOT_INITIALIZED, pkcs11.CKR_USER_NOT_LOGGED_IN, pkcs11.CKR_SLOT_ID_INVALID, pkcs11.CKR_OPERATION_ACTIVE:
		return true
	}
	return false
}

// isPIN reports whether err says that the PIN is refused.
func isPIN(err error) bool {
	found, _ := errors.AsType[pkcs11.Error](err)
	switch uint(found) {
	case pkcs11.CKR_PIN_INCORRECT, pkcs11.CKR_PIN_LOCKED, pkcs11.CKR_PIN_EXPIRED, pkcs11.CKR_PIN_LEN_RANGE, pkcs11.CKR_PIN_INVALID:
		return true
	}
	return false
}

// storeError maps a return value to our errors. A fault that is not the device's
// is the key's, and a retry is of no use.
func storeError(err error) error {
	if e, ok := errors.AsType[*fault.Error](err); ok {
		return e
	}
	found, ok := errors.AsType[pkcs11.Error](err)
	switch {
	case !ok || isStale(err):
		return store.Unavailable("cannot be used", "check the device")
	case isPIN(err):
		return store.Refused("does not accept the PIN", "correct the file that pin-source names; the PIN is not tried again until the file changes")
	}
	switch uint(found) {
	case pkcs11.CKR_GENERAL_ERROR, pkcs11.CKR_HOST_MEMORY, pkcs11.CKR_DEVICE_MEMORY, pkcs11.CKR_FUNCTION_FAILED, pkcs11.CKR_SESSION_COUNT:
		return store.Unavailable("failed", "check the device")
	case pkcs11.CKR_KEY_FUNCTION_NOT_PERMITTED, pkcs11.CKR_MECHANISM_INVALID, pkcs11.CKR_MECHANISM_PARAM_INVALID, pkcs11.CKR_KEY_TYPE_INCONSISTENT:
		return store.Refused("does not permit this algorithm for the key", "check the key's attributes and the token's mechanisms")
	}
	return store.Refused("refused to sign", "check the key's attributes")
}
