package cli_test

import (
	"os"
	"path/filepath"
	"testing"

	"conductor-jwt/test/pagetest"
)

// The commands of the pages for the command line print what the pages show.
func TestCommandsOfThePages(t *testing.T) {
	for page, blocks := range map[string]int{
		"README.md":                1,
		"docs/command-line.md":     8,
		"docs/moving-from-step.md": 1,
	} {
		t.Run(page, func(t *testing.T) {
			text, err := os.ReadFile(filepath.Join("..", page))
			if err != nil {
				t.Fatal(err)
			}
			pagetest.Run(t, string(text), blocks, nil)
		})
	}
}
