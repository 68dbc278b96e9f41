package schemas

import (
	"encoding/json"
	"fmt"
	"math"
	"reflect"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/linkedin/goavro/v2"
	"pgregory.net/rapid"

	"github.com/quarterhour/quarterhour/schemas/internal/avsc"
)

// TestEvolvedWriters: what a producer with another schema wrote (fields left out, added, moved, promoted, widened to unions,
// with other enum symbols) is read as schema resolution says. goavro does the writing.
func TestEvolvedWriters(t *testing.T) {
	evolved[AgentInterval](t)
	evolved[AgentState](t)
	evolved[Contact](t)
	evolved[DeadLetter](t)
	evolved[Delivery](t)
	evolved[TimeOffBalance](t)
}

func evolved[T Record](t *testing.T) {
	t.Run(Of[T]().Name, rapid.MakeCheck(evolution[T]))
}

func FuzzEvolvedWriters(f *testing.F) {
	f.Fuzz(rapid.MakeFuzz(evolution[Contact]))
}

func evolution[T Record](t *rapid.T) {
	reader := Of[T]().typ
	var want, got T
	fill(t, &want, reader)
	writer, datum := evolve(t, &want, reader)
	codec, err := goavro.NewCodec(writer)
	if err != nil {
		t.Fatalf("goavro refuses the schema: %v\n%s", err, writer)
	}
	payload, err := codec.BinaryFromNative(nil, datum)
	if err != nil {
		t.Fatalf("goavro refuses the record: %v\n%s", err, writer)
	}
	decoder, err := NewDecoder[T](writer)
	if err != nil {
		t.Fatalf("%v\n%s", err, writer)
	}
	fill(t, &got, reader) // what was there before must not show through
	if err := decoder.Decode(payload, &got); err != nil {
		t.Fatalf("%v\n%s", err, writer)
	}
	if d := cmp.Diff(want, got, cmpopts.EquateEmpty()); d != "" {
		t.Fatalf("(-want +got):\n%s\n%s", d, writer)
	}
	if len(payload) > 0 {
		cut := payload[:rapid.IntRange(0, len(payload)-1).Draw(t, "cut")]
		if err := decoder.Decode(cut, &got); err == nil {
			t.Fatalf("%d of %d bytes were enough\n%s", len(cut), len(payload), writer)
		}
	}
}

// evolve makes a writer's schema that the reader can resolve, the record that such a writer would hold, and changes want to
// what the reader must make of it.
func evolve(t *rapid.T, want any, reader *avsc.Type) (schema string, datum map[string]any) {
	e := evolver{t: t, datum: map[string]any{}}
	v := reflect.ValueOf(want).Elem()
	for i, f := range reader.Fields {
		if f.Default != nil && rapid.IntRange(0, 5).Draw(t, f.Name+" left out") == 0 {
			setDefault(v.Field(i), f)
			continue
		}
		e.add(f.Name, e.field(f.Type, v.Field(i)))
	}
	for range rapid.IntRange(0, 4).Draw(t, "extra fields") {
		typ, value := e.anything(3)
		e.add(fmt.Sprintf("extra%d", len(e.fields)), column{typ, value, ""})
	}
	text, err := json.Marshal(map[string]any{
		"type": "record", "name": "quarterhour." + reader.ShortName(),
		"fields": rapid.Permutation(e.fields).Draw(t, "order"),
	})
	if err != nil {
		t.Fatal(err)
	}
	return string(text), e.datum
}

func setDefault(v reflect.Value, f *avsc.Field) {
	if f.Type.Kind == avsc.Union {
		v.SetInt(Null)
		return
	}
	v.SetZero()
	if f.Type.Kind == avsc.Enum {
		for i, s := range f.Type.Symbols {
			if `"`+s+`"` == string(f.Default) {
				v.SetUint(uint64(i))
			}
		}
		return
	}
	if f.Type.Kind != avsc.Map && f.Type.Kind != avsc.Bytes {
		if err := json.Unmarshal(f.Default, v.Addr().Interface()); err != nil {
			panic(err)
		}
	}
}

type evolver struct {
	t      *rapid.T
	fields []map[string]any
	datum  map[string]any
	named  int
}

// column is a writer's type, a value of it as goavro has it, and the name goavro gives it inside a union.
type column struct {
	typ   any
	value any
	name  string
}

func (e *evolver) add(name string, c column) {
	e.fields = append(e.fields, map[string]any{"name": name, "type": c.typ})
	e.datum[name] = c.value
}

func (e *evolver) choose(n int, what string) int { return rapid.IntRange(0, n-1).Draw(e.t, what) }

// field is a column whose value the reader's type can take; v is what the reader is to make of it.
func (e *evolver) field(r *avsc.Type, v reflect.Value) column {
	nullable := r.Kind == avsc.Union
	if nullable {
		r = r.Branches[1]
	}
	c := e.plain(r, v, nullable)
	switch {
	case c.typ == "null":
		return c
	case c.value == nil:
		return e.union(c, true)
	case e.choose(3, "widen") == 0:
		return e.union(c, false)
	}
	return c
}

// plain is the column without a union around it. A nil value stands for null, and needs one.
func (e *evolver) plain(r *avsc.Type, v reflect.Value, nullable bool) column {
	switch r.Kind {
	case avsc.String:
		if e.choose(3, "as bytes") == 0 {
			return column{"bytes", []byte(v.String()), "bytes"}
		}
		return column{"string", v.String(), "string"}
	case avsc.Bytes:
		if e.choose(3, "as string") == 0 {
			return column{"string", string(v.Bytes()), "string"}
		}
		return column{"bytes", v.Bytes(), "bytes"}
	case avsc.Boolean:
		return column{"boolean", v.Bool(), "boolean"}
	case avsc.Int:
		return column{"int", int32(v.Int()), "int"}
	case avsc.Enum:
		return e.enum(r, v)
	case avsc.Map:
		m := map[string]any{}
		for _, n := range v.Interface().([]NamedValue) {
			m[n.Name] = map[string]any{"long": n.Value}
		}
		return column{map[string]any{"type": "map", "values": []string{"null", "long"}}, m, "map"}
	}
	return e.long(r, v, nullable)
}

func (e *evolver) long(r *avsc.Type, v reflect.Value, nullable bool) column {
	if nullable && v.Int() == Null {
		return column{[]any{"null", "int", "long"}[e.choose(3, "null of")], nil, ""}
	}
	switch e.choose(4, "long as") {
	case 0:
		if n := v.Int(); n == int64(int32(n)) {
			return column{"int", int32(n), "int"}
		}
	case 1:
		if r.Logical == "timestamp-millis" {
			micros := rapid.Int64Range(0, 999).Draw(e.t, "micros")
			typ := map[string]any{"type": "long", "logicalType": "timestamp-micros"}
			return column{typ, time.UnixMicro(v.Int()*1000 + micros).UTC(), "long.timestamp-micros"}
		}
	case 2:
		if r.Logical == "timestamp-millis" {
			typ := map[string]any{"type": "long", "logicalType": "timestamp-millis"}
			return column{typ, time.UnixMilli(v.Int()).UTC(), "long.timestamp-millis"}
		}
	}
	return column{"long", v.Int(), "long"}
}

// enum shuffles the symbols and adds some that the reader does not know.
func (e *evolver) enum(r *avsc.Type, v reflect.Value) column {
	symbols := append([]string{"brand_new", "other"}, r.Symbols...)
	value := r.Symbols[v.Uint()]
	if e.choose(4, "new symbol") == 0 {
		value = "other"
		for i, s := range r.Symbols {
			if s == r.Default {
				v.SetUint(uint64(i))
			}
		}
	}
	typ := map[string]any{"type": "enum", "name": r.Name, "symbols": rapid.Permutation(symbols).Draw(e.t, "symbols")}
	return column{typ, value, r.Name}
}

// union puts the column's type among others, in any order.
func (e *evolver) union(c column, null bool) column {
	branches := []any{c.typ}
	if null || e.choose(2, "with null") == 0 {
		branches = append(branches, "null")
	}
	if e.choose(2, "with array") == 0 {
		branches = append(branches, map[string]any{"type": "array", "items": "string"})
	}
	c.typ = rapid.Permutation(branches).Draw(e.t, "branches")
	if c.value != nil {
		c.value = map[string]any{c.name: c.value}
	}
	return c
}

// anything is a type of any kind, with a value: the reader has no field for it.
func (e *evolver) anything(depth int) (typ, value any) {
	e.named++
	name := fmt.Sprintf("quarterhour.n%d", e.named)
	kinds := 14
	if depth == 0 {
		kinds = 10
	}
	switch e.choose(kinds, "kind") {
	case 0:
		return "null", nil
	case 1:
		return "boolean", rapid.Bool().Draw(e.t, name)
	case 2:
		return "int", rapid.Int32().Draw(e.t, name)
	case 3:
		return "long", longs.Draw(e.t, name)
	case 4:
		return "float", float32(1.5)
	case 5:
		return "double", math.Pi
	case 6:
		return "bytes", []byte(texts.Draw(e.t, name))
	case 7:
		return "string", texts.Draw(e.t, name)
	case 8:
		return map[string]any{"type": "fixed", "name": name, "size": 3}, []byte("abc")
	case 9:
		return map[string]any{"type": "enum", "name": name, "symbols": []string{"A", "B"}}, "B"
	case 10:
		t, v := e.anything(depth - 1)
		return map[string]any{"type": "array", "items": t}, []any{v, v, v}[:e.choose(4, "items")]
	case 11:
		t, v := e.anything(depth - 1)
		return map[string]any{"type": "map", "values": t}, map[string]any{"one": v, "two": v}
	case 12:
		t, v := e.anything(depth - 1)
		list := map[string]any{"type": "record", "name": name, "fields": []map[string]any{
			{"name": "head", "type": t}, {"name": "tail", "type": []any{"null", name}}}}
		return list, map[string]any{"head": v, "tail": map[string]any{name: map[string]any{"head": v, "tail": nil}}}
	default:
		return []any{"null", "string", map[string]any{"type": "array", "items": "long"}}, map[string]any{"array": []any{int64(1), int64(-1)}}
	}
}
