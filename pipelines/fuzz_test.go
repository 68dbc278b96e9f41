package pipelines

import (
	"errors"
	"testing"

	"github.com/quarterhour/quarterhour/internal/spec"
)

// FuzzParse holds the reader to its word: a pipeline that is complete, or problems that all have a file and a message.
func FuzzParse(f *testing.F) {
	for _, kind := range Kinds[:3] {
		for _, c := range Components(kind) {
			f.Add(whole(c))
		}
	}
	f.Add(head + "ingest: {a: {type: file, path: *x}}\ntransform: [{}, [], {filter: }, {a: b, c: d}]\nsinks: {<<: {a: }}\n")
	f.Fuzz(func(t *testing.T, text string) {
		p, err := Parse("p.yaml", []byte(text), nil)
		var invalid *spec.Invalid
		switch {
		case err == nil:
			if len(p.Sources) == 0 || len(p.Stages) == 0 || len(p.Sinks) == 0 || p.Zone == nil || p.Name == "" {
				t.Errorf("incomplete: %+v", p)
			}
			_ = Mermaid([]*Pipeline{p})
		case !errors.As(err, &invalid):
			t.Errorf("%T: %v", err, err)
		default:
			for _, problem := range invalid.Problems {
				if problem.At.File != "p.yaml" || problem.Message == "" {
					t.Errorf("%+v", problem)
				}
			}
		}
	})
}
