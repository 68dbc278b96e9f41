package spec

import (
	"fmt"
	"reflect"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// Source says where a node comes from and what surrounds it.
type Source struct {
	File string
	Path string // of the node, for messages: ingest.calls
	Env  Environment
	Also []string // keys of the node that somebody else reads
	// Check reports what is wrong with the options besides what they say themselves (see Validator); nil: nothing.
	Check func(problem func(path, message string))
}

// Decode reads a node into options: a pointer to a struct declared as Component.New says, or to one value (an expression). It
// sets defaults, puts in ${VARIABLES}, runs Validate, and returns every problem at once. Where there are problems the
// options are not to be used.
func Decode(node *yaml.Node, into any, s Source) []Problem {
	d := &decoder{Source: s, places: make(map[string]Position), bad: make(map[string]bool)}
	d.value(Resolve(node), reflect.ValueOf(into).Elem(), Field{Name: "."}, "")
	d.validate(At(s.File, node), into)
	return Sort(d.problems)
}

// decoder holds what Decode found. Paths are relative to the node: "" is the node itself.
type decoder struct {
	Source
	problems []Problem
	places   map[string]Position // where the value of each path stands
	bad      map[string]bool     // paths with a problem of their own: Validate's view of them would only repeat it
}

func (d *decoder) fail(path string, at Position, format string, args ...any) {
	d.bad[path] = true
	d.problems = append(d.problems, Problem{at, fmt.Sprintf(format, args...)})
}

// full is a path as the user knows it.
func (d *decoder) full(path string) string { return join(d.Path, path) }

func join(outer, inner string) string {
	if outer == "" || inner == "" {
		return outer + inner
	}
	return outer + "." + inner
}

// value decodes into v by its type. An absent value (null) leaves the default.
func (d *decoder) value(n *yaml.Node, v reflect.Value, f Field, path string) {
	n = Resolve(n)
	d.places[path] = content(d.File, n)
	if v.Kind() == reflect.Pointer && v.Type() != locationType {
		v.Set(reflect.New(v.Type().Elem()))
		v = v.Elem()
	}
	switch t := v.Type(); {
	case t == exprsType:
		d.expressions(n, v, path)
	case t == exprType:
		d.scalar(n, v, f, path)
	case t.Kind() == reflect.Struct:
		d.section(n, v, path)
	case t.Kind() == reflect.Slice:
		d.list(n, v, f, path)
	case t.Kind() == reflect.Map:
		d.byName(n, v, f, path)
	default:
		d.scalar(n, v, f, path)
	}
}

func (d *decoder) section(n *yaml.Node, v reflect.Value, path string) {
	fields := fieldsOf(v.Type())
	d.defaults(v, fields, path)
	if n.Tag != "!!null" && !d.is(n, yaml.MappingNode, "section", path) {
		return
	}
	known := make(map[string]Field, len(fields))
	names := make([]string, 0, len(fields)+len(d.Also))
	for _, f := range fields {
		known[f.Name] = f
		names = append(names, f.Name)
	}
	if path == "" {
		names = append(names, d.Also...)
	}
	present := make(map[string]bool)
	for _, e := range Entries(n) {
		name := e.Key.Value
		present[name] = true
		if f, ok := known[name]; ok {
			d.option(e, v.FieldByIndex(f.index), f, join(path, name))
		} else if path != "" || !slices.Contains(d.Also, name) {
			d.fail(join(path, name), At(d.File, e.Key), "unknown option %q%s%s", name, d.in(path), Suggest(name, names))
			meant := Nearest(name, names) // a required option mistyped is one problem, not two
			present[meant], d.bad[join(path, meant)] = true, true
		}
	}
	for _, f := range fields {
		if f.Required && !present[f.Name] {
			d.fail(join(path, f.Name), At(d.File, n), "%srequired option %q is missing: %s", d.prefix(path), f.Name, f.Help)
		}
	}
}

// option decodes the value of one key. A key with nothing after it is as good as absent, unless it is required.
func (d *decoder) option(e Entry, v reflect.Value, f Field, path string) {
	if e.Value.Tag != "!!null" {
		d.value(e.Value, v, f, path)
		return
	}
	d.places[path] = At(d.File, e.Key)
	if f.Required {
		d.fail(path, At(d.File, e.Key), "%s has no value: %s", d.full(path), f.Help)
	}
}

// about joins a message to the option it is about: "interval: ..." or, where the message reads on, "interval is ...".
func (d *decoder) about(path, message string) string {
	verb, _, _ := strings.Cut(message, " ")
	if p := d.full(path); p != "" && slices.Contains([]string{"is", "are", "has", "have", "cannot", "must", "needs", "names"}, verb) {
		return p + " " + message
	}
	return d.prefix(path) + message
}

// prefix and in place a message about an option in its section.
func (d *decoder) prefix(path string) string {
	if p := d.full(path); p != "" {
		return p + ": "
	}
	return ""
}

func (d *decoder) in(path string) string {
	if p := d.full(path); p != "" {
		return " in " + p
	}
	return ""
}

func (d *decoder) defaults(v reflect.Value, fields []Field, path string) {
	for _, f := range fields {
		inner := v.FieldByIndex(f.index)
		if f.Default != "" {
			if message := set(inner, f.Default, f); message != "" {
				d.fail(join(path, f.Name), Position{File: d.File}, "the default of %s %s", d.full(join(path, f.Name)), message)
			}
		} else if inner.Kind() == reflect.Struct && inner.Type() != exprType {
			d.defaults(inner, f.Fields, join(path, f.Name))
		}
	}
}

func (d *decoder) list(n *yaml.Node, v reflect.Value, f Field, path string) {
	if !d.is(n, yaml.SequenceNode, "list", path) {
		return
	}
	v.Set(reflect.MakeSlice(v.Type(), len(n.Content), len(n.Content)))
	for i, item := range n.Content {
		d.value(item, v.Index(i), f, fmt.Sprintf("%s[%d]", path, i))
	}
}

func (d *decoder) byName(n *yaml.Node, v reflect.Value, f Field, path string) {
	if !d.is(n, yaml.MappingNode, "section", path) {
		return
	}
	v.Set(reflect.MakeMap(v.Type()))
	for _, e := range Entries(n) {
		item := reflect.New(v.Type().Elem()).Elem()
		d.value(e.Value, item, f, join(path, e.Key.Value))
		v.SetMapIndex(reflect.ValueOf(e.Key.Value), item)
	}
}

func (d *decoder) expressions(n *yaml.Node, v reflect.Value, path string) {
	if !d.is(n, yaml.MappingNode, "section of names and expressions", path) {
		return
	}
	var list Exprs
	for _, e := range Entries(n) {
		named := NamedExpr{Name: e.Key.Value, At: At(d.File, e.Key)}
		d.value(e.Value, reflect.ValueOf(&named.Expr).Elem(), Field{}, join(path, named.Name))
		list = append(list, named)
	}
	v.Set(reflect.ValueOf(list))
}

// is checks the node's kind, and says what is there instead.
func (d *decoder) is(n *yaml.Node, kind yaml.Kind, word, path string) bool {
	if n.Kind == kind {
		return true
	}
	if d.full(path) == "" {
		d.fail(path, At(d.File, n), "the file is %s, not a %s", Describe(n), word)
	} else {
		d.fail(path, At(d.File, n), "%s is %s, not a %s", d.full(path), Describe(n), word)
	}
	return false
}

// Describe says what stands in the file in place of what was expected.
func Describe(n *yaml.Node) string {
	switch {
	case n.Kind == yaml.MappingNode:
		return "a section"
	case n.Kind == yaml.SequenceNode:
		return "a list"
	case n.Tag == "!!null":
		return "empty"
	default:
		return fmt.Sprintf("%q", n.Value)
	}
}

// validate runs the options' own checks and the caller's, and places what they find at the option, or the nearest thing around it that is
// written in the file.
func (d *decoder) validate(root Position, options any) {
	problem := func(path, message string) {
		place, found := root, false
		for p := path; ; p = p[:max(strings.LastIndexAny(p, ".["), 0)] {
			if d.bad[p] {
				return
			}
			if at, ok := d.places[p]; ok && !found {
				place, found = at, true
			}
			if p == "" {
				break
			}
		}
		d.problems = append(d.problems, Problem{place, d.about(path, message)})
	}
	if v, ok := options.(Validator); ok {
		v.Validate(problem)
	}
	if d.Check != nil {
		d.Check(problem)
	}
}
