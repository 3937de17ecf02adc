package task

import "fmt"

// audience gives aud: the tokens' recipients in the order given (RFC 7519
// §4.1.3).
func (g *given) audience() ([]string, error) {
	n, ok := g.values[inAudience]
	if !ok {
		return nil, nil
	}
	if n.kind != kindArray {
		one, err := boundedText(inAudience, "", n)
		return []string{one}, err
	}
	if len(n.items) > maxAudiences {
		return nil, tooLarge(inAudience, n.describe(), fmt.Sprintf("list at most %d", maxAudiences))
	}
	list := make([]string, 0, len(n.items))
	for i, item := range n.items {
		if item.kind != kindString && item.kind != kindNumber || item.blank() {
			return nil, invalid(inAudience, element(i)+item.describe(), "list strings or whole numbers, none of them blank")
		}
		one, err := boundedText(inAudience, element(i), item)
		if err != nil {
			return nil, err
		}
		list = append(list, one)
	}
	return list, nil
}
