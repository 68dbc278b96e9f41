package spec

import (
	"reflect"
	"strings"
	"time"
)

// Field is one option of a component, as its struct declares it.
type Field struct {
	Name     string
	Type     string // as a user would say: text, duration, list of text, section
	Default  string
	Help     string
	Required bool
	Secret   bool
	Enum     []string
	Fields   []Field // of a section, a list of sections, sections by name
	index    []int
	shown    string // in messages in place of the value, where a variable gave it
}

// Fields lists the options of a component in the order of its struct.
func Fields(c Component) []Field {
	if c.New == nil {
		return nil
	}
	return FieldsOf(c.New())
}

// FieldsOf lists the options that a struct, or a pointer to one, declares.
func FieldsOf(options any) []Field {
	t := reflect.TypeOf(options)
	if t == nil {
		return nil
	}
	return fieldsOf(indirect(t))
}

// TypeOf is the word for the type of options that are one value, as those of a filter are.
func TypeOf(options any) string { return typeWord(indirect(reflect.TypeOf(options))) }

var (
	durationType = reflect.TypeFor[time.Duration]()
	locationType = reflect.TypeFor[*time.Location]()
	exprType     = reflect.TypeFor[Expr]()
	exprsType    = reflect.TypeFor[Exprs]()
)

func indirect(t reflect.Type) reflect.Type {
	if t.Kind() == reflect.Pointer && t != locationType {
		return t.Elem()
	}
	return t
}

func fieldsOf(t reflect.Type) []Field {
	if t.Kind() != reflect.Struct || t == exprType {
		return nil
	}
	var fields []Field
	for i := range t.NumField() {
		f := t.Field(i)
		tag, tagged := f.Tag.Lookup("cfg")
		if f.Anonymous && !tagged {
			for _, inner := range fieldsOf(indirect(f.Type)) {
				inner.index = append([]int{i}, inner.index...)
				fields = append(fields, inner)
			}
			continue
		}
		if !tagged || tag == "-" {
			continue
		}
		fields = append(fields, declared(f, tag, i))
	}
	return fields
}

func declared(f reflect.StructField, tag string, i int) Field {
	words := strings.Split(tag, ",")
	field := Field{Name: words[0], Type: typeWord(indirect(f.Type)), Default: f.Tag.Get("default"), Help: f.Tag.Get("help"), index: []int{i}}
	for _, w := range words[1:] {
		field.Required = field.Required || w == "required"
		field.Secret = field.Secret || w == "secret"
	}
	if e := f.Tag.Get("enum"); e != "" {
		field.Enum = strings.Split(e, "|")
		field.Type = "word"
	}
	field.Fields = fieldsOf(element(f.Type))
	return field
}

// element is the struct inside a section, a list of sections or sections by name.
func element(t reflect.Type) reflect.Type {
	t = indirect(t)
	if t != exprsType && (t.Kind() == reflect.Slice || t.Kind() == reflect.Map) {
		return indirect(t.Elem())
	}
	return t
}

func typeWord(t reflect.Type) string {
	switch t {
	case durationType:
		return "duration"
	case locationType:
		return "time zone"
	case exprType:
		return "expression"
	case exprsType:
		return "expressions by name"
	}
	switch t.Kind() {
	case reflect.Bool:
		return "true or false"
	case reflect.Int, reflect.Int64:
		return "whole number"
	case reflect.Float64:
		return "number"
	case reflect.Struct:
		return "section"
	case reflect.Slice:
		return "list of " + plural(typeWord(indirect(t.Elem())))
	case reflect.Map:
		return plural(typeWord(indirect(t.Elem()))) + " by name"
	default:
		return "text"
	}
}

func plural(word string) string {
	if word == "text" || word == "true or false" {
		return word
	}
	return word + "s"
}
