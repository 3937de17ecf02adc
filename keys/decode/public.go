package decode

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/mldsa"
	"encoding/pem"
	"fmt"
	"math/big"
	"slices"
	"strings"

	"github.com/decred/dcrd/dcrec/secp256k1/v4"
	"golang.org/x/crypto/cryptobyte"
	"golang.org/x/crypto/ssh"

	"conductor-jwt/internal/fault"
)

// readPublicPEM reads the one public key of PEM text: a public key block, or
// else that of the first certificate. The certificates are its chain, in their
// order.
func readPublicPEM(text string) (Key, error) {
	blocks, err := scanArmour(text)
	if err != nil {
		return Key{}, err
	}
	found := groupBlocks(blocks)
	// Public keys are found in the armour of private ones.
	candidates := slices.Concat(found.public, found.private)
	switch {
	case len(candidates) > 1:
		return Key{}, &fault.Error{Reason: ErrAmbiguous, Found: "there is more than one key", Hint: "give exactly one"}
	case len(candidates) == 1:
		public, err := readPublicBlock(candidates[0])
		return Key{Public: public, Chain: found.chain()}, err
	case len(found.certificates) > 0:
		chain, err := parseCertificates(found.certificates)
		if err != nil {
			return Key{}, err
		}
		public, err := readSPKI(chain[0].RawSubjectPublicKeyInfo)
		return Key{Public: public, Chain: chain}, ofCertificate(err)
	}
	return Key{}, found.withoutKey(text)
}

func readPublicBlock(b block) (any, error) {
	der, ok := decodeBase64(b.body)
	if !ok {
		return nil, notBase64()
	}
	switch shapeOf(der) {
	case shapeSPKI:
		return readSPKI(der)
	case shapePKCS1Public:
		return readPKCS1Public(der)
	case shapeCertificate:
		c, err := parseCertificate(der)
		if err != nil {
			return nil, err
		}
		public, err := readSPKI(c.RawSubjectPublicKeyInfo)
		return public, ofCertificate(err)
	}
	return nil, notPrivateDER(der)
}

// readSPKI reads a SubjectPublicKeyInfo (RFC 5280 §4.1) of any type that signs.
func readSPKI(der []byte) (any, error) {
	s, ok := wholeSequence(der)
	if !ok {
		return nil, notDER("this is a public key", der)
	}
	oid, params, ok := readAlgorithm(&s)
	var key []byte
	if !ok || !s.ReadASN1BitStringAsBytes(&key) || !s.Empty() {
		return nil, unreadablePublic()
	}
	switch oid {
	case oidRSA:
		return readPKCS1Public(key)
	case OIDRSAPSS:
		return readPSSPublic(key, params)
	case OIDEC:
		return readECPoint(key, params)
	case oidEd25519:
		if len(key) != ed25519.PublicKeySize {
			return nil, unreadablePublic()
		}
		return ed25519.PublicKey(key), nil
	case oidMLDSA44, oidMLDSA65, oidMLDSA87:
		public, err := mldsa.NewPublicKey(mldsaOf(oid), key)
		if err != nil {
			return nil, unreadablePublic()
		}
		return public, nil
	}
	return nil, unsupportedType(oid)
}

func readPSSPublic(key []byte, params cryptobyte.String) (any, error) {
	hash, err := readPSSParams(params)
	if err != nil {
		return nil, err
	}
	public, err := readPKCS1Public(key)
	if err != nil {
		return nil, err
	}
	return RSAPSSPublic{Key: public, Hash: hash}, nil
}

// readECPoint reads an ECPoint (RFC 5480 §2.2).
func readECPoint(point []byte, params cryptobyte.String) (any, error) {
	oid, err := readCurve(params)
	if err != nil {
		return nil, err
	}
	if len(point) == 0 || point[0] < 2 || point[0] > 4 {
		return nil, unreadablePublic()
	}
	if oid == OIDSecp256k1 {
		public, err := secp256k1.ParsePubKey(point)
		if err != nil {
			return nil, unreadablePublic()
		}
		return public, nil
	}
	curve := curveOf(oid)
	if curve == nil {
		return nil, unsupportedCurve(oid)
	}
	if point[0] != 4 {
		x, y := elliptic.UnmarshalCompressed(curve, point)
		if x == nil {
			return nil, unreadablePublic()
		}
		point = expandPoint(curve, x, y)
	}
	public, err := ecdsa.ParseUncompressedPublicKey(curve, point)
	if err != nil {
		return nil, unreadablePublic()
	}
	return public, nil
}

// expandPoint returns the uncompressed form of a point (SEC 1 §2.3.3).
func expandPoint(curve elliptic.Curve, x, y *big.Int) []byte {
	size := (curve.Params().BitSize + 7) / 8
	out := make([]byte, 1+2*size)
	out[0] = 4
	x.FillBytes(out[1 : 1+size])
	y.FillBytes(out[1+size:])
	return out
}

func unreadablePublic() error {
	return &fault.Error{Reason: ErrUnreadable, Found: "this is a public key that is damaged", Hint: "copy the whole key again"}
}

// readPublicText reads a public key or certificate, armoured or not.
func readPublicText(text string) (Key, error) {
	if hasArmour(text) {
		return readPublicPEM(text)
	}
	der, ok := derOfText(text)
	if !ok {
		return readSSHPublic(text)
	}
	label := "PUBLIC KEY"
	switch shapeOf(der) {
	case shapePKCS1Public:
		label = "RSA PUBLIC KEY"
	case shapeCertificate:
		label = "CERTIFICATE"
	}
	return readPublicPEM(string(pem.EncodeToMemory(&pem.Block{Type: label, Bytes: der})))
}

// readSSHPublic reads a line of an authorized_keys file (sshd(8) of OpenSSH).
func readSSHPublic(text string) (Key, error) {
	public, _, _, _, err := ssh.ParseAuthorizedKey([]byte(text))
	switch trimmed := trimQuotes(text); {
	case err == nil:
	case strings.HasPrefix(trimmed, "---- BEGIN SSH2"):
		return Key{}, foundSSH2()
	case strings.HasPrefix(trimmed, "ssh-ed448"):
		return Key{}, unsupportedKey("Ed448")
	case isSSHPublic(trimmed):
		return Key{}, unreadablePublic()
	default:
		return Key{}, diagnose(text)
	}
	held, ok := public.(ssh.CryptoPublicKey)
	switch {
	case public.Type() == "ssh-dss":
		return Key{}, unsupportedKey("DSA")
	case !ok:
		return Key{}, unsupportedPublic()
	}
	return Key{Public: held.CryptoPublicKey()}, nil
}

// isPublicMap reports the form in which Google publishes the keys of service
// accounts: ids, each with a certificate or a public key in PEM.
func isPublicMap(m members) bool {
	for name := range m {
		text, ok, err := m.text(name)
		if err != nil || !ok || !hasArmour(text) || strings.Contains(text, "PRIVATE") {
			return false
		}
	}
	return len(m) > 0
}

// readPublicMap reads the key with that id, or the only one.
func readPublicMap(m members, id string) (Key, error) {
	if id == "" && len(m) == 1 {
		for id = range m {
			break
		}
	}
	text, ok, err := m.text(id)
	if err != nil || !ok {
		return Key{}, &fault.Error{
			Reason: ErrAmbiguous, Found: fmt.Sprintf("these are %d certificates or public keys under their ids, none with the requested id", len(m)),
			Hint: "set " + fault.KeyID + " to the id of one of them",
		}
	}
	k, err := readPublicText(text)
	k.ID = id
	return k, err
}
