package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"conductor-jwt/internal/secret"
	"conductor-jwt/keys"
	"conductor-jwt/signer"
)

// fitCertificate adds what the first certificate of the file is, or fails
// where it is not this key's.
func (k anyKey) fitCertificate(facts *signer.Object, name string, now time.Time) error {
	if name == "" {
		return nil
	}
	chain, err := readChain(name)
	if err != nil {
		return err
	}
	leaf := chain[0]
	if err := signer.MatchCertificate(k.verifier.Public(), leaf); err != nil {
		return withHint(fmt.Errorf("%s: its first certificate is not one of %s", shown(name), shown(k.name)),
			"look for the certificate, or for the key, of the other")
	}
	var c signer.Object
	c.String("subject", leaf.Subject.String())
	c.String("notBefore", leaf.NotBefore.UTC().Format(time.RFC3339))
	c.String("notAfter", leaf.NotAfter.UTC().Format(time.RFC3339))
	c.Int("chain", int64(len(chain)))
	if err := signer.CheckChain(chain, now); err != nil {
		c.String("problem", signerError("", err).Error())
	}
	facts.Set("certificate", c.AppendJSON(nil))
	return nil
}

// fitSet adds the id under which a JWK Set holds this key, or fails where it
// does not.
func (k anyKey) fitSet(ctx context.Context, facts *signer.Object, name string) error {
	if name == "" {
		return nil
	}
	thumbprint, err := keys.Thumbprint(k.subject())
	if err != nil {
		return keyError(k.name, err)
	}
	elements, err := readSet(name)
	if err != nil {
		return err
	}
	for _, e := range elements {
		v, err := keys.ReadVerifier(ctx, keys.Ref{Text: secret.New(string(e))})
		if err != nil {
			continue // a key of another kind or use does not disturb the others (RFC 7517 §5)
		}
		if id, err := keys.Thumbprint(v); err != nil || id != thumbprint {
			continue
		}
		var found signer.Object
		addText(&found, "keyId", v.ID())
		found.Strings("algorithms", texts(v.Algorithms()))
		facts.Set("jwks", found.AppendJSON(nil))
		return nil
	}
	return withHint(fmt.Errorf("%s: none of its %s is %s", shown(name), plural(len(elements), "key"), shown(k.name)),
		"publish it: `conductor-jwt jwks "+shown(k.name)+"`")
}

// readSet reads the keys of a JWK Set, each as it is.
func readSet(name string) ([]json.RawMessage, error) {
	raw, err := readFile(name, maxKeySet)
	if err != nil {
		return nil, err
	}
	set, err := signer.ParseObject(raw, signer.Limits{Bytes: maxKeySet})
	if err != nil {
		return nil, signerError(shown(name), err)
	}
	elements, ok := keysOf(&set)
	if !ok {
		return nil, withHint(errors.New(shown(name)+": not a JWK Set"), "a JWK Set is an object with an array keys (rfc 7517 section 5)")
	}
	return elements, nil
}

// maxKeySet is the size in bytes of the largest JWK Set that is compared with.
const maxKeySet = 1 << 20
