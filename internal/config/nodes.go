package config

import (
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/quarterhour/quarterhour/internal/spec"
)

// node is a value from outside the file as the file would hold it. It is taken as it is: no ${NAME} in it is expanded.
func node(value any) *yaml.Node {
	if items, ok := value.([]string); ok {
		list := &yaml.Node{Kind: yaml.SequenceNode, Tag: "!!seq"}
		for _, item := range items {
			list.Content = append(list.Content, text(item))
		}
		return list
	}
	s, _ := value.(string)
	return text(s)
}

func text(s string) *yaml.Node {
	return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: strings.ReplaceAll(s, "${", "$${")}
}

// put sets the option of the path in a mapping, making the sections it is in.
func put(root *yaml.Node, path string, value *yaml.Node) {
	name, rest, deeper := strings.Cut(path, ".")
	if deeper {
		section := &yaml.Node{Kind: yaml.MappingNode, Tag: "!!map"}
		for _, e := range spec.Entries(root) {
			if e.Key.Value == name && e.Value.Kind == yaml.MappingNode {
				// A copy: the section may be an alias of one that stands elsewhere too.
				section.Content, section.Line, section.Column = slices.Clone(e.Value.Content), e.Value.Line, e.Value.Column
			}
		}
		put(section, rest, value)
		value = section
	}
	for i := 0; i+1 < len(root.Content); i += 2 {
		if root.Content[i].Value == name {
			root.Content[i+1] = value
			return
		}
	}
	root.Content = append(root.Content, text(name), value)
}
