package gcpkms

import (
	"context"
	"hash/crc32"
	"net/http"
	"strconv"
	"strings"

	"conductor-jwt/keys"
)

// algorithms returns the JWS names of the version's one algorithm; nil if it has
// none. The padding and the hash of an RSA key are set when it is created.
func (v version) algorithms() []keys.Algorithm {
	isRSA := func(padding, hash string) bool {
		return strings.HasPrefix(v.Algorithm, "RSA_SIGN_"+padding+"_") && strings.HasSuffix(v.Algorithm, "_"+hash)
	}
	switch {
	case isRSA("PKCS1", "SHA256"):
		return []keys.Algorithm{keys.RS256}
	case isRSA("PKCS1", "SHA512"):
		return []keys.Algorithm{keys.RS512}
	case isRSA("PSS", "SHA256"):
		return []keys.Algorithm{keys.PS256}
	case isRSA("PSS", "SHA512"):
		return []keys.Algorithm{keys.PS512}
	case v.Algorithm == "EC_SIGN_P256_SHA256":
		return []keys.Algorithm{keys.ES256}
	case v.Algorithm == "EC_SIGN_P384_SHA384":
		return []keys.Algorithm{keys.ES384}
	case v.Algorithm == "EC_SIGN_SECP256K1_SHA256":
		return []keys.Algorithm{keys.ES256K}
	case v.Algorithm == "EC_SIGN_ED25519":
		return []keys.Algorithm{keys.EdDSA, keys.Ed25519}
	}
	return nil
}

// signRequest holds a digest, or the data if the algorithm has no digest. Both
// sides send checksums and compare them, as Google asks of callers.
type signRequest struct {
	Digest    map[string][]byte `json:"digest,omitempty"`
	DigestCRC string            `json:"digestCrc32c,omitempty"`
	Data      []byte            `json:"data,omitempty"`
	DataCRC   string            `json:"dataCrc32c,omitempty"`
}

type signAnswer struct {
	Name           string `json:"name"`
	Signature      []byte `json:"signature"`
	SignatureCRC   int64  `json:"signatureCrc32c,string"`
	VerifiedDigest bool   `json:"verifiedDigestCrc32c"`
	VerifiedData   bool   `json:"verifiedDataCrc32c"`
}

func (c *client) sign(ctx context.Context, version string, alg keys.Algorithm, input []byte) ([]byte, error) {
	var r signRequest
	if digest := keys.Digest(alg, input); digest != nil {
		r.Digest = map[string][]byte{"sha" + strconv.Itoa(8*len(digest)): digest}
		r.DigestCRC = strconv.FormatInt(checksum(digest), 10)
	} else {
		r.Data, r.DataCRC = input, strconv.FormatInt(checksum(input), 10)
	}
	var answer signAnswer
	if err := c.do(ctx, http.MethodPost, version+":asymmetricSign", r, &answer); err != nil {
		return nil, err
	}
	isIntact := answer.VerifiedDigest && r.Digest != nil || answer.VerifiedData && r.Digest == nil
	if !isIntact || answer.Name != version || answer.SignatureCRC != checksum(answer.Signature) {
		return nil, store.Unexpected()
	}
	if alg.IsECDSA() {
		return keys.JoinECDSA(alg, answer.Signature)
	}
	return answer.Signature, nil
}

// checksum is CRC-32C, which the API writes as an int64 in a string.
func checksum(b []byte) int64 {
	return int64(crc32.Checksum(b, crc32.MakeTable(crc32.Castagnoli)))
}
