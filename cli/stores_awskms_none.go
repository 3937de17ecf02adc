//go:build !awskms

package cli

import (
	"conductor-jwt/keys"
	"conductor-jwt/policy"
)

func awsKMSStore(policy.AWS) keys.Scheme { return nil }
