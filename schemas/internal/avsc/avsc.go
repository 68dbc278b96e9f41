// Package avsc reads Avro schemas into a tree that the compiler, the generator and the compatibility check walk.
package avsc

import (
	"encoding/json"
	"slices"
	"strings"
)

// Kind is the Avro type of a schema.
type Kind uint8

// The Avro types.
const (
	Null Kind = iota
	Boolean
	Int
	Long
	Float
	Double
	Bytes
	String
	Record
	Enum
	Array
	Map
	Union
	Fixed
)

var kindNames = [...]string{"null", "boolean", "int", "long", "float", "double", "bytes", "string", "record", "enum", "array", "map", "union", "fixed"}

// String is the name Avro gives the type.
func (k Kind) String() string {
	if int(k) < len(kindNames) {
		return kindNames[k]
	}
	return "unknown"
}

// Type is one schema. A named type that is referred to again is the same *Type, so a recursive schema is a cyclic graph.
type Type struct {
	Kind    Kind
	Name    string   // full name of a record, enum or fixed
	Aliases []string // full names the type was known by
	Doc     string

	Logical   string // logical type where Avro knows it and it suits the kind, else empty
	Precision int    // of a decimal
	Scale     int    // of a decimal

	Fields   []*Field // of a record
	Symbols  []string // of an enum
	Default  string   // of an enum; one of Symbols, or empty where it has none
	Items    *Type    // of an array, or the values of a map
	Branches []*Type  // of a union
	Size     int      // of a fixed, bytes
}

// Field is one field of a record.
type Field struct {
	Name    string
	Aliases []string
	Doc     string
	Type    *Type
	Default json.RawMessage // as written; nil where the field has none
}

// ShortName is the name without its namespace.
func (t *Type) ShortName() string { return Short(t.Name) }

// Short is the last part of a dotted name.
func Short(name string) string { return name[strings.LastIndexByte(name, '.')+1:] }

// String names the type as an error message should: its kind, its name where it has one, its logical type.
func (t *Type) String() string {
	switch {
	case t.Kind == Union:
		names := make([]string, len(t.Branches))
		for i, b := range t.Branches {
			names[i] = b.String()
		}
		return "union of " + strings.Join(names, ", ")
	case t.Name != "":
		return t.Kind.String() + " " + t.Name
	case t.Logical != "":
		return t.Kind.String() + " (" + t.Logical + ")"
	}
	return t.Kind.String()
}

// SameName reports whether a writer's named type is the reader's: the last parts of the names are equal, or the reader
// lists the writer's name among its aliases.
func SameName(writer, reader *Type) bool {
	return writer.ShortName() == reader.ShortName() || slices.ContainsFunc(reader.Aliases, func(a string) bool {
		return a == writer.Name
	})
}

// Match gives, for each field of the writer's record, the index of the reader's field that takes it, or -1. A reader's field
// takes the one of its own name, or else of the first of its aliases that the writer has.
func Match(writer, reader *Type) []int {
	taken := make([]int, len(writer.Fields))
	for i := range taken {
		taken[i] = -1
	}
	for i, f := range reader.Fields {
		for _, name := range append([]string{f.Name}, f.Aliases...) {
			w := slices.IndexFunc(writer.Fields, func(f *Field) bool { return f.Name == name })
			if w >= 0 && taken[w] < 0 {
				taken[w] = i
				break
			}
		}
	}
	return taken
}
