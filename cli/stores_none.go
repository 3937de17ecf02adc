//go:build !openssl

package cli

const edition = "static"

// fasterRSA is for the edition that has one.
func fasterRSA() (backEnd, bool) { return backEnd{}, false }
