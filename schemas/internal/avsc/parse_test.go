package avsc

import (
	"slices"
	"strings"
	"testing"
)

func TestParse(t *testing.T) {
	_, err := Parse(`{"type":"record","name":"node","namespace":"a","aliases":["old","b.older"],"doc":"d","fields":[
		{"name":"id","type":{"type":"long","logicalType":"timestamp-millis"},"default":null,"aliases":["key"]},
		{"name":"next","type":["null","node","a.node2"],"doc":"x"},
		{"name":"f","type":{"type":"fixed","name":"b.f","size":4,"logicalType":"decimal","precision":5,"scale":2}},
		{"name":"e","type":{"type":"enum","name":"e","symbols":["A","B"],"default":"B"}},
		{"name":"m","type":{"type":{"type":"map","values":{"type":"array","items":"e"}}}}]}`)
	if err == nil || !strings.Contains(err.Error(), `record "a.node": field "next": unknown type "a.node2"`) {
		t.Fatal(err)
	}
	typ, err := Parse(`{"type":"record","name":"node","namespace":"a","aliases":["old","b.older"],"doc":"d","fields":[
		{"name":"id","type":{"type":"long","logicalType":"timestamp-millis"},"default":null,"aliases":["key"]},
		{"name":"next","type":["null","node"],"doc":"x"},
		{"name":"f","type":{"type":"fixed","name":"b.f","size":4,"logicalType":"decimal","precision":5,"scale":2}},
		{"name":"e","type":{"type":"enum","name":"e","symbols":["A","B"],"default":"B"}},
		{"name":"m","type":{"type":{"type":"map","values":{"type":"array","items":"e"}}}}]}`)
	if err != nil {
		t.Fatal(err)
	}
	id, next, fixed, enum, values := typ.Fields[0], typ.Fields[1], typ.Fields[2].Type, typ.Fields[3].Type, typ.Fields[4].Type
	for what, ok := range map[string]bool{
		"name":      typ.Name == "a.node" && typ.ShortName() == "node" && typ.Doc == "d",
		"aliases":   strings.Join(typ.Aliases, " ") == "a.old b.older",
		"default":   string(id.Default) == "null" && next.Default == nil,
		"logical":   id.Type.Logical == "timestamp-millis" && fixed.Precision == 5 && fixed.Scale == 2,
		"recursion": next.Type.Branches[1] == typ,
		"namespace": fixed.Name == "b.f" && enum.Name == "a.e" && enum.Default == "B",
		"reference": values.Kind == Map && values.Items.Kind == Array && values.Items.Items == enum,
		"text":      next.Type.String() == "union of null, record a.node" && id.Type.String() == "long (timestamp-millis)",
	} {
		if !ok {
			t.Errorf("%s is wrong", what)
		}
	}
}

func TestMatch(t *testing.T) {
	record := func(fields ...*Field) *Type { return &Type{Kind: Record, Fields: fields} }
	reader := record(&Field{Name: "a", Aliases: []string{"b", "c"}}, &Field{Name: "d", Aliases: []string{"a"}})
	f := func(want []int, names ...string) {
		t.Helper()
		writer := record()
		for _, n := range names {
			writer.Fields = append(writer.Fields, &Field{Name: n})
		}
		if got := Match(writer, reader); !slices.Equal(got, want) {
			t.Errorf("%v: got %v, want %v", names, got, want)
		}
	}
	f([]int{0, 1, -1}, "a", "d", "x")
	f([]int{-1, 0}, "b", "a") // its own name goes first, wherever it stands
	f([]int{-1, 0}, "c", "b") // then the aliases, in their order
	f([]int{0, -1}, "a", "c") // a field is taken once
}

// TestIgnoresLogical: a logical type that does not suit its type is no logical type.
func TestIgnoresLogical(t *testing.T) {
	for _, s := range []string{
		`{"type":"string","logicalType":"date"}`, `{"type":"int","logicalType":"timestamp-millis"}`, `{"type":"long","logicalType":7}`,
		`{"type":"bytes","logicalType":"decimal","precision":0}`, `{"type":"bytes","logicalType":"decimal","precision":2,"scale":3}`, `{"type":"bytes","logicalType":"decimal"}`,
	} {
		typ, err := Parse(s)
		if err != nil || typ.Logical != "" {
			t.Errorf("%s: got %v, %v", s, typ, err)
		}
	}
}

func TestParseRefuses(t *testing.T) {
	f := func(schema, want string) {
		t.Helper()
		if typ, err := Parse(schema); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%.200s: got %v, %v; want %s", schema, typ, err, want)
		}
	}
	f(``, "not JSON")
	f(`"long" "long"`, "text after its end")
	f(`7`, "neither a name")
	f(`"no"`, `unknown type "no"`)
	f(`[]`, "without branches")
	f(`["long","long"]`, "twice")
	f(`["null",["long"]]`, "inside another")
	f(`{}`, "without a type")
	f(`{"type":"array"}`, "array items: schema without a type")
	f(`{"type":"map","values":"no"}`, "map values")
	f(`{"type":"record","name":"1r","fields":[]}`, `"1r"`)
	f(`{"type":"record","name":"r"}`, "without fields")
	f(`{"type":"record","name":"r","fields":[{"name":"a","type":"int"},{"name":"a","type":"int"}]}`, `"a" has no valid name, or is listed twice`)
	f(`{"type":"record","name":"r","fields":[{"name":"a","type":{"type":"record","name":"r","fields":[]}}]}`, "defined twice")
	f(`{"type":"enum","name":"e","symbols":["A","A"]}`, `"A"`)
	f(`{"type":"enum","name":"e","symbols":["A"],"default":"B"}`, `"B"`)
	f(`{"type":"fixed","name":"f"}`, "without a size")
	f(`{"type":"fixed","name":"f","size":-1}`, "size -1")
	f(`{"type":"fixed","name":"f","size":9e18}`, "size")
	f(strings.Repeat(`{"type":"array","items":`, 300)+`"int"`+strings.Repeat("}", 300), "nested more than 200")
}

func FuzzParse(f *testing.F) {
	f.Add(`{"type":"record","name":"node","fields":[{"name":"next","type":["null","node"]}]}`)
	f.Add(`{"type":"enum","name":"e","symbols":["A"],"default":"A"}`)
	f.Fuzz(func(t *testing.T, schema string) {
		if typ, err := Parse(schema); (err == nil) == (typ == nil) {
			t.Fatal(typ, err)
		}
	})
}
