package keys

// readOctJWK reads an HMAC secret (RFC 7518 §6.4). It has no public half.
func readOctJWK(m members) (private, public any, err error) {
	k, err := m.bytes("k")
	if err != nil {
		return nil, nil, err
	}
	if _, err := hmacAlgorithms(len(k)); err != nil {
		return nil, nil, err
	}
	return hmacSecret(k), nil, nil
}
