package pipelines

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/quarterhour/quarterhour/internal/spec"
	"github.com/quarterhour/quarterhour/transform/script"
)

// scriptSuffix ends the names of files with test cases.
const scriptSuffix = ".qh"

// maxScript bounds what is read as a script, bytes.
const maxScript = 4 << 20

// testOptions are the options of one entry of the section `tests`.
type testOptions struct {
	Name   string    `cfg:"name,required" help:"what the case shows"`
	Script spec.Expr `cfg:"script,required" help:"records, marks and what the tables say then"`
}

// tests reads the pipeline's own cases: a list whose entries have a name and a script, or are paths of files with cases, relative
// to the pipeline file; or one such path.
func (r *reading) tests(section spec.Entry) {
	n := section.Value
	switch {
	case n.Tag == "!!null":
		return
	case n.Kind == yaml.ScalarNode:
		r.testFile(n)
		return
	case n.Kind != yaml.SequenceNode:
		r.fail(spec.At(r.file, n), "tests is %s, not a list of cases with name and script, or the path of a %s file", spec.Describe(n), scriptSuffix)
		return
	}
	for i, item := range n.Content {
		item = spec.Resolve(item)
		if item.Kind == yaml.ScalarNode && item.Tag != "!!null" {
			r.testFile(item)
			continue
		}
		var o testOptions
		if r.decode(item, &o, fmt.Sprintf("%s[%d]", testsKey, i)) {
			r.script(script.Input{At: o.Script.At, Name: o.Name, Text: o.Script.Source})
		}
	}
}

// testFile reads a file of cases.
func (r *reading) testFile(n *yaml.Node) {
	path, err := r.env.Expand(n.Value)
	if err != nil {
		r.fail(spec.At(r.file, n), "tests: %v", err)
		return
	}
	if !filepath.IsAbs(path) {
		path = filepath.Join(filepath.Dir(r.file), path)
	}
	text, err := readScript(path)
	if err != nil {
		r.fail(spec.At(r.file, n), "tests: %v", err)
		return
	}
	r.script(script.Input{At: spec.Position{File: path, Line: 1}, Text: text})
}

func readScript(path string) (string, error) {
	if !strings.HasSuffix(path, scriptSuffix) {
		return "", fmt.Errorf("%q is no file of cases: their names end in %s", path, scriptSuffix)
	}
	info, err := os.Stat(path)
	if err == nil && (!info.Mode().IsRegular() || info.Size() > maxScript) {
		return "", fmt.Errorf("%q is no file of up to %d MB", path, maxScript>>20)
	}
	var content []byte
	if err == nil {
		content, err = os.ReadFile(path)
	}
	if err != nil {
		return "", fmt.Errorf("%q cannot be read: %w", path, cause(err))
	}
	return string(content), nil
}

// script parses cases in the setting of the pipeline. Where the pipeline itself is not in order yet, what could be wrong with its
// cases waits: they depend on its zone, sources and stages.
func (r *reading) script(in script.Input) {
	if !r.sound {
		return
	}
	setting, err := r.pipeline.Setting()
	if err != nil {
		r.fail(in.At, "tests: %v", err)
		return
	}
	cases, err := script.Parse(in, setting)
	if err != nil {
		r.keep(err, in.At)
		return
	}
	r.pipeline.Tests = append(r.pipeline.Tests, cases...)
}

// ReadScript reads the cases of a file on its own, without a pipeline. The error is a *spec.Invalid with every problem.
func ReadScript(path string) ([]*script.Case, error) {
	text, err := readScript(path)
	if err != nil {
		return nil, spec.Err([]spec.Problem{{Message: err.Error()}})
	}
	return script.Parse(script.Input{At: spec.Position{File: path, Line: 1}, Text: text}, script.Alone())
}
