package script

import (
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/quarterhour/quarterhour/internal/spec"
	"github.com/quarterhour/quarterhour/schemas"
)

// unit is what a field of a record holds.
type unit uint8

const (
	text unit = iota
	count
	length  // milliseconds
	instant // milliseconds since 1970
	choice  // one of the words of an enum
	truth
)

// field is one field of a record that scripts may name.
type field struct {
	name  string // as in the schema: offered_at
	short string // without the unit: offered
	unit  unit
	index int
	words []string // of a choice
}

// enum is what the generated enums are.
type enum interface{ String() string }

// fieldsOf lists the fields of a record, but for those left out.
func fieldsOf(record any, without ...string) (list []field) {
	t := reflect.TypeOf(record)
	for i := range t.NumField() {
		f := field{name: t.Field(i).Tag.Get("avro"), index: i}
		if slices.Contains(without, f.name) {
			continue
		}
		f.short = f.name
		switch kind := t.Field(i).Type.Kind(); {
		case kind == reflect.String:
			f.short = strings.TrimSuffix(f.name, "_id")
		case kind == reflect.Bool:
			f.unit = truth
		case kind == reflect.Uint8:
			f.unit, f.words = choice, wordsOf(t.Field(i).Type)
		case kind == reflect.Slice:
			continue
		case strings.HasSuffix(f.name, "_at"):
			f.unit, f.short = instant, strings.TrimSuffix(f.name, "_at")
		case strings.HasSuffix(f.name, "_ms"):
			f.unit, f.short = length, strings.TrimSuffix(f.name, "_ms")
		default:
			f.unit = count
		}
		list = append(list, f)
	}
	return list
}

// wordsOf lists the words of a generated enum: a value beyond them prints as Type(n).
func wordsOf(t reflect.Type) (words []string) {
	for n := range 256 {
		v := reflect.New(t).Elem()
		v.SetUint(uint64(n))
		word := v.Interface().(enum).String() // the records have no other fields of a byte
		if strings.HasSuffix(word, ")") {
			break
		}
		words = append(words, word)
	}
	return words
}

func find(list []field, name string) (field, error) {
	var known []string
	for _, f := range list {
		if f.name == name || f.short == name {
			return f, nil
		}
		known = append(known, f.short)
	}
	return field{}, fmt.Errorf("unknown field %q%s", name, suggest(name, known))
}

// suggest is the end of a message about a wrong word: the nearest right one, else all of them.
func suggest(word string, known []string) string {
	if near := spec.Nearest(word, known); near != "" {
		return fmt.Sprintf(": did you mean %q?", near)
	}
	return ": known are " + strings.Join(known, ", ")
}

// set puts a value, as it is written, into a record (a pointer to one). Nothing after the = makes it absent. at reads instants.
func (f field) set(record any, value string, at func(string) (int64, error)) error {
	v := reflect.ValueOf(record).Elem().Field(f.index)
	switch f.unit {
	case text:
		v.SetString(value)
		return nil
	case choice:
		n := slices.Index(f.words, value)
		if n < 0 {
			return fmt.Errorf("%s is %q%s", f.short, value, suggest(value, f.words))
		}
		v.SetUint(uint64(n))
		return nil
	case truth:
		if value != "true" && value != "false" {
			return fmt.Errorf("%s is %q: write true or false", f.short, value)
		}
		v.SetBool(value == "true")
		return nil
	}
	n, err := int64(schemas.Null), error(nil)
	switch {
	case f.unit == count:
		if n, err = strconv.ParseInt(value, 10, 64); err != nil {
			err = fmt.Errorf("%q is not a whole number", value)
		}
	case value == "":
	case f.unit == instant:
		n, err = at(value)
	default:
		n, err = parseLength(value)
	}
	if err != nil {
		return fmt.Errorf("%s: %w", f.short, err)
	}
	v.SetInt(n)
	return nil
}

// absent makes every instant and duration of a record absent.
func absent(record any, list []field) {
	v := reflect.ValueOf(record).Elem()
	for _, f := range list {
		if f.unit == instant || f.unit == length {
			v.Field(f.index).SetInt(schemas.Null)
		}
	}
}
