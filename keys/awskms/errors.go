package awskms

import (
	"errors"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/kms/types"
	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"conductor-jwt/internal/keyrest"
)

const store keyrest.Store = "AWS KMS"

// storeError maps an error of the SDK to ours. The SDK's own text holds key
// ids, account numbers and what the server said.
func storeError(err error) error {
	api, ok := errors.AsType[smithy.APIError](err)
	if !ok {
		if _, ok := errors.AsType[*smithyhttp.RequestSendError](err); ok {
			return store.Unavailable("cannot be reached", "check the region, aws.endpoint and the network")
		}
		return store.Unavailable("cannot be called", "check the worker's AWS credentials")
	}
	if answer, ok := errors.AsType[*smithyhttp.ResponseError](err); isTransient(api.ErrorCode()) || ok && answer.HTTPStatusCode()/100 == 5 {
		return store.Unavailable("failed or throttles", "check its quota and health")
	}
	switch code := api.ErrorCode(); {
	case strings.HasPrefix(code, "AccessDenied"), code == "NotAuthorized":
		return store.Refused("does not permit it to the worker", "permit kms:DescribeKey, kms:GetPublicKey, kms:Sign, and for an alias kms:ListAliases")
	case code == "UnrecognizedClientException", code == "ExpiredTokenException", code == "InvalidSignatureException", code == "InvalidClientTokenId", code == "IncompleteSignature":
		return store.Refused("does not accept the worker's credentials", "check them, and the machine's clock")
	}
	return store.Refused("refused", "check the key, its state and its usage")
}

// isTransient reports whether a retry may succeed after an error of this code.
func isTransient(code string) bool {
	switch code {
	case "ThrottlingException", "Throttling", "TooManyRequestsException", "RequestLimitExceeded", "LimitExceededException",
		"KMSInternalException", "DependencyTimeoutException", "KeyUnavailableException", "ServiceUnavailable", "InternalFailure", "RequestTimeout":
		return true
	}
	return false
}

// missingError is storeError for a call that looks for the key.
func missingError(err error) error {
	if _, ok := errors.AsType[*types.NotFoundException](err); ok {
		return store.Missing("has no such key", "correct the source, or its region")
	}
	return storeError(err)
}
