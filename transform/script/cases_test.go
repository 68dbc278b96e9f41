package script

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/quarterhour/quarterhour/internal/spec"
)

// TestCases runs the engine's own cases.
func TestCases(t *testing.T) {
	files, err := filepath.Glob("../testdata/cases/*.qh")
	if err != nil || len(files) == 0 {
		t.Fatalf("no cases: %v", err)
	}
	total := 0
	for _, file := range files {
		content, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		cases, err := Parse(Input{At: spec.Position{File: file, Line: 1}, Text: string(content)}, Alone())
		if err != nil {
			t.Errorf("%v", err)
			continue
		}
		total += len(cases)
		for _, c := range cases {
			t.Run(filepath.Base(file)+"/"+c.Name, func(t *testing.T) {
				failures, err := c.Run()
				if err != nil {
					t.Fatal(err)
				}
				for _, f := range failures {
					t.Errorf("\n%s", f)
				}
			})
		}
	}
	if total < 60 {
		t.Errorf("%d cases, fewer than the traps there are", total)
	}
}
