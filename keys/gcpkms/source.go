package gcpkms

import (
	"cmp"
	"context"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"conductor-jwt/internal/fault"
	"conductor-jwt/internal/keyrest"
	"conductor-jwt/keys"
)

// source is one key.
type source struct {
	c    *client
	name string
	only string // a version; empty: all

	mu   sync.Mutex
	read map[string]keys.Key // by the version's name; it never changes
}

// Timed implements [keys.Source]: each version has a createTime.
func (*source) Timed() bool { return true }

// Remote implements [keys.Source].
func (*source) Remote() bool { return true }

// version is one as it is listed.
type version struct {
	Name      string    `json:"name"`
	State     string    `json:"state"`
	Algorithm string    `json:"algorithm"`
	Created   time.Time `json:"createTime"`
}

// Versions implements [keys.Source]. A version that is disabled or destroyed
// is not there, nor is one of an algorithm that makes no JWS.
func (s *source) Versions(ctx context.Context) ([]keys.Key, error) {
	listed, err := s.listed(ctx)
	if err != nil {
		return nil, err
	}
	list := make([]keys.Key, 0, len(listed))
	for _, v := range listed {
		if _, ok := algorithmOf(v.Algorithm); !ok {
			continue
		}
		key, err := s.version(ctx, v)
		if err != nil {
			return nil, err
		}
		list = append(list, key)
	}
	switch {
	case len(listed) == 0:
		return nil, &fault.Error{Reason: keys.ErrMissing, Found: "a key of google cloud kms without an enabled version", Hint: "enable one, or correct the source"}
	case len(list) == 0:
		return nil, &fault.Error{
			Reason: keys.ErrUnsupported, Found: "a key of google cloud kms whose algorithm makes no jws signature",
			Hint: "create one for asymmetric signing with RSA_SIGN_PKCS1, RSA_SIGN_PSS, EC_SIGN_P256, EC_SIGN_P384, EC_SIGN_SECP256K1 or EC_SIGN_ED25519",
		}
	}
	return list, nil
}

// listed gives the versions that are enabled, the oldest first.
func (s *source) listed(ctx context.Context) ([]version, error) {
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
		if keyrest.Is(err, http.StatusNotFound) {
			return nil, &fault.Error{Reason: keys.ErrMissing, Found: "google cloud kms has no such key", Hint: "correct the source, or create it"}
		}
		if err != nil {
			return nil, err
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

// version reads the public half of a version once.
func (s *source) version(ctx context.Context, v version) (keys.Key, error) {
	s.mu.Lock()
	key := s.read[v.Name]
	s.mu.Unlock()
	if key != nil {
		return key, nil
	}
	var answer struct {
		PEM  string `json:"pem"`
		CRC  int64  `json:"pemCrc32c,string"`
		Name string `json:"name"`
	}
	if !strings.HasPrefix(v.Name, s.name+"/cryptoKeyVersions/") {
		return nil, odd()
	}
	if err := s.c.do(ctx, http.MethodGet, v.Name+"/publicKey", nil, &answer); err != nil {
		return nil, err
	}
	if answer.Name != v.Name || answer.CRC != checksum([]byte(answer.PEM)) {
		return nil, odd()
	}
	public, err := keys.ReadPublic(answer.PEM)
	if err != nil {
		return nil, err
	}
	alg, _ := algorithmOf(v.Algorithm)
	key, err = keys.FromStore(public, keys.StoreOptions{
		Algorithms: alg, Created: v.Created,
		Sign: func(ctx context.Context, alg keys.Algorithm, input []byte) ([]byte, error) {
			return s.c.sign(ctx, v.Name, alg, input)
		},
	})
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.read[v.Name] = key
	return key, nil
}
