package main

import (
	"context"
	_ "unsafe" // for go:linkname

	"github.com/hashicorp/vault/builtin/logical/transit"
	"github.com/hashicorp/vault/sdk/framework"
	"github.com/hashicorp/vault/sdk/logical"
	"github.com/hashicorp/vault/vault"
)

// Vault is built with the sdk in its own tree, which no other module can
// name. The one that was published nearest to it stops a server with a path
// that can be created without a way to ask whether it is there. There are
// three: here they are taken out.

// entPaths are the paths that say that they are of another edition.
//
//go:linkname entPaths github.com/hashicorp/vault/vault.entPaths
var entPaths func(*vault.SystemBackend) []*framework.Path

func dropOtherEditions() {
	entPaths = func(*vault.SystemBackend) []*framework.Path { return nil }
}

// newTransit is the engine, whose cache-config can be updated and not created.
func newTransit(ctx context.Context, c *logical.BackendConfig) (logical.Backend, error) {
	b, err := transit.Backend(ctx, c)
	if err != nil {
		return nil, err
	}
	for _, p := range b.Paths {
		if p.ExistenceCheck == nil {
			delete(p.Operations, logical.CreateOperation)
		}
	}
	return b, b.Setup(ctx, c)
}
