// Package azurekms is where keys come from Azure Key Vault or a Managed HSM:
// azurekms://vault/key. A private key never leaves it.
//
//	uri.go       which key, of which vault
//	azurekms.go  the client, and a key's versions
//	sign.go      algorithms, digests, signatures
//	faults.go    what an answer says: later, or refused
package azurekms
