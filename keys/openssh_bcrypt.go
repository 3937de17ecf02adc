package keys

import (
	"context"
	"crypto/sha512"
	"encoding/binary"
	"slices"

	"golang.org/x/crypto/blowfish" //nolint:staticcheck // bcrypt is made of it; no other library exports this derivation
)

// bcryptBlock is the length of one bcrypt hash in bytes.
const bcryptBlock = 32

// bcryptPBKDF is OpenBSD's bcrypt_pbkdf(3): PBKDF2 in shape, with bcrypt over
// SHA-512 as its function and the blocks of the result interleaved. It looks
// at ctx between rounds.
func bcryptPBKDF(ctx context.Context, password, salt []byte, rounds, length int) ([]byte, error) {
	pass := sha512.Sum512(password)
	blocks := (length + bcryptBlock - 1) / bcryptBlock
	out := make([]byte, blocks*bcryptBlock)
	for block := range blocks {
		seed := sha512.Sum512(binary.BigEndian.AppendUint32(slices.Clip(salt), uint32(block+1)))
		var sum [bcryptBlock]byte
		for range rounds {
			if ctx.Err() != nil {
				return nil, gaveUp(ctx)
			}
			hash, err := bcryptHash(pass[:], seed[:])
			if err != nil {
				return nil, unreadableSSH()
			}
			for i, v := range hash {
				sum[i] ^= v
			}
			seed = sha512.Sum512(hash)
		}
		for i, v := range sum {
			out[i*blocks+block] = v
		}
	}
	return out[:length], nil
}

// bcryptHash is one bcrypt hash of fixed cost over a fixed text.
func bcryptHash(pass, salt []byte) ([]byte, error) {
	c, err := blowfish.NewSaltedCipher(pass, salt)
	if err != nil {
		return nil, err
	}
	for range 64 {
		blowfish.ExpandKey(salt, c)
		blowfish.ExpandKey(pass, c)
	}
	out := []byte("OxychromaticBlowfishSwatDynamite")
	for i := 0; i < len(out); i += blowfish.BlockSize {
		for range 64 {
			c.Encrypt(out[i:], out[i:])
		}
	}
	// The reference writes the words in the other byte order.
	for i := 0; i < len(out); i += 4 {
		binary.LittleEndian.PutUint32(out[i:], binary.BigEndian.Uint32(out[i:]))
	}
	return out, nil
}
