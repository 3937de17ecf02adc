package keys

import "testing"

// TestEachRowAgreesWithItself checks the columns of a row against a signature.
func TestEachRowAgreesWithItself(t *testing.T) {
	for _, a := range Algorithms() {
		r := rowOf(a)
		t.Run(string(r.name), func(t *testing.T) {
			if got := r.method.Alg(); got != string(r.name) {
				t.Errorf("its method is that of %s", got)
			}
			k, err := Generate(r.name, 0)
			if err != nil {
				t.Fatal(err)
			}
			if got := KindOf(k); got != r.kind {
				t.Errorf("Generate makes a key of the kind %s", got)
			}
			input := []byte("x.y")
			signature, err := k.Sign(t.Context(), r.name, input)
			if err != nil {
				t.Fatal(err)
			}
			if r.width > 0 && len(signature) != 2*r.width {
				t.Errorf("R || S has %d bytes", len(signature))
			}
			if digest := Digest(r.name, input); len(digest) != 0 && len(digest) != r.hash.Size() {
				t.Errorf("its digest has %d bytes", len(digest))
			}
			v, err := VerifierOf(k)
			if err != nil {
				t.Fatal(err)
			}
			if err := v.Verify(r.name, input, signature); err != nil {
				t.Error(err)
			}
		})
	}
}
