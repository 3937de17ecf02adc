package keys

import "crypto/elliptic"

// The object identifiers of the curves that sign (SEC 2 §A.2, RFC 5480
// §2.1.1.1).
const (
	oidP256      = "1.2.840.10045.3.1.7"
	oidP384      = "1.3.132.0.34"
	oidP521      = "1.3.132.0.35"
	oidSecp256k1 = "1.3.132.0.10"
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

// curveName names the curves that people have keys of but no JWS algorithm.
func curveName(oid string) string {
	switch oid {
	case "1.2.840.10045.3.1.1":
		return "P-192"
	case "1.3.132.0.33":
		return "P-224"
	case "1.2.156.10197.1.301":
		return "sm2"
	case "1.3.36.3.3.2.8.1.1.7":
		return "brainpoolP256r1"
	case "1.3.36.3.3.2.8.1.1.11":
		return "brainpoolP384r1"
	case "1.3.36.3.3.2.8.1.1.13":
		return "brainpoolP512r1"
	}
	return "another curve"
}

func unsupportedCurve(oid string) error {
	return &Error{
		Reason: ErrUnsupported, Found: "an ec key on " + curveName(oid) + ", which no jws algorithm has",
		Hint: "use P-256, P-384, P-521 or secp256k1; make one with: openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256",
	}
}

func explicitCurve() error {
	return &Error{
		Reason: ErrUnsupported, Found: "an ec key whose curve is written out as numbers",
		Hint: "name the curve instead: openssl pkey -in key.pem -ec_param_enc named_curve",
	}
}
