// Generate writes the reference pages into the folder it is given.
package main

import (
	"log"
	"os"
	"path/filepath"

	"github.com/quarterhour/quarterhour/internal/reference"
)

func main() {
	for name, text := range reference.Pages() {
		if err := os.WriteFile(filepath.Join(os.Args[1], name), []byte(text), 0o644); err != nil { //nolint:gosec // pages are public
			log.Fatal(err)
		}
	}
}
