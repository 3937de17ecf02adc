package interop

import (
	"crypto/mldsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"slices"
	"strings"

	"github.com/go-jose/go-jose/v4"
	"github.com/golang-jwt/jwt/v5"
)

// reads reports whether the peer reads a key of this algorithm in this encoding.
func (p peer) reads(op, alg, form string) bool {
	switch {
	case !p.has(alg):
		return false
	case form == "jwk":
		return p.name != "openssl"
	case form != "pem" || slices.Contains(mldsaNames(), alg):
		return false
	case p.name == "nimbus" && strings.HasPrefix(alg, "Ed"):
		return false // it does not read PEM of Ed25519
	case p.name == "nimbus" && op == "sign":
		return !strings.HasPrefix(alg, "ES") // it needs the public key in the PEM, too
	}
	return alg != "Ed25519" || op == "verify"
}

// keyIn parses the key of a request with the standard library and go-jose.
func keyIn(r request) (any, error) {
	if r.Form == "jwk" {
		var k jose.JSONWebKey
		err := k.UnmarshalJSON([]byte(r.Key))
		return k.Key, err
	}
	block, _ := pem.Decode([]byte(r.Key))
	if block == nil {
		return nil, errors.New("the key is not PEM")
	}
	if r.Op == "sign" {
		return x509.ParsePKCS8PrivateKey(block.Bytes)
	}
	return x509.ParsePKIXPublicKey(block.Bytes)
}

// golangJWT shares only its signing methods with conductor-jwt.
func golangJWT() peer {
	return peer{name: "golang-jwt", unsupported: append(mldsaNames(), "ES256K", "Ed25519"), call: func(r request) (response, error) {
		key, err := keyIn(r)
		if err != nil {
			return response{}, err
		}
		if r.Op == "sign" {
			var claims jwt.MapClaims
			if err := json.Unmarshal(r.Claims, &claims); err != nil {
				return response{}, err
			}
			token, err := jwt.NewWithClaims(jwt.GetSigningMethod(r.Alg), claims).SignedString(key)
			return response{OK: err == nil, Token: token}, err
		}
		token, err := jwt.Parse(r.Token, func(*jwt.Token) (any, error) { return key, nil }, jwt.WithValidMethods([]string{r.Alg}))
		if err != nil {
			return response{}, err
		}
		claims, err := json.Marshal(token.Claims)
		return response{OK: true, Claims: claims}, err
	}}
}

func goJOSE() peer {
	return peer{name: "go-jose", unsupported: append(mldsaNames(), "ES256K", "Ed25519"), call: func(r request) (response, error) {
		key, err := keyIn(r)
		if err != nil {
			return response{}, err
		}
		alg := jose.SignatureAlgorithm(r.Alg)
		if r.Op == "sign" {
			signer, err := jose.NewSigner(jose.SigningKey{Algorithm: alg, Key: key}, nil)
			if err != nil {
				return response{}, err
			}
			jws, err := signer.Sign(r.Claims)
			if err != nil {
				return response{}, err
			}
			token, err := jws.CompactSerialize()
			return response{OK: err == nil, Token: token}, err
		}
		jws, err := jose.ParseSignedCompact(r.Token, []jose.SignatureAlgorithm{alg})
		if err != nil {
			return response{}, err
		}
		claims, err := jws.Verify(key)
		return response{OK: err == nil, Claims: claims}, err
	}}
}

// standardLibrary checks ML-DSA, which go-jose and golang-jwt do not have.
func standardLibrary() peer {
	parameters := map[string]mldsa.Parameters{
		"ML-DSA-44": mldsa.MLDSA44(), "ML-DSA-65": mldsa.MLDSA65(), "ML-DSA-87": mldsa.MLDSA87(),
	}
	return peer{name: "crypto/mldsa", unsupported: []string{
		"RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "ES256K",
		"EdDSA", "Ed25519", "HS256", "HS384", "HS512",
	}, call: func(r request) (response, error) {
		var jwk struct{ Pub string }
		if err := json.Unmarshal([]byte(r.Key), &jwk); err != nil {
			return response{}, err
		}
		pub, err := base64.RawURLEncoding.DecodeString(jwk.Pub)
		if err != nil {
			return response{}, err
		}
		key, err := mldsa.NewPublicKey(parameters[r.Alg], pub)
		if err != nil {
			return response{}, err
		}
		input, claims, signature, err := split(r.Token)
		if err != nil {
			return response{}, err
		}
		err = mldsa.Verify(key, input, signature, &mldsa.Options{})
		return response{OK: err == nil, Claims: claims}, err
	}}
}

// split returns a token's signing input, claims and signature.
func split(token string) (input, claims, signature []byte, err error) {
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		return nil, nil, nil, errors.New("the token does not have three parts")
	}
	claims, err = base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil {
		return nil, nil, nil, err
	}
	signature, err = base64.RawURLEncoding.DecodeString(parts[2])
	return []byte(parts[0] + "." + parts[1]), claims, signature, err
}
