package exchange

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"

	"conductor-jwt/keys"
)

// id identifies a token: an HMAC under a key that lives as long as the process, so that
// a dump of the cache tells nothing about claims or keys.
type id [sha256.Size]byte

// identify returns the id of the token that r asks for, and the identity of its key.
// Whatever may make a difference to the provider is part of the id, except what differs
// in each assertion.
func (x *Exchanger) identify(r *Request) (which id, key string, err error) {
	key, err = keys.Identity(r.Key, x.pepper)
	if err != nil {
		return id{}, "", err
	}
	claims, parameters, header := r.Input.Claims.Clone(), r.Input.Parameters.Clone(), r.Header.Clone()
	for _, name := range []string{"iat", "exp", "nbf", "jti"} {
		claims.Delete(name)
	}
	claims.Sort()
	parameters.Sort()
	header.Sort()
	mac := hmac.New(sha256.New, x.pepper)
	for _, part := range [][]byte{
		[]byte(r.Profile.Provider()), []byte(r.Profile.Name), []byte(r.Input.URL), []byte(key),
		parameters.AppendJSON(nil), claims.AppendJSON(nil), []byte(r.KeyID), header.AppendJSON(nil),
	} {
		var length [8]byte
		binary.BigEndian.PutUint64(length[:], uint64(len(part)))
		_, _ = mac.Write(length[:]) // a hash never fails
		_, _ = mac.Write(part)
	}
	return id(mac.Sum(nil)), key, nil
}
