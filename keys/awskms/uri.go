package awskms

import (
	"regexp"
	"strings"

	"conductor-jwt/internal/fault"
	"conductor-jwt/keys"
)

// readURI gives the key id as KMS takes it, the region that it names, and
// whether it is an alias, behind which the key may change.
func readURI(uri string) (id, region string, alias bool, err error) {
	id, ok := strings.CutPrefix(uri, "awskms:///")
	const shape = `^(?:arn:aws[\w-]*:kms:([a-z0-9-]+):\d{12}:)?(key/[\w-]+|alias/[\w/-]+)$|^[\w-]+$`
	parts := regexp.MustCompile(shape).FindStringSubmatch(id)
	if !ok || parts == nil || parts[1] == "" && strings.HasPrefix(id, "key/") {
		return "", "", false, &fault.Error{
			Reason: keys.ErrUnsupported, Found: "a uri that names no key of aws kms", Hint: "write awskms:///alias/name or awskms:///arn:aws:kms:…",
		}
	}
	return id, parts[1], strings.HasPrefix(parts[2], "alias/"), nil
}
