//go:build azurekms

package cli

import (
	"conductor-jwt/keys"
	"conductor-jwt/keys/azurekms"
	"conductor-jwt/policy"
)

// azureKMSStore serves azurekms:.
func azureKMSStore(a policy.Azure) keys.Scheme {
	return azurekms.New(azurekms.Options{TenantID: a.TenantID, ClientID: a.ClientID, TokenFile: a.TokenFile})
}
