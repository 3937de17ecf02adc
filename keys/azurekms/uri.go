package azurekms

import (
	"regexp"
	"strings"

	"conductor-jwt/internal/fault"
	"conductor-jwt/keys"
)

// place is what a URI says.
type place struct {
	vault   string // https://name.vault.azure.net
	key     string
	version string // empty: all
}

// readURI takes the name of a vault, or a host for a Managed HSM and for the
// clouds of other countries.
func readURI(uri string) (place, error) {
	rest, ok := strings.CutPrefix(uri, "azurekms://")
	const shape = `^([A-Za-z0-9][A-Za-z0-9.-]*)/([A-Za-z0-9-]{1,127})(?:/([0-9a-fA-F]{32}))?$`
	parts := regexp.MustCompile(shape).FindStringSubmatch(rest)
	if !ok || parts == nil {
		return place{}, &fault.Error{Reason: keys.ErrUnsupported, Found: "a uri that names no key of azure key vault", Hint: "write azurekms://vault/key"}
	}
	host := parts[1]
	if !strings.Contains(host, ".") {
		host += ".vault.azure.net"
	}
	return place{"https://" + host, parts[2], parts[3]}, nil
}
