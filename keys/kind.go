package keys

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/mldsa"
	"crypto/rsa"
	"slices"

	"github.com/decred/dcrd/dcrec/secp256k1/v4"
)

// Kind is the type of a key, from a closed set: fit for a metric label.
type Kind string

// The kinds of keys. A kind decides which algorithms are possible, never the
// header of a token (RFC 8725 §3.1).
const (
	KindRSA       Kind = "rsa"
	KindRSAPSS    Kind = "rsa-pss" // rsassa-pss in its key info (RFC 4055 §1.2): never for RS*
	KindEC        Kind = "ec"      // P-256, P-384, P-521
	KindSecp256k1 Kind = "secp256k1"
	KindOKP       Kind = "okp" // Ed25519
	KindOct       Kind = "oct" // an HMAC secret
	KindMLDSA     Kind = "ml-dsa"
	KindUnknown   Kind = "unknown"
)

// Kinds returns every kind that a key can be of.
func Kinds() []Kind {
	return []Kind{KindRSA, KindRSAPSS, KindEC, KindSecp256k1, KindOKP, KindOct, KindMLDSA, KindUnknown}
}

// KindOf tells the kind of k by its public half and its algorithms.
func KindOf(k Key) Kind {
	if k == nil {
		return KindUnknown
	}
	switch k.Public().(type) {
	case nil:
		return KindOct
	case *rsa.PublicKey:
		if slices.ContainsFunc(k.Algorithms(), isPKCS1v15) {
			return KindRSA
		}
		if local, ok := k.(*localKey); ok {
			return local.kind
		}
		return KindRSAPSS
	case *ecdsa.PublicKey:
		return KindEC
	case *secp256k1.PublicKey:
		return KindSecp256k1
	case ed25519.PublicKey:
		return KindOKP
	case *mldsa.PublicKey:
		return KindMLDSA
	}
	return KindUnknown
}

func isPKCS1v15(a Algorithm) bool { return a == RS256 || a == RS384 || a == RS512 }
