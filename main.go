// Conductor-jwt runs the GET_SIGNED_JWT task of Conductor and signs JWTs on
// the command line.
package main

import (
	"os"

	"conductor-jwt/cli"
)

// version is set by the linker: -X main.version=…
var version string

func main() { os.Exit(cli.Main(version)) }
