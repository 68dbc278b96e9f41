package app

import (
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"

	"github.com/quarterhour/quarterhour/internal/spec"
	"github.com/quarterhour/quarterhour/internal/wholefile"
)

// variables is a file with the variables of the examples, for commands that are given them afterwards.
func (d *demo) variables() string { return filepath.Join(d.s.System.Data, "demo.env") }

// writeVariables writes a file that a shell reads with its command ".".
func writeVariables(path string, env spec.Environment) error {
	var b strings.Builder
	for _, name := range slices.Sorted(maps.Keys(env)) {
		fmt.Fprintf(&b, "export %s='%s'\n", name, strings.ReplaceAll(env[name], "'", `'\''`))
	}
	if err := wholefile.Write(path, wholefile.Text([]byte(b.String()))); err != nil {
		return fmt.Errorf("keep the variables of the examples: %w", err)
	}
	return nil
}
