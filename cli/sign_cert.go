package cli

import (
	"bytes"
	"crypto/x509"
	"time"

	"conductor-jwt/keys"
	"conductor-jwt/signer"
)

// maxCertificates is the size in bytes of the largest certificate file, that
// of [keys.ReadChain].
const maxCertificates = 64 << 10

// addCertificates puts the certificates into the request. step demands that a
// certificate for x5c or x5t says digitalSignature; x5t#S256 is not step's,
// and there the rule is RFC 5280's: what says nothing forbids nothing.
func addCertificates(f *signFlags, r *signer.Request, now time.Time) error {
	x5c := signer.HeaderX5C
	if f.x5cInsecure {
		x5c = signer.HeaderX5CInsecure
	}
	for _, m := range []struct {
		file, header string
		whole, says  bool
	}{{f.x5c, x5c, true, true}, {f.x5t, signer.HeaderX5T, false, true}, {f.x5t2, signer.HeaderX5TS256, false, false}} {
		if m.file == "" {
			continue
		}
		chain, err := readChain(m.file)
		if err != nil {
			return err
		}
		if !m.whole {
			chain = chain[:1]
		}
		if err := checkChain(m.file, chain, m.says, now); err != nil {
			return err
		}
		if len(r.Chain) > 0 && !bytes.Equal(r.Chain[0].Raw, chain[0].Raw) {
			return usage("name one certificate of the key in all of them", "%s begins with another certificate than the flag before it", shown(m.file))
		}
		if len(r.Chain) == 0 {
			r.Chain = chain
		}
		r.ChainHeaders = append(r.ChainHeaders, m.header)
	}
	return nil
}

func checkChain(name string, chain []*x509.Certificate, says bool, now time.Time) error {
	err := signer.CheckChain(chain, now)
	if err == nil && says {
		err = signer.CheckKeyUsage(chain[0])
	}
	if err != nil {
		return signerError(shown(name), err)
	}
	return nil
}

func readChain(name string) ([]*x509.Certificate, error) {
	raw, err := readFile(name, maxCertificates)
	if err != nil {
		return nil, err
	}
	chain, err := keys.ReadChain(string(raw))
	if err != nil {
		return nil, keyError(name, err)
	}
	return chain, nil
}
