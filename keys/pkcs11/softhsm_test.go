//go:build cgo

package pkcs11_test

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/miekg/pkcs11"
)

const (
	soPIN   = "12345678"
	userPIN = "1234"
)

// softHSM is SoftHSM 2 with tokens of this test binary. The library reads its
// configuration once, so all tokens are in one folder.
type softHSM struct {
	module string // path of the library
	folder string
	ctx    *pkcs11.Ctx
}

// hsm is started by TestMain: it is slow, and a process loads the library once.
var hsm softHSM

func TestMain(m *testing.M) {
	var err error
	if hsm, err = startSoftHSM(); err != nil {
		fmt.Fprintln(os.Stderr, "error:", err)
		os.Exit(1)
	}
	code := m.Run()
	_ = os.RemoveAll(hsm.folder)
	os.Exit(code)
}

// startSoftHSM needs Debian's package softhsm2, which .ci/softhsm installs.
func startSoftHSM() (softHSM, error) {
	var h softHSM
	for _, path := range []string{os.Getenv("SOFTHSM2_MODULE"), "/usr/lib/softhsm/libsofthsm2.so", "/usr/lib64/softhsm/libsofthsm2.so", "/usr/local/lib/softhsm/libsofthsm2.so", "/opt/homebrew/lib/softhsm/libsofthsm2.so"} {
		if _, err := os.Stat(path); path != "" && err == nil {
			h.module = path
			break
		}
	}
	if h.module == "" {
		return h, fmt.Errorf("there is no libsofthsm2.so; run .ci/softhsm, install softhsm2, or set SOFTHSM2_MODULE")
	}
	var err error
	if h.folder, err = os.MkdirTemp("", "softhsm"); err != nil {
		return h, err
	}
	config := filepath.Join(h.folder, "softhsm2.conf")
	text := "directories.tokendir = " + h.folder + "\nobjectstore.backend = file\nlog.level = ERROR\n"
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		return h, err
	}
	if err := os.Setenv("SOFTHSM2_CONF", config); err != nil {
		return h, err
	}
	h.ctx = pkcs11.New(h.module)
	return h, h.ctx.Initialize()
}

// put creates a token with a label, and returns a session that may write.
func (h softHSM) put(t *testing.T, label string) pkcs11.SessionHandle {
	t.Helper()
	slots, err := h.ctx.GetSlotList(true)
	if err != nil {
		t.Fatal(err)
	}
	slot := slots[len(slots)-1] // the slot without a token is last
	h.do(t, h.ctx.InitToken(slot, soPIN, label))
	session := h.session(t, label)
	h.do(t, h.ctx.Login(session, pkcs11.CKU_SO, soPIN))
	h.do(t, h.ctx.InitPIN(session, userPIN))
	h.do(t, h.ctx.Logout(session))
	h.do(t, h.ctx.Login(session, pkcs11.CKU_USER, userPIN))
	return session
}

func (h softHSM) session(t *testing.T, label string) pkcs11.SessionHandle {
	t.Helper()
	slots, err := h.ctx.GetSlotList(true)
	h.do(t, err)
	for _, slot := range slots {
		if about, err := h.ctx.GetTokenInfo(slot); err == nil && about.Label == label {
			session, err := h.ctx.OpenSession(slot, pkcs11.CKF_SERIAL_SESSION|pkcs11.CKF_RW_SESSION)
			h.do(t, err)
			return session
		}
	}
	t.Fatal("no slot has the token")
	return 0
}

func (h softHSM) setPIN(t *testing.T, label, from, to string) {
	t.Helper()
	session := h.session(t, label)
	h.do(t, h.ctx.Login(session, pkcs11.CKU_USER, from))
	h.do(t, h.ctx.SetPIN(session, from, to))
	h.do(t, h.ctx.CloseSession(session))
}

func (h softHSM) do(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// The DER of the curves' OIDs.
const (
	p256      = "\x06\x08\x2a\x86\x48\xce\x3d\x03\x01\x07"
	p384      = "\x06\x05\x2b\x81\x04\x00\x22"
	p521      = "\x06\x05\x2b\x81\x04\x00\x23"
	secp256k1 = "\x06\x05\x2b\x81\x04\x00\x0a"
	ed25519   = "\x06\x03\x2b\x65\x70"
)

// generate creates a key pair. kind is rsa, or the name of a curve in DER.
func (h softHSM) generate(t *testing.T, session pkcs11.SessionHandle, label, id, kind string) {
	t.Helper()
	mechanism := uint(pkcs11.CKM_EC_KEY_PAIR_GEN)
	public := []*pkcs11.Attribute{
		pkcs11.NewAttribute(pkcs11.CKA_TOKEN, true), pkcs11.NewAttribute(pkcs11.CKA_VERIFY, true),
		pkcs11.NewAttribute(pkcs11.CKA_LABEL, label), pkcs11.NewAttribute(pkcs11.CKA_ID, []byte(id)),
	}
	switch kind {
	case "rsa":
		mechanism = pkcs11.CKM_RSA_PKCS_KEY_PAIR_GEN
		public = append(public, pkcs11.NewAttribute(pkcs11.CKA_MODULUS_BITS, 2048), pkcs11.NewAttribute(pkcs11.CKA_PUBLIC_EXPONENT, []byte{1, 0, 1}))
	case ed25519:
		mechanism = 0x1055 // CKM_EC_EDWARDS_KEY_PAIR_GEN
		fallthrough
	default:
		public = append(public, pkcs11.NewAttribute(pkcs11.CKA_EC_PARAMS, []byte(kind)))
	}
	private := []*pkcs11.Attribute{
		pkcs11.NewAttribute(pkcs11.CKA_TOKEN, true), pkcs11.NewAttribute(pkcs11.CKA_PRIVATE, true), pkcs11.NewAttribute(pkcs11.CKA_SENSITIVE, true),
		pkcs11.NewAttribute(pkcs11.CKA_SIGN, true), pkcs11.NewAttribute(pkcs11.CKA_LABEL, label), pkcs11.NewAttribute(pkcs11.CKA_ID, []byte(id)),
	}
	_, _, err := h.ctx.GenerateKeyPair(session, []*pkcs11.Mechanism{pkcs11.NewMechanism(mechanism, nil)}, public, private)
	h.do(t, err)
}

// wipe deletes every object of a session's token.
func (h softHSM) wipe(t *testing.T, session pkcs11.SessionHandle) {
	t.Helper()
	h.do(t, h.ctx.FindObjectsInit(session, nil))
	list, _, err := h.ctx.FindObjects(session, 100)
	h.do(t, err)
	h.do(t, h.ctx.FindObjectsFinal(session))
	for _, o := range list {
		h.do(t, h.ctx.DestroyObject(session, o))
	}
}
