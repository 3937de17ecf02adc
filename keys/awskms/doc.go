// Package awskms is where keys come from AWS KMS: awskms:///alias/name, or
// awskms:///arn:aws:kms:… . A private key never leaves it.
//
//	uri.go      which key, of which region
//	awskms.go   the client, and a key's one version
//	sign.go     algorithms, digests, signatures
//	faults.go   what an answer says: later, or refused
package awskms
