// Package objects puts values into nested JSON objects and XML elements by their names: "queue.id" and "queue.name" are two members
// of one object "queue".
package objects

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"math"
	"strings"

	"github.com/quarterhour/quarterhour/internal/expression"
)

// Shape is names put into order: members stand where the first name of each stood. Safe for concurrent use.
type Shape struct{ root node }

// node is an object, or a value where column is not negative.
type node struct {
	name     string
	column   int
	children []*node
}

// New makes the shape of names with dots between their parts. The error says which name cannot be.
func New(names []string) (*Shape, error) {
	s := &Shape{root: node{column: -1}}
	for n, name := range names {
		if err := s.root.add(strings.Split(name, "."), n); err != nil {
			return nil, fmt.Errorf("%q %w", name, err)
		}
	}
	return s, nil
}

func (n *node) add(path []string, column int) error {
	if path[0] == "" {
		return fmt.Errorf("has a part without a name")
	}
	var at *node
	for _, c := range n.children {
		if c.name == path[0] {
			at = c
		}
	}
	switch {
	case at == nil:
		at = &node{name: path[0], column: -1}
		n.children = append(n.children, at)
		if len(path) == 1 {
			at.column = column
			return nil
		}
	case len(path) == 1:
		return fmt.Errorf("is there twice")
	case at.column >= 0:
		return fmt.Errorf("is within %q, which is a value", at.name)
	}
	return at.add(path[1:], column)
}

// JSON appends the object. write appends the value of a name; false leaves it out, and objects in which there is nothing are left
// out too.
func (s *Shape) JSON(dst []byte, write func(dst []byte, n int) ([]byte, bool)) []byte {
	out, _ := s.root.json(dst, write)
	return out
}

func (n *node) json(dst []byte, write func([]byte, int) ([]byte, bool)) (out []byte, any bool) {
	dst = append(dst, '{')
	for _, c := range n.children {
		before := len(dst)
		if any {
			dst = append(dst, ',')
		}
		dst = append(Quoted(dst, c.name), ':')
		ok := false
		if c.column >= 0 {
			dst, ok = write(dst, c.column)
		} else {
			dst, ok = c.json(dst, write)
		}
		if !ok {
			dst = dst[:before]
			continue
		}
		any = true
	}
	return append(dst, '}'), any
}

// XML appends an element of that name, with further attributes written as they are. A name whose last part begins with @ is an
// attribute, one that is #text is the text of its element. text is the value of a name; false leaves it out.
func (s *Shape) XML(dst []byte, name, attributes string, text func(n int) (string, bool)) []byte {
	root := s.root
	root.name = name
	return root.xml(dst, attributes, text)
}

func (n *node) xml(dst []byte, attributes string, text func(int) (string, bool)) []byte {
	dst = append(append(append(dst, '<'), n.name...), attributes...)
	if n.column >= 0 {
		value, ok := text(n.column)
		if !ok {
			return dst[:len(dst)-len(n.name)-len(attributes)-1]
		}
		return n.end(Escaped(append(dst, '>'), value))
	}
	for _, c := range n.children {
		if attribute, is := strings.CutPrefix(c.name, "@"); is && c.column >= 0 {
			if value, ok := text(c.column); ok {
				dst = append(append(append(dst, ' '), attribute...), '=', '"')
				dst = append(Escaped(dst, value), '"')
			}
		}
	}
	dst = append(dst, '>')
	for _, c := range n.children {
		switch {
		case strings.HasPrefix(c.name, "@") && c.column >= 0:
		case c.name == "#text" && c.column >= 0:
			if value, ok := text(c.column); ok {
				dst = Escaped(dst, value)
			}
		default:
			dst = c.xml(dst, "", text)
		}
	}
	return n.end(dst)
}

func (n *node) end(dst []byte) []byte { return append(append(append(dst, '<', '/'), n.name...), '>') }

// Quoted appends a text as JSON has it.
func Quoted(dst []byte, text string) []byte {
	if plain(text) {
		dst = append(append(dst, '"'), text...)
		return append(dst, '"')
	}
	var out bytes.Buffer
	e := json.NewEncoder(&out)
	e.SetEscapeHTML(false)
	if e.Encode(strings.ToValidUTF8(text, "\uFFFD")) != nil { // text is UTF-8: it always can
		return append(dst, `""`...)
	}
	return append(dst, bytes.TrimSuffix(out.Bytes(), []byte("\n"))...)
}

// plain says whether a text stands in JSON as it is, as nearly all names and ids do.
func plain(text string) bool {
	for n := range len(text) {
		if c := text[n]; c < ' ' || c >= 0x80 || c == '"' || c == '\\' {
			return false
		}
	}
	return true
}

// Escaped appends a text as XML has it, in elements and in attributes. What XML has no place for, such as control characters, is
// replaced.
func Escaped(dst []byte, text string) []byte {
	var out bytes.Buffer
	if xml.EscapeText(&out, []byte(text)) != nil { // a buffer takes all
		return dst
	}
	return append(dst, out.Bytes()...)
}

// Value appends a value that has a place in JSON of its own; false where it is an instant or a duration, which have many.
func Value(dst []byte, v expression.Value) ([]byte, bool) {
	switch v.Kind {
	case expression.Nil:
		return append(dst, "null"...), true
	case expression.Bool, expression.Int:
		return append(dst, v.String()...), true
	case expression.Float:
		if f := v.Number(); math.IsNaN(f) || math.IsInf(f, 0) {
			return append(dst, "null"...), true
		}
		return append(dst, v.String()...), true
	case expression.JSON:
		if json.Valid([]byte(v.String())) {
			return append(dst, v.String()...), true
		}
		return Quoted(dst, v.String()), true
	case expression.Text:
		return Quoted(dst, v.String()), true
	}
	return dst, false
}

// At is what stands at a path in what encoding/json made: members and numbers of lists' entries with dots between, "." and "" the whole.
// It is nil where there is nothing.
func At(value any, path string) any {
	if path == "" || path == "." {
		return value
	}
	for name := range strings.SplitSeq(path, ".") {
		switch v := value.(type) {
		case map[string]any:
			value = v[name]
		case []any:
			n := -1
			if _, err := fmt.Sscanf(name, "%d", &n); err != nil || n < 0 || n >= len(v) {
				return nil
			}
			value = v[n]
		default:
			return nil
		}
	}
	return value
}

// Says whether something stands there: anything but null, false, 0 and an empty text, list or object.
func Says(value any) bool {
	switch v := value.(type) {
	case nil:
		return false
	case bool:
		return v
	case float64:
		return v != 0
	case string:
		return v != ""
	case []any:
		return len(v) > 0
	case map[string]any:
		return len(v) > 0
	}
	return true
}

// Text is a value of an answer for people: text as it is, all else as JSON.
func Text(value any) string {
	switch v := value.(type) {
	case nil:
		return ""
	case string:
		return v
	}
	text, err := json.Marshal(value)
	if err != nil {
		return fmt.Sprint(value)
	}
	return string(text)
}
