package azurekms

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rsa"
	"math/big"
	"slices"

	"github.com/Azure/azure-sdk-for-go/sdk/security/keyvault/azkeys"
	"github.com/decred/dcrd/dcrec/secp256k1/v4"

	"conductor-jwt/internal/fault"
	"conductor-jwt/keys"
)

// publicOf reads the JWK of a key, which may be told what it is for (RFC 7517
// §4.3).
func publicOf(k *azkeys.JSONWebKey) (crypto.PublicKey, error) {
	if k == nil || k.Kty == nil {
		return nil, odd()
	}
	forSigning := func(op *azkeys.KeyOperation) bool { return op != nil && *op == azkeys.KeyOperationSign }
	if len(k.KeyOps) > 0 && !slices.ContainsFunc(k.KeyOps, forSigning) {
		return nil, &fault.Error{Reason: keys.ErrUse, Found: "a key of azure key vault that may not sign", Hint: "permit it the operation sign"}
	}
	switch *k.Kty {
	case azkeys.KeyTypeRSA, azkeys.KeyTypeRSAHSM:
		exponent := new(big.Int).SetBytes(k.E)
		if len(k.N) == 0 || !exponent.IsInt64() || exponent.Int64() > 1<<31-1 {
			return nil, odd()
		}
		return &rsa.PublicKey{N: new(big.Int).SetBytes(k.N), E: int(exponent.Int64())}, nil
	case azkeys.KeyTypeEC, azkeys.KeyTypeECHSM:
		return ecPublic(k)
	}
	return nil, &fault.Error{Reason: keys.ErrUnsupported, Found: "a key of azure key vault of a type that makes no jws signature", Hint: "use an rsa or ec key"}
}

func ecPublic(k *azkeys.JSONWebKey) (crypto.PublicKey, error) {
	if k.Crv == nil {
		return nil, odd()
	}
	curve, size := elliptic.Curve(nil), 32
	switch *k.Crv {
	case azkeys.CurveNameP256:
		curve = elliptic.P256()
	case azkeys.CurveNameP384:
		curve, size = elliptic.P384(), 48
	case azkeys.CurveNameP521:
		curve, size = elliptic.P521(), 66
	case azkeys.CurveNameP256K:
	default:
		return nil, odd()
	}
	if len(k.X) > size || len(k.Y) > size {
		return nil, odd()
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
		return nil, odd()
	}
	return public, nil
}

// sign has the vault sign a digest. Its names of algorithms are those of JWS,
// and so are its signatures (RFC 7518 §3.4).
func sign(ctx context.Context, c *azkeys.Client, name, version string, alg keys.Algorithm, input []byte) ([]byte, error) {
	algorithm := azkeys.SignatureAlgorithm(alg)
	answer, err := c.Sign(ctx, name, version, azkeys.SignParameters{Algorithm: &algorithm, Value: keys.Digest(alg, input)}, nil)
	if err != nil {
		return nil, storeError(err)
	}
	if answer.KID == nil || answer.KID.Version() != version || len(answer.Result) == 0 {
		return nil, odd()
	}
	return answer.Result, nil
}
