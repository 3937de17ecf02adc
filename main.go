// Conductor-jwt runs the GET_SIGNED_JWT task of Conductor and signs JWTs on
// the command line.
package main

import (
	"os"

	"conductor-jwt/cli"
)

// version and commit are set by the linker: -X main.version=…
var version, commit string //nolint:gochecknoglobals // the linker cannot set anything else

func main() { os.Exit(cli.Main(version, commit)) }
