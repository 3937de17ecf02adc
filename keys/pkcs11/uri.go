//go:build cgo

package pkcs11

import (
	"net/url"
	"strings"

	"conductor-jwt/internal/fault"
	"conductor-jwt/keys"
)

// place is what a URI says (RFC 7512 §2.3, §2.4).
type place struct {
	token, serial, manufacturer, model string
	object, id                         string
	pinSource, module                  string
}

// readURI takes the attributes that tell a key, and refuses all others: one
// that is not understood might have told it from another key.
func readURI(uri string) (place, error) {
	var p place
	rest, ok := strings.CutPrefix(uri, "pkcs11:")
	path, query, _ := strings.Cut(rest, "?")
	if !ok || strings.Contains(rest, "#") {
		return place{}, malformed("write pkcs11:token=…;object=…?pin-source=/path&module-path=/path")
	}
	kind := ""
	if !attributes(path, ";", map[string]*string{
		"token": &p.token, "serial": &p.serial, "manufacturer": &p.manufacturer, "model": &p.model,
		"object": &p.object, "id": &p.id, "type": &kind,
	}) || kind != "" && kind != "private" {
		return place{}, malformed("its path has token, serial, manufacturer, model, object, id and type=private, each once at most")
	}
	if strings.Contains(query, "pin-value") {
		return place{}, malformed("write the pin into a file of its own, and pin-source=/path")
	}
	if !attributes(query, "&", map[string]*string{"pin-source": &p.pinSource, "module-path": &p.module}) {
		return place{}, malformed("its query has pin-source and module-path, each once at most")
	}
	if p.object == "" && p.id == "" {
		return place{}, malformed("name the key by object=label or id=%01")
	}
	if p.token == "" && p.serial == "" {
		return place{}, malformed("name the token by token=label or serial=…")
	}
	p.pinSource = strings.TrimPrefix(p.pinSource, "file://")
	p.pinSource = strings.TrimPrefix(p.pinSource, "file:")
	if p.pinSource != "" && !strings.HasPrefix(p.pinSource, "/") {
		return place{}, malformed("give pin-source an absolute path")
	}
	return p, nil
}

// attributes reads name=value pairs into their places.
func attributes(text, separator string, places map[string]*string) bool {
	if text == "" {
		return true
	}
	for pair := range strings.SplitSeq(text, separator) {
		name, escaped, ok := strings.Cut(pair, "=")
		value, err := url.PathUnescape(escaped)
		at := places[name]
		if !ok || err != nil || at == nil || *at != "" || value == "" {
			return false
		}
		*at = value
	}
	return true
}

func malformed(hint string) error {
	return &fault.Error{Reason: keys.ErrUnsupported, Found: "a uri that names no key of a token", Hint: hint}
}
