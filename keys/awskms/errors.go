package awskms

import (
	"errors"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/kms/types"
	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"conductor-jwt/internal/fault"
	"conductor-jwt/keys"
)

// storeError puts an answer into our words: the SDK's own repeat key ids, accounts
// and what the server said.
func storeError(err error) error {
	api, answered := errors.AsType[smithy.APIError](err)
	if !answered {
		if _, ok := errors.AsType[*smithyhttp.RequestSendError](err); ok {
			return keys.Unavailable("aws kms cannot be reached", "check the region, aws.endpoint and the network")
		}
		return keys.Unavailable("aws kms could not be asked", "check the worker's aws credentials")
	}
	if answer, ok := errors.AsType[*smithyhttp.ResponseError](err); passing(api.ErrorCode()) || ok && answer.HTTPStatusCode()/100 == 5 {
		return keys.Unavailable("aws kms failed or throttles", "look at its quota and health")
	}
	switch code := api.ErrorCode(); {
	case strings.HasPrefix(code, "AccessDenied"), code == "NotAuthorized":
		return keys.Refused("aws kms does not permit it to the worker", "permit kms:DescribeKey, kms:GetPublicKey, kms:Sign, and for an alias kms:ListAliases")
	case code == "UnrecognizedClientException", code == "ExpiredTokenException", code == "InvalidSignatureException", code == "InvalidClientTokenId", code == "IncompleteSignature":
		return keys.Refused("aws kms does not take the worker's credentials", "check them, and the machine's clock")
	}
	return keys.Refused("aws kms refused", "check the key, its state and its usage")
}

func passing(code string) bool {
	switch code {
	case "ThrottlingException", "Throttling", "TooManyRequestsException", "RequestLimitExceeded", "LimitExceededException",
		"KMSInternalException", "DependencyTimeoutException", "KeyUnavailableException", "ServiceUnavailable", "InternalFailure", "RequestTimeout":
		return true
	}
	return false
}

// missing is storeError where the key may not be there.
func missing(err error) error {
	if _, ok := errors.AsType[*types.NotFoundException](err); ok {
		return &fault.Error{Reason: keys.ErrMissing, Found: "aws kms has no such key", Hint: "correct the source, or its region"}
	}
	return storeError(err)
}

func odd() error {
	return keys.Unavailable("aws kms answered with something else than was asked for", "check aws.endpoint")
}
