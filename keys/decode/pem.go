package decode

import (
	"context"

	"golang.org/x/crypto/cryptobyte"

	"conductor-jwt/internal/fault"
	"conductor-jwt/internal/secret"
)

// readText reads a private key from text that is not JSON: PEM, or the base64
// of DER without armour. Other text is diagnosed.
func readText(ctx context.Context, text string, password secret.Text) (Key, error) {
	if isMemberPEM(text) {
		return Key{}, wrappedJSON(text)
	}
	if hasArmour(text) {
		return readPEM(ctx, text, password)
	}
	if der, ok := bareBase64(text); ok {
		return readBinary(ctx, der, password)
	}
	return Key{}, diagnose(text)
}

// readPEM reads the one private key of text, and the certificates beside it as
// its chain, in their order.
func readPEM(ctx context.Context, text string, password secret.Text) (Key, error) {
	blocks, err := scanArmour(text)
	if err != nil {
		return Key{}, err
	}
	found := groupBlocks(blocks)
	switch len(found.private) {
	case 0:
		return Key{}, found.withoutKey(text)
	case 1:
	default:
		return Key{}, &fault.Error{Reason: ErrAmbiguous, Found: "there is more than one private key", Hint: "give exactly one, or a JWKS and the key's id in " + fault.KeyID}
	}
	curve, err := found.curve()
	if err != nil {
		return Key{}, err
	}
	private, err := readBlock(ctx, found.private[0], curve, password)
	if err != nil {
		return Key{}, err
	}
	return Key{Private: private, Chain: found.chain()}, nil
}

// readBlock reads a private key of any form that PEM wraps. The content
// decides, not the label, which often is that of another form.
func readBlock(ctx context.Context, b block, curve string, password secret.Text) (any, error) {
	kind := kindOfLabel(b.label)
	if kind == labelOtherPrivate {
		return nil, otherPrivate(b.label)
	}
	der, ok := decodeBase64(b.body)
	if !ok {
		return nil, notBase64()
	}
	switch {
	case kind == labelOpenSSH:
		return readOpenSSH(ctx, der, password)
	case kind == labelCosign:
		return readCosign(ctx, der, password)
	case b.dek.cipher != "":
		return readLegacy(ctx, b.dek, der, curve, password)
	}
	return readDER(ctx, der, curve, password)
}

// readBinary reads a private key from DER.
func readBinary(ctx context.Context, der []byte, password secret.Text) (Key, error) {
	private, err := readDER(ctx, der, "", password)
	return Key{Private: private}, err
}

// readDER reads a private key, encrypted or not, in any of its DER forms.
func readDER(ctx context.Context, der []byte, curve string, password secret.Text) (any, error) {
	switch shapeOf(der) {
	case shapeEncrypted:
		plain, err := openPBES2(ctx, der, password)
		if err != nil {
			return nil, err
		}
		return readOpened(plain, curve)
	default:
		return readPlainDER(der, curve)
	}
}

func readPlainDER(der []byte, curve string) (any, error) {
	switch shapeOf(der) {
	case shapePKCS8:
		return readPKCS8(der)
	case shapePKCS1:
		return readPKCS1(der)
	case shapeSEC1:
		return readSEC1(der, curve)
	case shapeEncrypted:
		return nil, &fault.Error{Reason: ErrUnsupported, Found: "this is a key that is encrypted twice", Hint: "export the key again and encrypt it once"}
	}
	return nil, notPrivateDER(der)
}

// blockGroups are the blocks of a PEM text by kind.
type blockGroups struct {
	private, params, certificates, public, csr, other []block
}

func groupBlocks(blocks []block) blockGroups {
	var s blockGroups
	for _, b := range blocks {
		switch kindOfLabel(b.label) {
		case labelPrivate, labelOpenSSH, labelCosign, labelOtherPrivate:
			s.private = append(s.private, b)
		case labelParams:
			s.params = append(s.params, b)
		case labelCertificate:
			s.certificates = append(s.certificates, b)
		case labelPublic:
			s.public = append(s.public, b)
		case labelCSR:
			s.csr = append(s.csr, b)
		case labelOther:
			s.other = append(s.other, b)
		}
	}
	return s
}

// curve reads the EC PARAMETERS that openssl writes in front of a key.
func (s blockGroups) curve() (string, error) {
	if len(s.params) == 0 || withoutSpaces(s.params[0].label) != "ECPARAMETERS" {
		return "", nil
	}
	der, ok := decodeBase64(s.params[0].body)
	if !ok {
		return "", notBase64()
	}
	return readCurve(cryptobyte.String(der))
}

// derOfText returns the DER of text without armour, raw or in base64.
func derOfText(text string) ([]byte, bool) {
	if isRawDER(text) {
		return []byte(text), true
	}
	return bareBase64(text)
}

// bareBase64 decodes the base64 of DER without armour.
func bareBase64(text string) ([]byte, bool) {
	der, ok := anyBase64(text)
	// Every form begins with a SEQUENCE; other text is a word in the
	// alphabet of base64.
	return der, ok && len(der) > 16 && der[0] == 0x30
}

func notBase64() error {
	return &fault.Error{Reason: ErrUnreadable, Found: "this is PEM text whose content is not base64", Hint: "copy the whole key again; no character may be lost or added"}
}
