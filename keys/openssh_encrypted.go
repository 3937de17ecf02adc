package keys

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/rsa"
	"encoding/binary"
	"fmt"
	"math/big"
	"slices"
)

// maxBcryptRounds bounds the work of one encrypted OpenSSH key: some 8 ms a
// round; ssh-keygen writes 16 or 24.
const maxBcryptRounds = 128

// sshCipher is a cipher of OpenSSH's private keys.
type sshCipher struct {
	keyLen, ivLen int // bytes
	mode          string
}

func sshCipherOf(name string) (sshCipher, bool) {
	switch name {
	case "aes128-ctr", "aes128-cbc":
		return sshCipher{16, aes.BlockSize, name[len(name)-3:]}, true
	case "aes192-ctr", "aes192-cbc":
		return sshCipher{24, aes.BlockSize, name[len(name)-3:]}, true
	case "aes256-ctr", "aes256-cbc":
		return sshCipher{32, aes.BlockSize, name[len(name)-3:]}, true
	case "aes128-gcm@openssh.com":
		return sshCipher{16, 12, "gcm"}, true
	case "aes256-gcm@openssh.com":
		return sshCipher{32, 12, "gcm"}, true
	}
	return sshCipher{}, false
}

// open decrypts the private section. The rounds are bounded before the first
// one is run, and without a password there is none.
func (f sshFile) open(ctx context.Context, ref Ref) ([]byte, error) {
	if ref.Password.IsZero() {
		return nil, &Error{
			Reason: ErrEncrypted, Found: "an encrypted openssh key",
			Hint: "set privateKeyPassword, or decrypt the key: ssh-keygen -p -N '' -f key",
		}
	}
	c, ok := sshCipherOf(f.cipher)
	if !ok || f.kdf != "bcrypt" {
		return nil, &Error{
			Reason: ErrUnsupported, Found: "an openssh key encrypted with a cipher that is not read here",
			Hint: "encrypt it anew with: ssh-keygen -p -Z aes256-ctr -f key",
		}
	}
	r := &sshReader{rest: f.kdfOptions}
	salt, rounds := r.bytes(), r.uint32()
	if r.bad || len(r.rest) > 0 || len(salt) == 0 || rounds == 0 || !c.fits(f) {
		return nil, unreadableSSH()
	}
	if rounds > maxBcryptRounds {
		return nil, &Error{
			Reason: ErrTooLarge, Found: fmt.Sprintf("an encrypted openssh key that asks for more than %d bcrypt rounds", maxBcryptRounds),
			Hint: "encrypt it anew with less: ssh-keygen -p -a 24 -f key",
		}
	}
	key, err := bcryptPBKDF(ctx, []byte(ref.Password.Reveal()), salt, int(rounds), c.keyLen+c.ivLen)
	if err != nil {
		return nil, err
	}
	return c.open(key[:c.keyLen], key[c.keyLen:], f)
}

func (c sshCipher) fits(f sshFile) bool {
	tag := 0
	if c.mode == "gcm" {
		tag = 16
	}
	return len(f.sealed) > 0 && len(f.sealed)%aes.BlockSize == 0 && len(f.tag) == tag
}

func (c sshCipher) open(key, iv []byte, f sshFile) ([]byte, error) {
	b, err := aes.NewCipher(key)
	if err != nil {
		return nil, unreadableSSH()
	}
	plain := make([]byte, len(f.sealed))
	switch c.mode {
	case "ctr":
		cipher.NewCTR(b, iv).XORKeyStream(plain, f.sealed)
	case "cbc":
		cipher.NewCBCDecrypter(b, iv).CryptBlocks(plain, f.sealed)
	default:
		aead, err := cipher.NewGCM(b)
		if err != nil {
			return nil, unreadableSSH()
		}
		if plain, err = aead.Open(nil, iv, append(slices.Clip(f.sealed), f.tag...), nil); err != nil {
			return nil, wrongPassword()
		}
	}
	return plain, nil
}

func appendSSH(w, b []byte) []byte {
	w = binary.BigEndian.AppendUint32(w, uint32(len(b))) //nolint:gosec // at most 64 KiB
	return append(w, b...)
}

func sshPublicRSA(w []byte, key any) []byte {
	k, ok := key.(*rsa.PrivateKey)
	if !ok {
		return nil
	}
	return appendMPInt(appendMPInt(w, big.NewInt(int64(k.E))), k.N)
}

// appendMPInt writes a positive number (RFC 4251 §5).
func appendMPInt(w []byte, n *big.Int) []byte {
	b := n.Bytes()
	if len(b) > 0 && b[0]&0x80 != 0 {
		b = append([]byte{0}, b...)
	}
	return appendSSH(w, b)
}
