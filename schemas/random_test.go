package schemas

import (
	"reflect"
	"time"

	"pgregory.net/rapid"

	"github.com/quarterhour/quarterhour/schemas/internal/avsc"
)

// Random records, and what goavro calls the same values.

var (
	texts   = rapid.OneOf(rapid.String(), rapid.StringN(0, 300, 2000), rapid.SampledFrom([]string{"", "a", "\x00", "ü€😀"}))
	longs   = rapid.OneOf(rapid.Int64Range(Null+1, 1<<63-1), rapid.Int64Range(-100, 100), rapid.SampledFrom([]int64{0, 63, 64, -64, -65, 1<<63 - 1, Null + 1}))
	instant = rapid.Int64Range(-62_000_000_000_000, 250_000_000_000_000)
)

// fill sets every field of a record to a random value that its schema allows.
func fill(t *rapid.T, rec any, schema *avsc.Type) {
	v := reflect.ValueOf(rec).Elem()
	for i, f := range schema.Fields {
		field := v.Field(i)
		typ := f.Type
		if typ.Kind == avsc.Union {
			if rapid.Bool().Draw(t, f.Name+" is null") {
				field.SetInt(Null)
				continue
			}
			typ = typ.Branches[1]
		}
		switch typ.Kind {
		case avsc.String:
			field.SetString(texts.Draw(t, f.Name))
		case avsc.Bytes:
			field.SetBytes([]byte(texts.Draw(t, f.Name)))
		case avsc.Boolean:
			field.SetBool(rapid.Bool().Draw(t, f.Name))
		case avsc.Int:
			field.SetInt(int64(rapid.Int32().Draw(t, f.Name)))
		case avsc.Long:
			field.SetInt(longOf(typ).Draw(t, f.Name))
		case avsc.Enum:
			field.SetUint(uint64(rapid.IntRange(0, len(typ.Symbols)-1).Draw(t, f.Name)))
		case avsc.Map:
			m := rapid.MapOfN(texts, longs, 0, 5).Draw(t, f.Name)
			var list []NamedValue
			for k, n := range m {
				list = append(list, NamedValue{k, n})
			}
			field.Set(reflect.ValueOf(sortLastWins(list)))
		}
	}
}

func longOf(t *avsc.Type) *rapid.Generator[int64] {
	if t.Logical != "" {
		return instant
	}
	return longs
}

// native is the record as goavro has it.
func native(rec any, schema *avsc.Type) map[string]any {
	v := reflect.ValueOf(rec).Elem()
	m := map[string]any{}
	for i, f := range schema.Fields {
		field, typ := v.Field(i), f.Type
		if typ.Kind == avsc.Union {
			if field.Int() == Null {
				m[f.Name] = nil
				continue
			}
			name := "long"
			if l := typ.Branches[1].Logical; l != "" {
				name += "." + l
			}
			m[f.Name] = map[string]any{name: nativeValue(field, typ.Branches[1])}
			continue
		}
		m[f.Name] = nativeValue(field, typ)
	}
	return m
}

func nativeValue(v reflect.Value, t *avsc.Type) any {
	switch t.Kind {
	case avsc.String:
		return v.String()
	case avsc.Bytes:
		return v.Bytes()
	case avsc.Boolean:
		return v.Bool()
	case avsc.Int:
		return int32(v.Int())
	case avsc.Enum:
		return t.Symbols[v.Uint()]
	case avsc.Map:
		m := map[string]any{}
		for _, e := range v.Interface().([]NamedValue) {
			m[e.Name] = e.Value
		}
		return m
	}
	if t.Logical == "timestamp-millis" {
		return time.UnixMilli(v.Int()).UTC()
	}
	return v.Int()
}
