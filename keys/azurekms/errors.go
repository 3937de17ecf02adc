package azurekms

import (
	"errors"
	"net/http"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"

	"conductor-jwt/internal/keyrest"
)

const store keyrest.Store = "Azure Key Vault"

// storeError maps an error of the SDK to ours. The SDK's own text holds
// addresses and what the server said.
func storeError(err error) error {
	if _, ok := errors.AsType[*azidentity.AuthenticationFailedError](err); ok {
		return store.Refused("does not accept the worker's credentials", "check azure in the policy, and the identity")
	}
	answer, ok := errors.AsType[*azcore.ResponseError](err)
	if !ok {
		return store.Unavailable("cannot be reached, or the worker gets no token for it", "check the network and the worker's identity")
	}
	hint := ""
	switch answer.StatusCode {
	case http.StatusForbidden, http.StatusUnauthorized:
		hint = "give the worker's identity the role Key Vault Crypto User; check the vault's firewall and the key's nbf and exp"
	}
	return store.Answered(keyrest.Status(answer.StatusCode), hint)
}

// missingError is storeError for a call that looks for the key.
func missingError(err error) error {
	return store.NotFound(storeError(err), "has no such key", "correct the source, or create the key")
}
