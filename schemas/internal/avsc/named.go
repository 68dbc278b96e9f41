package avsc

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
)

// define reads a record, an enum or a fixed and makes it known by its name before its own fields are read: they may refer
// to it.
func (p *parser) define(kind string, o *object, space string, depth int) (*Type, error) {
	if !strings.Contains(o.Name, ".") && o.Namespace != nil {
		space = *o.Namespace
	}
	t := &Type{Name: qualify(o.Name, space), Doc: o.Doc}
	if i := strings.LastIndexByte(t.Name, '.'); i >= 0 {
		space = t.Name[:i]
	}
	for _, part := range strings.Split(t.Name, ".") {
		if !validName(part) {
			return nil, fmt.Errorf("%s with the name %q: names are letters, digits and _, and do not start with a digit", kind, t.Name)
		}
	}
	if p.named[t.Name] != nil {
		return nil, fmt.Errorf("type %q is defined twice", t.Name)
	}
	for _, a := range o.Aliases {
		t.Aliases = append(t.Aliases, qualify(a, space))
	}
	p.named[t.Name] = t
	var err error
	switch kind {
	case "enum":
		err = t.enum(o)
	case "fixed":
		t.Kind = Fixed
		t.Size, err = o.size()
		t.logical(o)
	default:
		t.Kind = Record
		err = p.fields(t, o, space, depth)
	}
	if err != nil {
		return nil, fmt.Errorf("%s %q: %w", t.Kind, t.Name, err)
	}
	return t, nil
}

func (t *Type) enum(o *object) error {
	t.Kind, t.Symbols = Enum, o.Symbols
	seen := map[string]bool{}
	for _, s := range o.Symbols {
		if !validName(s) || seen[s] {
			return fmt.Errorf("symbol %q is not a name, or is listed twice", s)
		}
		seen[s] = true
	}
	if len(o.Default) == 0 {
		return nil
	}
	if err := json.Unmarshal(o.Default, &t.Default); err != nil || !slices.Contains(t.Symbols, t.Default) {
		return fmt.Errorf("default %s is not one of its symbols", o.Default)
	}
	return nil
}

func (o *object) size() (int, error) {
	if o.Size == nil {
		return 0, fmt.Errorf("fixed without a size")
	}
	n, err := o.Size.Int64()
	if err != nil || n < 0 || n > 1<<30 {
		return 0, fmt.Errorf("size %s is not a number of bytes up to 1 GiB", *o.Size)
	}
	return int(n), nil
}

// fieldObject is a field as written.
type fieldObject struct {
	Name    string          `json:"name"`
	Aliases []string        `json:"aliases"`
	Doc     string          `json:"doc"`
	Type    json.RawMessage `json:"type"`
	Default json.RawMessage `json:"default"`
}

func (p *parser) fields(t *Type, o *object, space string, depth int) error {
	if o.Fields == nil {
		return fmt.Errorf("record without fields")
	}
	seen := map[string]bool{}
	for _, raw := range o.Fields {
		var f fieldObject
		if err := json.Unmarshal(raw, &f); err != nil {
			return fmt.Errorf("field: %w", err)
		}
		if !validName(f.Name) || seen[f.Name] {
			return fmt.Errorf("field %q has no valid name, or is listed twice", f.Name)
		}
		seen[f.Name] = true
		ft, err := p.parse(f.Type, space, depth+1)
		if err != nil {
			return fmt.Errorf("field %q: %w", f.Name, err)
		}
		t.Fields = append(t.Fields, &Field{Name: f.Name, Aliases: f.Aliases, Doc: f.Doc, Type: ft, Default: f.Default})
	}
	return nil
}

// logical notes a logical type that suits the kind; others are ignored, as the specification asks.
func (t *Type) logical(o *object) {
	name, _ := o.LogicalType.(string)
	switch {
	case t.Kind == Int && (name == "date" || name == "time-millis"):
	case t.Kind == Long && (name == "time-micros" || strings.HasPrefix(name, "timestamp-") || strings.HasPrefix(name, "local-timestamp-")):
	case (t.Kind == Bytes || t.Kind == Fixed) && name == "decimal":
		precision, _ := o.Precision.Int64()
		scale, _ := o.Scale.Int64()
		if precision < 1 || scale < 0 || scale > precision {
			return
		}
		t.Precision, t.Scale = int(precision), int(scale)
	case t.Kind == String && name == "uuid":
	default:
		return
	}
	t.Logical = name
}

func validName(s string) bool {
	for i, r := range s {
		letter := r == '_' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z'
		if !letter && (i == 0 || r < '0' || r > '9') {
			return false
		}
	}
	return s != ""
}
