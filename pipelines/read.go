package pipelines

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"

	"go.yaml.in/yaml/v3"

	"github.com/quarterhour/quarterhour/internal/spec"
)

// The keys at the top level that are not settings.
const (
	ingestKey    = string(spec.Ingest)
	transformKey = string(spec.Transform)
	sinksKey     = string(spec.Sink)
	testsKey     = "tests"
)

// Read reads one pipeline file. env are the variables that ${NAME} stands for. The error is a *spec.Invalid with every
// problem of the file.
func Read(path string, env spec.Environment) (*Pipeline, error) {
	content, err := os.ReadFile(path)
	if err != nil {
		return nil, spec.Err([]spec.Problem{{At: spec.Position{File: path}, Message: unreadable(err)}})
	}
	return Parse(path, content, env)
}

func unreadable(err error) string { return "pipeline file cannot be read: " + cause(err).Error() }

// cause is what happened to a file, without its name.
func cause(err error) error {
	var p *fs.PathError
	if errors.As(err, &p) {
		return p.Err
	}
	return err
}

// ReadAll reads several pipeline files, which must have names of their own. Its error holds the problems of all of them.
func ReadAll(paths []string, env spec.Environment) ([]*Pipeline, error) {
	var list []*Pipeline
	var problems []spec.Problem
	for _, path := range paths {
		p, err := Read(path, env)
		var invalid *spec.Invalid
		if errors.As(err, &invalid) {
			problems = append(problems, invalid.Problems...)
			continue
		} else if err != nil {
			return nil, err
		}
		if i := slices.IndexFunc(list, func(other *Pipeline) bool { return other.Name == p.Name }); i >= 0 {
			problems = append(problems, spec.Problem{At: spec.Position{File: path},
				Message: fmt.Sprintf("pipeline %q is in %s already: give one of them another name", p.Name, list[i].Path)})
		}
		list = append(list, p)
	}
	if err := spec.Err(problems); err != nil {
		return nil, err
	}
	return list, nil
}

// Parse reads the content of a pipeline file; path is its name in messages.
func Parse(path string, content []byte, env spec.Environment) (*Pipeline, error) {
	root, problems := spec.Document(path, content)
	if root == nil {
		return nil, spec.Err(problems)
	}
	r := &reading{file: path, env: env, problems: problems, pipeline: &Pipeline{Path: path}}
	r.document(root)
	if err := spec.Err(spec.Sort(r.problems)); err != nil {
		return nil, err
	}
	return r.pipeline, nil
}

// reading is a file being read.
type reading struct {
	file     string
	env      spec.Environment
	problems []spec.Problem
	pipeline *Pipeline

	sound bool // all but the test cases is in order
}

func (r *reading) fail(at spec.Position, format string, args ...any) {
	r.problems = append(r.problems, spec.Problem{At: at, Message: fmt.Sprintf(format, args...)})
}

// keep takes over the problems of an error; others are told at a place.
func (r *reading) keep(err error, at spec.Position) {
	var invalid *spec.Invalid
	if errors.As(err, &invalid) {
		r.problems = append(r.problems, invalid.Problems...)
	} else if err != nil {
		r.fail(at, "%v", err)
	}
}

// decode reads options, keeps what is wrong with them, and says whether they are in order.
func (r *reading) decode(n *yaml.Node, options any, path string, also ...string) bool {
	return r.decodeAnd(n, options, path, nil, also...)
}

// decodeAnd decodes options that are to pass a further check.
func (r *reading) decodeAnd(n *yaml.Node, options any, path string, check func(problem func(path, message string)), also ...string) bool {
	problems := spec.Decode(n, options, spec.Source{File: r.file, Path: path, Env: r.env, Also: also, Check: check})
	r.problems = append(r.problems, problems...)
	return len(problems) == 0
}

func (r *reading) document(root *yaml.Node) {
	r.decode(root, &r.pipeline.Settings, "", ingestKey, transformKey, sinksKey, testsKey)
	if root.Kind != yaml.MappingNode {
		return
	}
	found := make(map[string]bool)
	var tests []spec.Entry
	for _, e := range spec.Entries(root) {
		found[e.Key.Value] = true
		switch e.Key.Value {
		case ingestKey:
			r.sources(e)
		case transformKey:
			r.stages(e)
		case sinksKey:
			r.sinks(e)
		case testsKey:
			tests = append(tests, e)
		}
	}
	keys := make([]string, 0, len(found))
	for k := range found {
		keys = append(keys, k)
	}
	for _, section := range []struct{ key, help string }{
		{ingestKey, "the sources, by name"}, {transformKey, "the list of stages, with one \"intervals\""}, {sinksKey, "the destinations, by name"},
	} {
		// A mistyped section is reported once, as an unknown option.
		if near := spec.Nearest(section.key, keys); !found[section.key] && near == "" {
			r.fail(spec.At(r.file, root), "section %q is missing: %s", section.key, section.help)
		}
	}
	if len(r.problems) == 0 {
		r.via()
	}
	r.sound = len(r.problems) == 0
	for _, e := range tests {
		r.tests(e) // last: they run through all the rest
	}
}
