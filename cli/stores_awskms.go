//go:build awskms

package cli

import (
	"conductor-jwt/keys"
	"conductor-jwt/keys/awskms"
	"conductor-jwt/policy"
)

// awsKMSStore serves awskms:.
func awsKMSStore(a policy.AWS) keys.Scheme {
	return awskms.New(awskms.Options{Region: a.Region, Endpoint: a.Endpoint, Profile: a.Profile})
}
