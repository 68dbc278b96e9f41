package script

import (
	"os"
	"path/filepath"
	"strings"
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

// TestTheManual runs the script that docs/testing.md shows.
func TestTheManual(t *testing.T) {
	page, err := os.ReadFile("../../docs/testing.md")
	if err != nil {
		t.Fatal(err)
	}
	ran := 0
	for i, block := range strings.Split(string(page), "```") {
		if i%2 == 0 || !strings.HasPrefix(block, "\n") || !strings.Contains(block, "\ncase ") {
			continue
		}
		cases, err := Parse(Input{At: here, Text: block}, Alone())
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range cases {
			ran++
			if failures, err := c.Run(); err != nil || len(failures) > 0 {
				t.Errorf("%v %v", err, failures)
			}
		}
	}
	if ran == 0 {
		t.Error("the manual shows no script")
	}
}
