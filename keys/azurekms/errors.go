package azurekms

import (
	"errors"
	"net/http"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"

	"conductor-jwt/internal/fault"
	"conductor-jwt/keys"
)

// storeError puts an answer into our words: the SDK's own repeat what the server
// said, and addresses.
func storeError(err error) error {
	if _, ok := errors.AsType[*azidentity.AuthenticationFailedError](err); ok {
		return keys.Refused("azure does not take the worker's credentials", "check azure in the policy, and the identity")
	}
	answer, ok := errors.AsType[*azcore.ResponseError](err)
	if !ok {
		return keys.Unavailable("azure key vault cannot be reached, or gives no token", "check the network and the worker's identity")
	}
	switch {
	case answer.StatusCode == http.StatusTooManyRequests, answer.StatusCode == http.StatusRequestTimeout, answer.StatusCode/100 == 5:
		return keys.Unavailable("azure key vault failed or throttles", "look at its limits and health")
	case answer.StatusCode == http.StatusForbidden, answer.StatusCode == http.StatusUnauthorized:
		return keys.Refused("azure key vault does not permit it to the worker", "give its identity the role Key Vault Crypto User; mind the vault's firewall and the key's nbf and exp")
	case answer.StatusCode == http.StatusNotFound:
		return keys.Refused("azure key vault has no such version any more", "correct the source")
	}
	return keys.Refused("azure key vault refused", "check the key and its operations")
}

// missing is storeError where the key may not be there.
func missing(err error) error {
	if answer, ok := errors.AsType[*azcore.ResponseError](err); ok && answer.StatusCode == http.StatusNotFound {
		return &fault.Error{Reason: keys.ErrMissing, Found: "azure key vault has no such key", Hint: "correct the source, or create it"}
	}
	return storeError(err)
}

func odd() error {
	return keys.Unavailable("azure key vault answered with something else than was asked for", "try again; then check the source")
}
