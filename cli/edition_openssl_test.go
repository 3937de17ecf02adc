//go:build openssl

package cli

import (
	"strings"
	"testing"
)

func TestTheFullEditionSignsWithOpenSSL(t *testing.T) {
	b := newBuild(Env{})
	if b.Edition != "full" || !strings.HasPrefix(b.Crypto, "openssl 3.") || b.backEnd.rsa == nil {
		t.Errorf("%s", b)
	}
}
