package reference

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/quarterhour/quarterhour/internal/spec"
	"github.com/quarterhour/quarterhour/pipelines"
)

const folder = "../../docs/reference"

func TestPagesAreUpToDate(t *testing.T) {
	pages := Pages()
	for name, text := range pages {
		content, err := os.ReadFile(filepath.Join(folder, name))
		if err != nil {
			t.Errorf("%v: run `go generate ./pipelines`", err)
		} else if diff := cmp.Diff(text, string(content)); diff != "" {
			t.Errorf("%s is stale: run `go generate ./pipelines`\n%s", name, diff)
		}
	}
	files, err := os.ReadDir(folder)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		if _, ok := pages[f.Name()]; !ok {
			t.Errorf("%s is of nothing that is declared: remove it", f.Name())
		}
	}
}

var link = regexp.MustCompile(`\]\(([^)#]+)(?:#([^)]+))?\)`)

func TestLinksLeadSomewhere(t *testing.T) {
	pages := Pages()
	for name, text := range pages {
		for _, m := range link.FindAllStringSubmatch(text, -1) {
			target, ok := pages[m[1]]
			if !ok { // a page that is written by hand
				content, err := os.ReadFile(filepath.Join(folder, m[1]))
				target, ok = string(content), err == nil
			}
			if !ok {
				t.Errorf("%s: no page %q", name, m[1])
			} else if m[2] != "" && !strings.Contains(target, "\n## "+m[2]+"\n") {
				t.Errorf("%s: no heading %q in %s", name, m[2], m[1])
			}
		}
	}
}

func TestSampleIsValid(t *testing.T) {
	if _, err := pipelines.Parse("sample.yaml", []byte(sample), spec.Environment{}); err != nil {
		t.Error(err)
	}
}
