package task

import (
	"encoding/json/jsontext"
	"fmt"

	"conductor-jwt/internal/jsonobj"
)

// audience gives aud: the tokens' recipients in the order given (RFC 7519
// §4.1.3).
func (g *given) audience() ([]string, error) {
	n, ok := g.values[inAudience]
	if !ok {
		return nil, nil
	}
	if n.Kind != jsontext.KindBeginArray {
		one, err := boundedText(inAudience, "", n)
		return []string{one}, err
	}
	if len(n.Items) > maxAudiences {
		return nil, tooLarge(inAudience, describe(n), fmt.Sprintf("list at most %d", maxAudiences))
	}
	list := make([]string, 0, len(n.Items))
	for i, item := range n.Items {
		if item.Kind != jsontext.KindString && item.Kind != jsontext.KindNumber || jsonobj.Blank(item.Raw) {
			return nil, invalid(inAudience, element(i)+describe(item), "list strings or whole numbers, none of them blank")
		}
		one, err := boundedText(inAudience, element(i), item)
		if err != nil {
			return nil, err
		}
		list = append(list, one)
	}
	return list, nil
}
