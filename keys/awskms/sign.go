package awskms

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/kms/types"

	"conductor-jwt/internal/fault"
	"conductor-jwt/keys"
)

// specOf returns KMS's name of an algorithm; empty if it has none.
func specOf(alg keys.Algorithm) types.SigningAlgorithmSpec {
	switch alg {
	case keys.RS256:
		return types.SigningAlgorithmSpecRsassaPkcs1V15Sha256
	case keys.RS384:
		return types.SigningAlgorithmSpecRsassaPkcs1V15Sha384
	case keys.RS512:
		return types.SigningAlgorithmSpecRsassaPkcs1V15Sha512
	case keys.PS256:
		return types.SigningAlgorithmSpecRsassaPssSha256
	case keys.PS384:
		return types.SigningAlgorithmSpecRsassaPssSha384
	case keys.PS512:
		return types.SigningAlgorithmSpecRsassaPssSha512
	case keys.ES256, keys.ES256K:
		return types.SigningAlgorithmSpecEcdsaSha256
	case keys.ES384:
		return types.SigningAlgorithmSpecEcdsaSha384
	case keys.ES512:
		return types.SigningAlgorithmSpecEcdsaSha512
	case keys.EdDSA, keys.Ed25519:
		return types.SigningAlgorithmSpecEd25519Sha512
	}
	return ""
}

// maxMessage is the maximum length of a message that KMS signs without a
// digest, in bytes.
const maxMessage = 4096

func sign(ctx context.Context, c *kms.Client, arn string, alg keys.Algorithm, input []byte) ([]byte, error) {
	in := &kms.SignInput{KeyId: &arn, SigningAlgorithm: specOf(alg), Message: keys.Digest(alg, input), MessageType: types.MessageTypeDigest}
	if in.Message == nil {
		in.Message, in.MessageType = input, types.MessageTypeRaw
	}
	if len(in.Message) > maxMessage {
		return nil, &fault.Error{
			Reason: keys.ErrTooLarge, Found: "the token has more than 4096 bytes, which AWS KMS does not sign with Ed25519",
			Hint: "shorten its claims, or use a key of another type",
		}
	}
	answer, err := c.Sign(ctx, in)
	if err != nil {
		return nil, storeError(err)
	}
	if answer.KeyId == nil || *answer.KeyId != arn {
		return nil, store.Unexpected()
	}
	if alg.IsECDSA() {
		return keys.JoinECDSA(alg, answer.Signature)
	}
	return answer.Signature, nil
}
