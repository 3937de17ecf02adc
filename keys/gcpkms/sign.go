package gcpkms

import (
	"context"
	"hash/crc32"
	"net/http"
	"strconv"
	"strings"

	"conductor-jwt/keys"
)

// algorithmOf gives the names of a version's algorithm, of which it has one:
// the padding and the hash of an RSA key are decided when it is made.
func algorithmOf(name string) ([]keys.Algorithm, bool) {
	hash := name[strings.LastIndexByte(name, '_')+1:]
	switch {
	case strings.HasPrefix(name, "RSA_SIGN_PKCS1_"):
		alg, ok := map[string]keys.Algorithm{"SHA256": keys.RS256, "SHA512": keys.RS512}[hash]
		return []keys.Algorithm{alg}, ok
	case strings.HasPrefix(name, "RSA_SIGN_PSS_"):
		alg, ok := map[string]keys.Algorithm{"SHA256": keys.PS256, "SHA512": keys.PS512}[hash]
		return []keys.Algorithm{alg}, ok
	case name == "EC_SIGN_P256_SHA256":
		return []keys.Algorithm{keys.ES256}, true
	case name == "EC_SIGN_P384_SHA384":
		return []keys.Algorithm{keys.ES384}, true
	case name == "EC_SIGN_SECP256K1_SHA256":
		return []keys.Algorithm{keys.ES256K}, true
	case name == "EC_SIGN_ED25519":
		return []keys.Algorithm{keys.EdDSA, keys.Ed25519}, true
	}
	return nil, false
}

// signRequest has a digest, or the data where the algorithm has none. The
// checksums of both ways are compared, as Google asks of callers.
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
	whole := answer.VerifiedDigest && r.Digest != nil || answer.VerifiedData && r.Digest == nil
	if !whole || answer.Name != version || answer.SignatureCRC != checksum(answer.Signature) {
		return nil, odd()
	}
	if strings.HasPrefix(string(alg), "ES") {
		return keys.JoinECDSA(alg, answer.Signature)
	}
	return answer.Signature, nil
}

// checksum is CRC-32C, which the API writes as an int64 in a string.
func checksum(b []byte) int64 {
	return int64(crc32.Checksum(b, crc32.MakeTable(crc32.Castagnoli)))
}
