package doctor

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"conductor-jwt/internal/fault"
	"conductor-jwt/internal/outbound"
	"conductor-jwt/internal/printable"
)

// Issuer is an issuer whose keys verifiers discover.
type Issuer struct {
	URL     string
	JWKSURI string
	Set     []byte // the JWK Set that the worker serves
}

// Issuers reads the metadata and the JWK Set of each issuer as a verifier does,
// from its URL, and compares them with what the worker serves. It follows no
// redirect, as not all verifiers do.
func Issuers(ctx context.Context, client *outbound.Client, list []Issuer) []Finding {
	var found []Finding
	for _, i := range list {
		found = append(found, i.discover(ctx, client))
	}
	return found
}

func (i Issuer) discover(ctx context.Context, client *outbound.Client) Finding {
	var metadata struct {
		Issuer  string `json:"issuer"`
		JWKSURI string `json:"jwks_uri"`
	}
	address := strings.TrimSuffix(i.URL, "/") + "/.well-known/openid-configuration"
	if err := getJSON(ctx, client, address, &metadata); err != nil {
		return warn("issuer", address+" cannot be read ("+err.Error()+")", "forward it to the address of jwks_listen, over HTTPS and with its path unchanged")
	}
	if metadata.Issuer != i.URL || metadata.JWKSURI != i.JWKSURI {
		return warn("issuer", address+" names another issuer or jwks_uri", "forward it to a worker with this policy file")
	}
	var served, ours keySet
	if err := getJSON(ctx, client, i.JWKSURI, &served); err != nil {
		return warn("issuer", i.JWKSURI+" cannot be read ("+err.Error()+")", "forward it to the address of jwks_listen, over HTTPS and with its path unchanged")
	}
	if err := json.Unmarshal(i.Set, &ours); err != nil {
		return warn("issuer", i.URL+": the set of the worker cannot be read", "report it")
	}
	for _, k := range ours.Keys {
		if k.ID != "" && !slices.Contains(served.Keys, k) {
			return warn("issuer", i.JWKSURI+" lacks the key "+printable.Line(k.ID),
				"check that the workers behind it have this policy file and these keys, and that no cache keeps it longer than its Cache-Control")
		}
	}
	return ok("issuer", i.URL+" is discovered, and its set has every published key")
}

type keySet struct {
	Keys []keyID `json:"keys"`
}

type keyID struct {
	ID string `json:"kid"` // empty: the key has none
}

// getJSON reads a JSON document. Its errors quote nothing of the answer. The operator
// names the issuer, which may have a private address.
func getJSON(ctx context.Context, client *outbound.Client, address string, into any) error {
	answer, err := client.Do(ctx, outbound.Request{Method: http.MethodGet, URL: address, Private: true})
	if e, ok := errors.AsType[*fault.Error](err); ok {
		return errors.New(e.Found)
	}
	if answer.Status != http.StatusOK {
		return fmt.Errorf("status %d", answer.Status)
	}
	if json.Unmarshal(answer.Body, into) != nil {
		return errors.New("the answer is not JSON")
	}
	return nil
}
