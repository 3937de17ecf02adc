package decode

import (
	"context"
	"crypto/hmac"
	"crypto/sha1" //nolint:gosec // the default of PBKDF2 (RFC 8018 A.2), safe inside HMAC
	"crypto/sha256"
	"crypto/sha3"
	"crypto/sha512"
	"crypto/subtle"
	"encoding/binary"
	"fmt"
	"hash"
	"math/big"
	"runtime/debug"
	"slices"

	"golang.org/x/crypto/cryptobyte"
	"golang.org/x/crypto/scrypt"

	"conductor-jwt/internal/fault"
)

// The maximum work of one encrypted key. The key itself sets it, and is not
// trusted.
const (
	maxPBKDF2Iterations = 1_000_000
	maxScryptMemory     = 32 << 20  // bytes, 128*N*r (RFC 7914 §2): what openssl reads by default
	maxScryptWork       = 128 << 20 // bytes written, 128*N*r*p: a quarter of a second
	maxScryptBlocks     = 1 << 20   // bytes, 128*r*p: what PBKDF2 makes around it
)

// pbkdf2Params is PBKDF2 (RFC 8018 §5.2).
type pbkdf2Params struct {
	salt       []byte
	iterations int
	prf        func() hash.Hash
}

// readPBKDF2 reads PBKDF2-params (RFC 8018 A.2).
func readPBKDF2(s cryptobyte.String, keyLen int) (derivation, error) {
	salt, okSalt := readOctetString(&s)
	iterations, okIterations := readBig(&s)
	if !okSalt || !okIterations || iterations.Sign() <= 0 || !readKeyLength(&s, keyLen) {
		return nil, unreadablePBES2()
	}
	if iterations.Cmp(big.NewInt(maxPBKDF2Iterations)) > 0 {
		return nil, tooMuchWork(fmt.Sprintf("more than %d PBKDF2 iterations", maxPBKDF2Iterations))
	}
	kdf := pbkdf2Params{salt: salt, iterations: int(iterations.Int64()), prf: sha1.New}
	if !s.Empty() {
		oid, _, ok := readAlgorithm(&s)
		if !ok || !s.Empty() {
			return nil, unreadablePBES2()
		}
		if kdf.prf = prfOf(oid); kdf.prf == nil {
			return nil, unsupportedPBES2("pbkdf2 function")
		}
	}
	return kdf, nil
}

// derive is PBKDF2 (RFC 8018 §5.2). crypto/pbkdf2 cannot be cancelled.
func (p pbkdf2Params) derive(ctx context.Context, password []byte, length int) ([]byte, error) {
	const between = 1 << 12 // iterations between two checks of ctx
	mac := hmac.New(p.prf, password)
	var out []byte
	for block := uint32(1); len(out) < length; block++ {
		u := macOf(mac, binary.BigEndian.AppendUint32(slices.Clone(p.salt), block), nil)
		t := slices.Clone(u)
		for i := 1; i < p.iterations; i++ {
			if i%between == 0 && ctx.Err() != nil {
				return nil, TimedOut(ctx)
			}
			u = macOf(mac, u, u[:0])
			subtle.XORBytes(t, t, u)
		}
		out = append(out, t...)
	}
	return out[:length], nil
}

func macOf(mac hash.Hash, input, into []byte) []byte {
	mac.Reset()
	_, _ = mac.Write(input) // a hash never fails
	return mac.Sum(into)
}

// prfOf returns the hash of an HMAC (RFC 8018 B.1.2, NIST CSOR); nil for an
// unsupported one.
func prfOf(oid string) func() hash.Hash {
	switch oid {
	case "1.2.840.113549.2.7":
		return sha1.New
	case "1.2.840.113549.2.8":
		return sha256.New224
	case "1.2.840.113549.2.9":
		return sha256.New
	case "1.2.840.113549.2.10":
		return sha512.New384
	case "1.2.840.113549.2.11":
		return sha512.New
	case "1.2.840.113549.2.12":
		return sha512.New512_224
	case "1.2.840.113549.2.13":
		return sha512.New512_256
	case "2.16.840.1.101.3.4.2.13":
		return func() hash.Hash { return sha3.New224() }
	case "2.16.840.1.101.3.4.2.14":
		return func() hash.Hash { return sha3.New256() }
	case "2.16.840.1.101.3.4.2.15":
		return func() hash.Hash { return sha3.New384() }
	case "2.16.840.1.101.3.4.2.16":
		return func() hash.Hash { return sha3.New512() }
	}
	return nil
}

// scryptParams is scrypt (RFC 7914 §2).
type scryptParams struct {
	salt    []byte
	n, r, p int
}

// readScrypt reads scrypt-params (RFC 7914 §7.1).
func readScrypt(s cryptobyte.String, keyLen int) (derivation, error) {
	salt, ok := readOctetString(&s)
	cost, okN := readBig(&s)
	blockSize, okR := readBig(&s)
	parallel, okP := readBig(&s)
	if !ok || !okN || !okR || !okP || !readKeyLength(&s, keyLen) || !s.Empty() {
		return nil, unreadablePBES2()
	}
	return checkScrypt(salt, cost, blockSize, parallel)
}

func checkScrypt(salt []byte, cost, blockSize, parallel *big.Int) (derivation, error) {
	if cost.Cmp(big.NewInt(1)) <= 0 || blockSize.Sign() <= 0 || parallel.Sign() <= 0 {
		return nil, unreadablePBES2()
	}
	if cost.BitLen() > 31 || blockSize.BitLen() > 31 || parallel.BitLen() > 31 {
		return nil, tooMuchScrypt(fmt.Sprintf("more than %d MiB of memory", maxScryptMemory>>20))
	}
	n, r, p := cost.Int64(), blockSize.Int64(), parallel.Int64()
	if n&(n-1) != 0 {
		return nil, unreadablePBES2()
	}
	// No product overflows: each factor is limited before the next.
	if r > maxScryptBlocks/128 || n > maxScryptMemory/(128*r) {
		return nil, tooMuchScrypt(fmt.Sprintf("more than %d MiB of memory", maxScryptMemory>>20))
	}
	if p > maxScryptBlocks/(128*r) || p > maxScryptWork/(128*r*n) {
		return nil, tooMuchScrypt("too many passes")
	}
	return scryptParams{salt: salt, n: int(n), r: int(r), p: int(p)}, nil
}

// derive returns its memory to the system before the next one begins.
func (p scryptParams) derive(_ context.Context, password []byte, length int) ([]byte, error) {
	defer debug.FreeOSMemory()
	key, err := scrypt.Key(password, p.salt, p.n, p.r, p.p, length)
	if err != nil { // parameters that the library refuses
		return nil, unsupportedPBES2("key derivation")
	}
	return key, nil
}

func tooMuchWork(found string) error {
	return &fault.Error{
		Reason: ErrTooLarge, Found: "this is an encrypted key that asks for " + found,
		Hint: "encrypt it again with less: openssl pkcs8 -topk8 -v2 aes-256-cbc -iter 600000 -in key.pem",
	}
}

// tooMuchScrypt names no command: OpenSSL does not read such a key either.
func tooMuchScrypt(found string) error {
	return &fault.Error{
		Reason: ErrTooLarge, Found: "this is an encrypted key whose scrypt asks for " + found,
		Hint: "encrypt it again where it was made: PBKDF2, or scrypt with N=16384, r=8 and p=1",
	}
}
