package azurekms

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"slices"

	"github.com/Azure/azure-sdk-for-go/sdk/security/keyvault/azkeys"
	"github.com/decred/dcrd/dcrec/secp256k1/v4"

	"conductor-jwt/internal/fault"
	"conductor-jwt/keys"
)

// publicKey reads the JWK of a key, which must permit the operation sign if it
// lists its operations (RFC 7517 §4.3).
func publicKey(k *azkeys.JSONWebKey) (crypto.PublicKey, error) {
	if k == nil || k.Kty == nil {
		return nil, store.Unexpected()
	}
	isSign := func(op *azkeys.KeyOperation) bool { return op != nil && *op == azkeys.KeyOperationSign }
	if len(k.KeyOps) > 0 && !slices.ContainsFunc(k.KeyOps, isSign) {
		return nil, &fault.Error{Reason: keys.ErrUse, Found: "the key of Azure Key Vault may not sign", Hint: "permit its operation sign"}
	}
	switch *k.Kty {
	case azkeys.KeyTypeRSA, azkeys.KeyTypeRSAHSM:
		public, ok := keys.RSAPublic(k.N, k.E)
		if !ok {
			return nil, store.Unexpected()
		}
		return public, nil
	case azkeys.KeyTypeEC, azkeys.KeyTypeECHSM:
		return ecPublicKey(k)
	}
	return nil, store.Unsupported("the key's type makes no JWS signature", "use an RSA or EC key")
}

func ecPublicKey(k *azkeys.JSONWebKey) (crypto.PublicKey, error) {
	if k.Crv == nil {
		return nil, store.Unexpected()
	}
	curve, size := elliptic.Curve(nil), 32 // nil: secp256k1
	switch *k.Crv {
	case azkeys.CurveNameP256:
		curve = elliptic.P256()
	case azkeys.CurveNameP384:
		curve, size = elliptic.P384(), 48
	case azkeys.CurveNameP521:
		curve, size = elliptic.P521(), 66
	case azkeys.CurveNameP256K:
	default:
		return nil, store.Unexpected()
	}
	if len(k.X) > size || len(k.Y) > size {
		return nil, store.Unexpected()
	}
	point := make([]byte, 1+2*size)
	point[0] = 4 // uncompressed (SEC 1 §2.3.3)
	copy(point[1+size-len(k.X):], k.X)
	copy(point[1+2*size-len(k.Y):], k.Y)
	var public crypto.PublicKey
	var err error
	if curve == nil {
		public, err = secp256k1.ParsePubKey(point)
	} else {
		public, err = ecdsa.ParseUncompressedPublicKey(curve, point)
	}
	if err != nil {
		return nil, store.Unexpected()
	}
	return public, nil
}

// sign has the vault sign a digest. The vault's names of algorithms and its
// signatures are those of JWS (RFC 7518 §3.4).
func sign(ctx context.Context, c *azkeys.Client, name, version string, alg keys.Algorithm, input []byte) ([]byte, error) {
	algorithm := azkeys.SignatureAlgorithm(alg)
	if !slices.Contains(azkeys.PossibleSignatureAlgorithmValues(), algorithm) {
		return nil, store.Unsupported("the vault does not sign with this algorithm", "use another algorithm of the key")
	}
	answer, err := c.Sign(ctx, name, version, azkeys.SignParameters{Algorithm: &algorithm, Value: keys.Digest(alg, input)}, nil)
	if err != nil {
		return nil, storeError(err)
	}
	if answer.KID == nil || answer.KID.Version() != version || len(answer.Result) == 0 {
		return nil, store.Unexpected()
	}
	return answer.Result, nil
}
