package pipelines

import (
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/quarterhour/quarterhour/internal/spec"
)

// Example is a component's example as it stands in a pipeline file, from the section's key on.
func Example(c spec.Component) string {
	text := strings.TrimRight(c.Example, "\n")
	if text == "" || c.Kind == spec.Measure {
		return text
	}
	named := isNamed(c)
	if c.Kind == spec.Transform {
		switch {
		case !named && strings.Contains(text, "\n"):
			text = c.Type + ":\n" + indent(text, "  ")
		case !named:
			text = c.Type + ": " + text
		}
		return string(c.Kind) + ":\n  - " + strings.TrimPrefix(indent(text, "    "), "    ")
	}
	if !named {
		text = c.Type + ":\n" + indent(text, "  ")
	}
	return string(c.Kind) + ":\n" + indent(text, "  ")
}

// isNamed says whether an example begins with the name of what it shows, not with its options.
func isNamed(c spec.Component) bool {
	root, _ := spec.Document("", []byte(c.Example))
	if root == nil {
		return false
	}
	entries := spec.Entries(root)
	if c.Kind == spec.Transform {
		return len(entries) == 1 && entries[0].Key.Value == c.Type
	}
	return len(entries) > 0 && entries[0].Value.Kind == yaml.MappingNode && !hasKey(entries, typeKey)
}

func hasKey(entries []spec.Entry, key string) bool {
	for _, e := range entries {
		if e.Key.Value == key {
			return true
		}
	}
	return false
}

func indent(text, by string) string { return by + strings.ReplaceAll(text, "\n", "\n"+by) }
