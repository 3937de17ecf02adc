package decode

import (
	"bytes"
	"context"
	"crypto"
	"crypto/aes"
	"crypto/ed25519"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"slices"

	"golang.org/x/crypto/ssh"

	"conductor-jwt/internal/fault"
	"conductor-jwt/internal/secret"
)

// sshMagic begins the content of an OPENSSH PRIVATE KEY (PROTOCOL.key of
// OpenSSH).
const sshMagic = "openssh-key-v1\x00"

// maxSSHFile is the maximum size of the content in bytes. The largest supported
// key, RSA of 8192 bits, has less than 6 KiB.
const maxSSHFile = 16 << 10

// maxBcryptRounds is the maximum work of one encrypted OpenSSH key, about 8 ms
// a round. ssh-keygen writes 16 or 24.
const maxBcryptRounds = 128

// sshFile is the outer layer of an OpenSSH private key for [ssh.Unmarshal].
type sshFile struct {
	Cipher, KDF string
	KDFOptions  []byte
	Keys        uint32
	Public      []byte // the public key, never encrypted
	Private     []byte // the private section, encrypted or not
	Rest        []byte `ssh:"rest"` // the tag of an authenticating cipher
}

func (f sshFile) encrypted() bool { return f.Cipher != "none" }

func splitOpenSSH(data []byte) (sshFile, error) {
	rest, ok := bytes.CutPrefix(data, []byte(sshMagic))
	var f sshFile
	if !ok || ssh.Unmarshal(rest, &f) != nil || f.encrypted() != (f.KDF != "none") {
		return sshFile{}, unreadableSSH()
	}
	if f.Keys != 1 {
		return sshFile{}, &fault.Error{Reason: ErrAmbiguous, Found: "this is an OpenSSH file that does not hold exactly one key", Hint: "give one key"}
	}
	return f, nil
}

// readOpenSSH reads an OpenSSH private key. The work that the file demands is
// checked before x/crypto derives or computes anything.
func readOpenSSH(ctx context.Context, data []byte, password secret.Text) (any, error) {
	f, err := splitOpenSSH(data)
	if err != nil {
		return nil, err
	}
	if f.encrypted() {
		err = f.checkEncryption(password)
	}
	if err == nil {
		err = checkSSHPublic(f.Public)
	}
	switch {
	case err != nil:
		return nil, err
	case len(data) > maxSSHFile:
		return nil, TooLarge(len(data), maxSSHFile)
	case len(f.Rest) > 0: // x/crypto ignores it
		return nil, unreadableSSH()
	case ctx.Err() != nil: // x/crypto cannot be cancelled; maxBcryptRounds limits it
		return nil, TimedOut(ctx)
	}
	return f.open(data, password)
}

// checkEncryption refuses a cipher that x/crypto does not support, a derivation
// that costs too much, and a missing password.
func (f sshFile) checkEncryption(password secret.Text) error {
	if password.IsZero() {
		return &fault.Error{
			Reason: ErrEncrypted, Found: "this is an encrypted OpenSSH key",
			Hint: "set " + fault.Password + ", or decrypt the key: ssh-keygen -p -N '' -f key",
		}
	}
	if f.KDF != "bcrypt" || f.Cipher != "aes256-ctr" && f.Cipher != "aes256-cbc" {
		return &fault.Error{
			Reason: ErrUnsupported, Found: "this is an OpenSSH key encrypted with " + f.cipherName(),
			Hint: "encrypt it again with: ssh-keygen -p -Z aes256-ctr -f key",
		}
	}
	var kdf struct {
		Salt   []byte
		Rounds uint32
	}
	if ssh.Unmarshal(f.KDFOptions, &kdf) != nil || len(kdf.Salt) == 0 || kdf.Rounds == 0 ||
		len(f.Private) == 0 || len(f.Private)%aes.BlockSize != 0 {
		return unreadableSSH()
	}
	if kdf.Rounds > maxBcryptRounds {
		return &fault.Error{
			Reason: ErrTooLarge, Found: fmt.Sprintf("this is an encrypted OpenSSH key that asks for more than %d bcrypt rounds", maxBcryptRounds),
			Hint: "encrypt it again with fewer: ssh-keygen -p -a 24 -f key",
		}
	}
	return nil
}

// cipherName returns the name of a cipher of ssh-keygen.
func (f sshFile) cipherName() string {
	if f.KDF == "bcrypt" && slices.Contains([]string{
		"3des-cbc", "aes128-cbc", "aes192-cbc", "aes128-ctr", "aes192-ctr",
		"aes128-gcm@openssh.com", "aes256-gcm@openssh.com", "chacha20-poly1305@openssh.com",
	}, f.Cipher) {
		return f.Cipher + ", which is not supported"
	}
	return "an unknown cipher"
}

// checkSSHPublic refuses a type that cannot sign a JWT. The size of an RSA
// modulus is checked before any arithmetic (RFC 4253 §6.6).
func checkSSHPublic(public []byte) error {
	var blob struct {
		Type string
		Rest []byte `ssh:"rest"`
	}
	if ssh.Unmarshal(public, &blob) != nil {
		return unreadableSSH()
	}
	switch blob.Type {
	case ssh.KeyAlgoED25519, ssh.KeyAlgoECDSA256, ssh.KeyAlgoECDSA384, ssh.KeyAlgoECDSA521:
		return nil
	case ssh.KeyAlgoRSA:
		var key struct{ E, N *big.Int }
		if ssh.Unmarshal(blob.Rest, &key) != nil {
			return unreadableSSH()
		}
		return checkRSABits(key.N.BitLen())
	case ssh.InsecureKeyAlgoDSA: //nolint:staticcheck // it is refused
		return unsupportedKey("DSA")
	}
	return &fault.Error{
		Reason: ErrUnsupported, Found: "this is an OpenSSH key of a type that cannot sign a JWT, such as one in a hardware token",
		Hint: "use an RSA, ECDSA or Ed25519 key",
	}
}

// open reads the key with x/crypto, and compares it with the public key of the
// file, which x/crypto ignores.
func (f sshFile) open(data []byte, password secret.Text) (any, error) {
	text := pem.EncodeToMemory(&pem.Block{Type: "OPENSSH PRIVATE KEY", Bytes: data})
	var key any
	var err error
	if f.encrypted() {
		key, err = ssh.ParseRawPrivateKeyWithPassphrase(text, []byte(password.Reveal()))
	} else {
		key, err = ssh.ParseRawPrivateKey(text)
	}
	switch {
	case errors.Is(err, x509.IncorrectPasswordError):
		return nil, wrongPassword()
	case err != nil:
		return nil, unreadableSSH()
	}
	if p, ok := key.(*ed25519.PrivateKey); ok {
		key = *p
	}
	private, ok := key.(crypto.Signer)
	if !ok {
		return nil, unreadableSSH()
	}
	public, err := ssh.NewPublicKey(private.Public())
	if err != nil || !bytes.Equal(f.Public, public.Marshal()) {
		return nil, &fault.Error{
			Reason: ErrInconsistent, Found: "this is an OpenSSH key whose public half does not belong to its private half",
			Hint: "export the key again; this copy is damaged or was tampered with",
		}
	}
	return key, nil
}

func unreadableSSH() error {
	return &fault.Error{Reason: ErrUnreadable, Found: "this is an OpenSSH key that is damaged", Hint: "copy the whole key again"}
}
