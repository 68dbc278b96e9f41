package spec

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// Document reads one YAML document as nodes, for Decode. The problems are bad YAML, more than one document, and keys
// written twice; the node is nil where nothing can be read further.
func Document(file string, content []byte) (*yaml.Node, []Problem) {
	decoder := yaml.NewDecoder(bytes.NewReader(content))
	var doc, second yaml.Node
	if err := decoder.Decode(&doc); errors.Is(err, io.EOF) {
		return nil, []Problem{{Position{file, 1, 1}, "the file is empty"}}
	} else if err != nil {
		return nil, []Problem{syntax(file, err)}
	}
	if err := decoder.Decode(&second); err == nil {
		return nil, []Problem{{At(file, &second), "a second document in one file: write one file for each"}}
	} else if !errors.Is(err, io.EOF) {
		return nil, []Problem{syntax(file, err)}
	}
	root := doc.Content[0]
	return root, duplicates(file, root)
}

var syntaxLine = regexp.MustCompile(`^yaml: (?:line (\d+): )?(.*)$`)

func syntax(file string, err error) Problem {
	p := Problem{At: Position{File: file}, Message: "not valid YAML: " + err.Error()}
	if m := syntaxLine.FindStringSubmatch(strings.ReplaceAll(err.Error(), "\n", " ")); m != nil {
		p.At.Line, _ = strconv.Atoi(m[1])
		p.Message = "not valid YAML: " + m[2]
	}
	return p
}

// duplicates reports keys written twice in one mapping, at every depth. An alias's target is looked at where it stands.
func duplicates(file string, n *yaml.Node) (problems []Problem) {
	if n.Kind == yaml.MappingNode {
		first := make(map[string]int, len(n.Content)/2)
		for i := 0; i+1 < len(n.Content); i += 2 {
			key := n.Content[i]
			if line, seen := first[key.Value]; seen && key.Kind == yaml.ScalarNode {
				problems = append(problems, Problem{At(file, key),
					fmt.Sprintf("key %q is written twice, first on line %d", key.Value, line)})
			} else {
				first[key.Value] = key.Line
			}
		}
	}
	for _, c := range n.Content {
		problems = append(problems, duplicates(file, c)...)
	}
	return problems
}

// At is where a node of the file stands.
func At(file string, n *yaml.Node) Position { return Position{file, n.Line, n.Column} }

// Entry is one key of a mapping; Value is never an alias.
type Entry struct{ Key, Value *yaml.Node }

// Resolve follows aliases.
func Resolve(n *yaml.Node) *yaml.Node {
	for n.Kind == yaml.AliasNode {
		n = n.Alias
	}
	return n
}

// Entries lists a mapping in the file's order, with merged (<<) mappings after its own keys, which win over them. A node of
// another kind has none.
func Entries(n *yaml.Node) []Entry {
	return merged(n, nil, make(map[string]bool), 0)
}

// maxMerges bounds mappings that merge themselves.
const maxMerges = 16

func merged(n *yaml.Node, list []Entry, seen map[string]bool, depth int) []Entry {
	if depth > maxMerges || n.Kind != yaml.MappingNode {
		return list
	}
	var merges []*yaml.Node
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i], Resolve(n.Content[i+1])
		if key.Tag == "!!merge" {
			if value.Kind == yaml.SequenceNode {
				merges = append(merges, value.Content...)
			} else {
				merges = append(merges, value)
			}
			continue
		}
		if !seen[key.Value] {
			seen[key.Value] = true
			list = append(list, Entry{key, value})
		}
	}
	for _, m := range merges {
		list = merged(Resolve(m), list, seen, depth+1)
	}
	return list
}
