package keys

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/ed25519"
	"encoding/binary"
	"math/big"
)

// sshMagic begins the content of an OPENSSH PRIVATE KEY (PROTOCOL.key of
// OpenSSH, whose formats the functions below follow).
const sshMagic = "openssh-key-v1\x00"

// sshReader reads the strings and numbers of RFC 4251 §5 and remembers
// whether one was cut.
type sshReader struct {
	rest []byte
	bad  bool
}

func (r *sshReader) uint32() uint32 {
	if len(r.rest) < 4 {
		r.bad = true
		return 0
	}
	n := binary.BigEndian.Uint32(r.rest)
	r.rest = r.rest[4:]
	return n
}

func (r *sshReader) bytes() []byte {
	n := r.uint32()
	if r.bad || uint64(n) > uint64(len(r.rest)) {
		r.bad = true
		return nil
	}
	out := r.rest[:n]
	r.rest = r.rest[n:]
	return out
}

// mpint reads a number that may not be negative.
func (r *sshReader) mpint() *big.Int {
	b := r.bytes()
	if len(b) > 0 && b[0]&0x80 != 0 {
		r.bad = true
	}
	return new(big.Int).SetBytes(b)
}

// sshFile is the outer layer of an OpenSSH private key.
type sshFile struct {
	cipher, kdf string
	kdfOptions  []byte
	public      []byte // the key's blob in the clear
	sealed      []byte // the private section, encrypted or not
	tag         []byte // of an authenticating cipher
}

// readOpenSSH reads an OpenSSH private key.
func readOpenSSH(ctx context.Context, data []byte, ref Ref) (any, error) {
	f, err := splitOpenSSH(data)
	if err != nil {
		return nil, err
	}
	section := f.sealed
	encrypted := f.cipher != "none"
	if encrypted {
		if section, err = f.open(ctx, ref); err != nil {
			return nil, err
		}
	}
	r := &sshReader{rest: section}
	check1, check2 := r.uint32(), r.uint32()
	if r.bad || check1 != check2 {
		if encrypted {
			return nil, wrongPassword()
		}
		return nil, unreadableSSH()
	}
	return r.readKey(f.public)
}

func splitOpenSSH(data []byte) (sshFile, error) {
	rest, ok := bytes.CutPrefix(data, []byte(sshMagic))
	if !ok {
		return sshFile{}, unreadableSSH()
	}
	r := &sshReader{rest: rest}
	f := sshFile{cipher: string(r.bytes()), kdf: string(r.bytes()), kdfOptions: r.bytes()}
	if n := r.uint32(); !r.bad && n != 1 {
		return sshFile{}, &Error{Reason: ErrAmbiguous, Found: "an openssh file that does not hold exactly one key", Hint: "give one key"}
	}
	f.public = r.bytes()
	f.sealed = r.bytes()
	f.tag = r.rest
	if r.bad || (f.cipher == "none") != (f.kdf == "none") || f.cipher == "none" && len(f.tag) > 0 {
		return sshFile{}, unreadableSSH()
	}
	return f, nil
}

// readKey reads the key behind the check numbers, up to the padding.
func (r *sshReader) readKey(public []byte) (any, error) {
	kind := string(r.bytes())
	var key any
	var err error
	switch kind {
	case "ssh-rsa":
		key, err = r.rsa()
	case "ecdsa-sha2-nistp256":
		key, err = r.ecdsa("nistp256", oidP256)
	case "ecdsa-sha2-nistp384":
		key, err = r.ecdsa("nistp384", oidP384)
	case "ecdsa-sha2-nistp521":
		key, err = r.ecdsa("nistp521", oidP521)
	case "ssh-ed25519":
		key, err = r.ed25519()
	default:
		return nil, r.otherKind(kind)
	}
	if err != nil {
		return nil, err
	}
	r.bytes() // comment
	if r.bad || !isSSHPadding(r.rest) {
		return nil, unreadableSSH()
	}
	if !bytes.Equal(public, sshPublic(kind, key)) {
		return nil, &Error{
			Reason: ErrInconsistent, Found: "an openssh key whose public half does not belong to its private half",
			Hint: "export the key again; this copy is damaged or was tampered with",
		}
	}
	return key, nil
}

func (r *sshReader) otherKind(kind string) error {
	if r.bad {
		return unreadableSSH()
	}
	if kind == "ssh-dss" {
		return unsupportedKey("DSA")
	}
	return &Error{
		Reason: ErrUnsupported, Found: "an openssh key of a type that cannot sign a jwt, such as one in a hardware token",
		Hint: "use an rsa, ecdsa or ed25519 key",
	}
}

func (r *sshReader) rsa() (any, error) {
	n, e, d := r.mpint(), r.mpint(), r.mpint()
	qinv, p, q := r.mpint(), r.mpint(), r.mpint()
	if r.bad {
		return nil, unreadableSSH()
	}
	if err := checkRSABits(n.BitLen()); err != nil {
		return nil, err
	}
	one := big.NewInt(1)
	for _, v := range []*big.Int{d, p, q} {
		if v.Cmp(one) <= 0 || v.BitLen() > n.BitLen() {
			return nil, inconsistentRSA()
		}
	}
	dp := new(big.Int).Mod(d, new(big.Int).Sub(p, one))
	dq := new(big.Int).Mod(d, new(big.Int).Sub(q, one))
	return buildRSA(n, []*big.Int{e, d, p, q, dp, dq, qinv})
}

func (r *sshReader) ecdsa(name, curve string) (any, error) {
	if string(r.bytes()) != name {
		return nil, inconsistentCurve()
	}
	point, scalar := r.bytes(), r.mpint()
	if r.bad {
		return nil, unreadableSSH()
	}
	return sec1{scalar: scalar.Bytes(), curve: curve, public: point}.build()
}

func (r *sshReader) ed25519() (any, error) {
	public, private := r.bytes(), r.bytes()
	if r.bad || len(private) != ed25519.PrivateKeySize {
		return nil, unreadableSSH()
	}
	key := ed25519.NewKeyFromSeed(private[:ed25519.SeedSize])
	if !bytes.Equal(key, private) || !bytes.Equal(key[ed25519.SeedSize:], public) {
		return nil, inconsistentEd25519()
	}
	return key, nil
}

// isSSHPadding checks the bytes 1, 2, 3 … behind the comment.
func isSSHPadding(b []byte) bool {
	for i, v := range b {
		if int(v) != i+1 {
			return false
		}
	}
	return true
}

func unreadableSSH() error {
	return &Error{Reason: ErrUnreadable, Found: "an openssh key that is damaged", Hint: "copy the whole key again"}
}

// sshPublic writes the public blob of a key (RFC 4253 §6.6, RFC 5656 §3.1,
// RFC 8709 §4).
func sshPublic(kind string, key any) []byte {
	w := appendSSH(nil, []byte(kind))
	switch k := key.(type) {
	case ed25519.PrivateKey:
		return appendSSH(w, k[ed25519.SeedSize:])
	case *ecdsa.PrivateKey:
		point, err := k.PublicKey.Bytes()
		if err != nil {
			return nil
		}
		return appendSSH(appendSSH(w, []byte(kind[len("ecdsa-sha2-"):])), point)
	}
	return sshPublicRSA(w, key)
}
