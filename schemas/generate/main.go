// Command generate writes the Go records of the schemas beside it: records.go, enums.go and catalogue.go. Run it with
// "go generate ./schemas" after changing an .avsc file; the tests fail while its output is stale.
package main

import (
	"log"
	"os"
	"path/filepath"
)

func main() {
	log.SetFlags(0)
	if err := write("."); err != nil {
		log.Fatal("generate: ", err)
	}
}

// write renders the schemas of a folder into Go files in the same folder.
func write(dir string) error {
	files, err := render(dir)
	if err != nil {
		return err
	}
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(dir, name), text, 0o644); err != nil {
			return err
		}
	}
	return nil
}
