package keys

import (
	"context"
	"runtime"
)

// HoldGate takes all places of a parser's gate until release.
func HoldGate(ctx context.Context, p *Parser) (release func(), err error) {
	var leaves []func()
	for range runtime.GOMAXPROCS(0) {
		leave, err := p.gate.enter(ctx)
		if err != nil {
			return nil, err
		}
		leaves = append(leaves, leave)
	}
	return func() {
		for _, leave := range leaves {
			leave()
		}
	}, nil
}
