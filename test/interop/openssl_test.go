package interop

import (
	"context"
	"encoding/asn1"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"math/big"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// openssl signs and verifies with the openssl program, which reads PEM only.
func openssl(t *testing.T) peer {
	t.Helper()
	dir := t.TempDir()
	unsupported := append(mldsaNames(), "ES256K", "Ed25519", "HS256", "HS384", "HS512")
	return peer{name: "openssl", unsupported: unsupported, call: func(r request) (response, error) {
		o := opensslRun{dir: dir, ctx: t.Context, request: r}
		if r.Op == "sign" {
			return o.sign()
		}
		return o.verify()
	}}
}

type opensslRun struct {
	dir string
	ctx func() context.Context
	request
}

func (o opensslRun) file(name string, data []byte) (string, error) {
	path := filepath.Join(o.dir, name)
	return path, os.WriteFile(path, data, 0o600)
}

// options returns the options of `openssl pkeyutl` for a message, not a digest.
func (o opensslRun) options() []string {
	if o.Alg == "EdDSA" {
		return []string{"-rawin"}
	}
	options := []string{"-rawin", "-digest", "sha" + o.Alg[2:]}
	if strings.HasPrefix(o.Alg, "PS") {
		options = append(options, "-pkeyopt", "rsa_padding_mode:pss", "-pkeyopt", "rsa_pss_saltlen:digest")
	}
	return options
}

func (o opensslRun) run(args ...string) error {
	out, err := exec.CommandContext(o.ctx(), "openssl", append(append([]string{"pkeyutl"}, args...), o.options()...)...).CombinedOutput()
	if err != nil {
		return fmt.Errorf("openssl pkeyutl: %w: %s", err, out)
	}
	return nil
}

func (o opensslRun) sign() (response, error) {
	head, err := json.Marshal(map[string]string{"alg": o.Alg, "typ": "JWT"})
	if err != nil {
		return response{}, err
	}
	input := base64.RawURLEncoding.EncodeToString(head) + "." + base64.RawURLEncoding.EncodeToString(o.Claims)
	key, err := o.file("private", []byte(o.Key))
	if err != nil {
		return response{}, err
	}
	in, err := o.file("input", []byte(input))
	if err != nil {
		return response{}, err
	}
	out := filepath.Join(o.dir, "signature")
	if err := o.run("-sign", "-inkey", key, "-in", in, "-out", out); err != nil {
		return response{}, err
	}
	signature, err := os.ReadFile(out)
	if err != nil {
		return response{}, err
	}
	if strings.HasPrefix(o.Alg, "ES") {
		if signature, err = fixedWidth(o.Alg, signature); err != nil {
			return response{}, err
		}
	}
	return response{OK: true, Token: input + "." + base64.RawURLEncoding.EncodeToString(signature)}, nil
}

func (o opensslRun) verify() (response, error) {
	input, claims, signature, err := split(o.Token)
	if err != nil {
		return response{}, err
	}
	if strings.HasPrefix(o.Alg, "ES") {
		if signature, err = derOf(signature); err != nil {
			return response{}, err
		}
	}
	key, err := o.file("public", []byte(o.Key))
	if err != nil {
		return response{}, err
	}
	in, err := o.file("input", input)
	if err != nil {
		return response{}, err
	}
	sig, err := o.file("signature", signature)
	if err != nil {
		return response{}, err
	}
	err = o.run("-verify", "-pubin", "-inkey", key, "-in", in, "-sigfile", sig)
	return response{OK: err == nil, Claims: claims}, err
}

type ecdsaSignature struct{ R, S *big.Int }

func derOf(fixed []byte) ([]byte, error) {
	half := len(fixed) / 2
	return asn1.Marshal(ecdsaSignature{new(big.Int).SetBytes(fixed[:half]), new(big.Int).SetBytes(fixed[half:])})
}

func fixedWidth(alg string, der []byte) ([]byte, error) {
	var s ecdsaSignature
	if _, err := asn1.Unmarshal(der, &s); err != nil {
		return nil, err
	}
	width := map[string]int{"ES256": 32, "ES384": 48, "ES512": 66}[alg]
	out := make([]byte, 2*width)
	s.R.FillBytes(out[:width])
	s.S.FillBytes(out[width:])
	return out, nil
}
