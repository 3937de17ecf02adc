// Conductor-jwt runs the GET_SIGNED_JWT task of Conductor and signs JWTs on
// the command line.
package main

import (
	"os"

	"conductor-jwt/cli"
)

func main() { os.Exit(cli.Main()) }
