package decode

import (
	"crypto/elliptic"
	"fmt"
	"strconv"
	"strings"

	"conductor-jwt/internal/fault"
)

// The object identifiers of the curves that sign (SEC 2 §A.2, RFC 5480
// §2.1.1.1).
const (
	oidP256      = "1.2.840.10045.3.1.7"
	oidP384      = "1.3.132.0.34"
	oidP521      = "1.3.132.0.35"
	OIDSecp256k1 = "1.3.132.0.10"
)

// curveOf gives a curve of the standard library, nil for any other.
func curveOf(oid string) elliptic.Curve {
	switch oid {
	case oidP256:
		return elliptic.P256()
	case oidP384:
		return elliptic.P384()
	case oidP521:
		return elliptic.P521()
	}
	return nil
}

// curveName names the curves that people have keys of but no JWS algorithm, by
// object identifier (SEC 2 §A.2, RFC 5639 §4.1) or by the crv of a JWK.
func curveName(name string) string {
	switch name {
	case "1.2.840.10045.3.1.1", "P-192":
		return "P-192"
	case "1.3.132.0.33", "P-224":
		return "P-224"
	case "1.3.132.0.31":
		return "secp192k1"
	case "1.3.132.0.32":
		return "secp224k1"
	case "1.2.156.10197.1.301", "SM2", "sm2p256v1":
		return "SM2"
	}
	if last, ok := strings.CutPrefix(name, "1.3.36.3.3.2.8.1.1."); ok {
		if n, err := strconv.Atoi(last); err == nil && n >= 1 && n <= 14 {
			return fmt.Sprintf("brainpoolP%d%c1", []int{160, 192, 224, 256, 320, 384, 512}[(n-1)/2], "rt"[(n-1)%2])
		}
	}
	for _, bits := range []string{"160", "192", "224", "256", "320", "384", "512"} {
		if strings.EqualFold(name, "BP-"+bits) || strings.EqualFold(name, "brainpoolP"+bits+"r1") {
			return "brainpoolP" + bits + "r1"
		}
	}
	return "another curve"
}

func unsupportedCurve(oid string) error {
	return &fault.Error{
		Reason: ErrUnsupported, Found: "an ec key on " + curveName(oid) + ", which no jws algorithm has",
		Hint: "use P-256, P-384, P-521 or secp256k1; make one with: openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256",
	}
}

func explicitCurve() error {
	return &fault.Error{
		Reason: ErrUnsupported, Found: "an ec key whose curve is written out as numbers",
		Hint: "name the curve instead: openssl pkey -in key.pem -ec_param_enc named_curve",
	}
}
