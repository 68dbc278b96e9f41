package avsc

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
)

// maxDepth bounds the nesting of a schema's text, which may come from a registry that anyone can write to.
const maxDepth = 200

// Parse reads a schema. Errors name the record and field they are about.
func Parse(text string) (*Type, error) {
	p := parser{named: map[string]*Type{}}
	d := json.NewDecoder(strings.NewReader(text))
	var raw json.RawMessage
	if err := d.Decode(&raw); err != nil {
		return nil, fmt.Errorf("schema is not JSON: %w", err)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("schema has text after its end")
	}
	return p.parse(raw, "", 0)
}

type parser struct {
	named map[string]*Type
}

// object is a schema written as a JSON object.
type object struct {
	Type        json.RawMessage   `json:"type"`
	Name        string            `json:"name"`
	Namespace   *string           `json:"namespace"`
	Aliases     []string          `json:"aliases"`
	Doc         string            `json:"doc"`
	LogicalType any               `json:"logicalType"`
	Precision   json.Number       `json:"precision"`
	Scale       json.Number       `json:"scale"`
	Fields      []json.RawMessage `json:"fields"`
	Symbols     []string          `json:"symbols"`
	Default     json.RawMessage   `json:"default"`
	Items       json.RawMessage   `json:"items"`
	Values      json.RawMessage   `json:"values"`
	Size        *json.Number      `json:"size"`
}

func (p *parser) parse(raw json.RawMessage, space string, depth int) (*Type, error) {
	raw = bytes.TrimSpace(raw)
	if depth > maxDepth {
		return nil, fmt.Errorf("schema is nested more than %d deep", maxDepth)
	}
	if len(raw) == 0 {
		return nil, errors.New("schema without a type")
	}
	switch raw[0] {
	case '"':
		var name string
		if err := json.Unmarshal(raw, &name); err != nil {
			return nil, err
		}
		return p.reference(name, space)
	case '[':
		return p.union(raw, space, depth)
	case '{':
		var o object
		if err := json.Unmarshal(raw, &o); err != nil {
			return nil, fmt.Errorf("schema: %w", err)
		}
		return p.object(&o, space, depth)
	}
	return nil, fmt.Errorf("schema %.40q is neither a name, a list nor an object", raw)
}

// reference is a primitive type or a named type defined before.
func (p *parser) reference(name, space string) (*Type, error) {
	if k := slices.Index(kindNames[:String+1], name); k >= 0 {
		return &Type{Kind: Kind(k)}, nil
	}
	if t := p.named[qualify(name, space)]; t != nil {
		return t, nil
	}
	if t := p.named[name]; t != nil {
		return t, nil
	}
	return nil, fmt.Errorf("unknown type %q: it must be defined before it is used", name)
}

func (p *parser) union(raw json.RawMessage, space string, depth int) (*Type, error) {
	var list []json.RawMessage
	if err := json.Unmarshal(raw, &list); err != nil {
		return nil, fmt.Errorf("union: %w", err)
	}
	if len(list) == 0 {
		return nil, errors.New("union without branches")
	}
	t := &Type{Kind: Union}
	seen := map[string]bool{}
	for _, r := range list {
		b, err := p.parse(r, space, depth+1)
		if err != nil {
			return nil, err
		}
		key := b.Kind.String() + " " + b.Name
		if b.Kind == Union || seen[key] {
			return nil, fmt.Errorf("union has %s twice or inside another union", b)
		}
		seen[key] = true
		t.Branches = append(t.Branches, b)
	}
	return t, nil
}

func (p *parser) object(o *object, space string, depth int) (*Type, error) {
	if inner := bytes.TrimSpace(o.Type); len(inner) > 0 && inner[0] != '"' {
		return p.parse(inner, space, depth+1) // {"type": {"type": "long"}}
	}
	var name string
	if err := json.Unmarshal(o.Type, &name); err != nil {
		return nil, errors.New("schema object without a type")
	}
	switch name {
	case "record", "error", "enum", "fixed":
		return p.define(name, o, space, depth)
	case "array":
		items, err := p.parse(o.Items, space, depth+1)
		return &Type{Kind: Array, Items: items}, prefixed("array items", err)
	case "map":
		values, err := p.parse(o.Values, space, depth+1)
		return &Type{Kind: Map, Items: values}, prefixed("map values", err)
	}
	t, err := p.reference(name, space)
	if err == nil && t.Name == "" {
		t.logical(o)
	}
	return t, err
}

func prefixed(what string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s: %w", what, err)
}

// qualify gives a name its namespace, unless it brings one.
func qualify(name, space string) string {
	if strings.Contains(name, ".") || space == "" {
		return name
	}
	return space + "." + name
}
