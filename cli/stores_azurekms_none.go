//go:build !azurekms

package cli

import (
	"conductor-jwt/keys"
	"conductor-jwt/policy"
)

func azureKMSStore(policy.Azure) keys.Scheme { return nil }
