package pipelines

import (
	"os"

	"go.yaml.in/yaml/v3"

	"github.com/quarterhour/quarterhour/internal/spec"
)

// SourceOutline is what a pipeline file says about a source at first sight.
type SourceOutline struct {
	Name, Type string
	Streams    []string // the keys of its section `streams`
}

// Outline reads only what the sources of a pipeline file are called. It needs no variables and no valid options, and returns what it can
// find: for completing words.
func Outline(path string) (list []SourceOutline) {
	content, err := os.ReadFile(path)
	if err != nil {
		return nil
	}
	root, _ := spec.Document(path, content)
	for _, source := range entries(entry(root, ingestKey)) {
		one := SourceOutline{Name: source.Key.Value}
		if kind := entry(source.Value, typeKey); kind != nil {
			one.Type = kind.Value
		}
		for _, stream := range entries(entry(source.Value, "streams")) {
			one.Streams = append(one.Streams, stream.Key.Value)
		}
		list = append(list, one)
	}
	return list
}

func entries(n *yaml.Node) []spec.Entry {
	if n == nil || n.Kind != yaml.MappingNode {
		return nil
	}
	return spec.Entries(n)
}

func entry(n *yaml.Node, key string) *yaml.Node {
	for _, e := range entries(n) {
		if e.Key.Value == key {
			return e.Value
		}
	}
	return nil
}
