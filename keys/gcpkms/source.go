package gcpkms

import (
	"cmp"
	"context"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"conductor-jwt/internal/keyrest"
	"conductor-jwt/keys"
)

// source is one key.
type source struct {
	c     *client
	name  string
	only  string                // the name of a version; empty: all
	cache keyrest.Cache[string] // by the version's name
}

// Timed implements [keys.Source]: each version has a createTime.
func (*source) Timed() bool { return true }

// Remote implements [keys.Source].
func (*source) Remote() bool { return true }

// version is a version as KMS lists it.
type version struct {
	Name      string    `json:"name"`
	State     string    `json:"state"`
	Algorithm string    `json:"algorithm"`
	Created   time.Time `json:"createTime"`
}

// Versions implements [keys.Source]. It leaves out versions that are disabled
// or destroyed, and those whose algorithm makes no JWS signature.
func (s *source) Versions(ctx context.Context) ([]keys.Key, error) {
	enabled, err := s.enabled(ctx)
	if err != nil {
		return nil, err
	}
	list := make([]keys.Key, 0, len(enabled))
	for _, v := range enabled {
		algorithms := v.algorithms()
		if algorithms == nil {
			continue
		}
		key, err := s.cache.Get(v.Name, v.Created, func() (keys.Key, error) { return s.read(ctx, v, algorithms) })
		if err != nil {
			return nil, err
		}
		list = append(list, key)
	}
	switch {
	case len(enabled) == 0:
		return nil, store.Missing("has no enabled version of the key", "enable one, or correct the source")
	case len(list) == 0:
		return nil, store.Unsupported("the key's algorithm makes no JWS signature",
			"create one for asymmetric signing with RSA_SIGN_PKCS1, RSA_SIGN_PSS, EC_SIGN_P256, EC_SIGN_P384, EC_SIGN_SECP256K1 or EC_SIGN_ED25519")
	}
	return list, nil
}

// enabled returns the enabled versions, oldest first.
func (s *source) enabled(ctx context.Context) ([]version, error) {
	var list []version
	for page, more := "", true; more; {
		var answer struct {
			Versions []version `json:"cryptoKeyVersions"`
			Next     string    `json:"nextPageToken"`
		}
		query := url.Values{"pageSize": {"100"}, "filter": {"state=ENABLED"}}
		if page != "" {
			query.Set("pageToken", page)
		}
		err := s.c.do(ctx, http.MethodGet, s.name+"/cryptoKeyVersions?"+query.Encode(), nil, &answer)
		if err != nil {
			return nil, store.NotFound(err, "has no such key", "correct the source, or create the key")
		}
		for _, v := range answer.Versions {
			if v.State == "ENABLED" && (s.only == "" || s.only == v.Name) {
				list = append(list, v)
			}
		}
		page, more = answer.Next, answer.Next != "" && answer.Next != page
	}
	slices.SortFunc(list, func(a, b version) int {
		return cmp.Or(a.Created.Compare(b.Created), cmp.Compare(a.number(), b.number()))
	})
	return list, nil
}

func (v version) number() int {
	n, _ := strconv.Atoi(v.Name[strings.LastIndexByte(v.Name, '/')+1:])
	return n
}

// read reads the public half of a version.
func (s *source) read(ctx context.Context, v version, algorithms []keys.Algorithm) (keys.Key, error) {
	if !strings.HasPrefix(v.Name, s.name+"/cryptoKeyVersions/") {
		return nil, store.Unexpected()
	}
	var answer struct {
		PEM  string `json:"pem"`
		CRC  int64  `json:"pemCrc32c,string"`
		Name string `json:"name"`
	}
	if err := s.c.do(ctx, http.MethodGet, v.Name+"/publicKey", nil, &answer); err != nil {
		return nil, err
	}
	if answer.Name != v.Name || answer.CRC != checksum([]byte(answer.PEM)) {
		return nil, store.Unexpected()
	}
	public, err := keys.ReadPublic(answer.PEM)
	if err != nil {
		return nil, err
	}
	return keys.FromStore(public, keys.StoreOptions{
		Algorithms: algorithms, Created: v.Created,
		Sign: func(ctx context.Context, alg keys.Algorithm, input []byte) ([]byte, error) {
			return s.c.sign(ctx, v.Name, alg, input)
		},
	})
}
