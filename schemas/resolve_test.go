package schemas

import (
	"fmt"
	"reflect"
	"strings"
	"testing"
	"unsafe"

	"github.com/google/go-cmp/cmp"
	"github.com/linkedin/goavro/v2"

	"github.com/quarterhour/quarterhour/schemas/internal/avsc"
)

// gauge has a field of every type that a record can have, to test the rules that our own schemas do not use yet.
type gauge struct {
	Name    string       `avro:"name"`
	Raw     []byte       `avro:"raw"`
	On      bool         `avro:"on"`
	Small   int32        `avro:"small"`
	Big     int64        `avro:"big"`
	Float   float32      `avro:"float"`
	Double  float64      `avro:"double"`
	Colour  uint8        `avro:"colour"`
	At      int64        `avro:"at"`
	DayMs   int64        `avro:"day_ms"`
	Reasons []NamedValue `avro:"reasons"`
}

const gaugeSchema = `{"type":"record","name":"g.gauge","aliases":["old.meter"],"fields":[
	{"name":"name","type":"string","default":"nobody","aliases":["title","label"]},
	{"name":"raw","type":"bytes","default":"\u00ff\u0001"},
	{"name":"on","type":"boolean","default":true},
	{"name":"small","type":"int","default":-3},
	{"name":"big","type":"long","default":7},
	{"name":"float","type":"float","default":1.5},
	{"name":"double","type":"double","default":2.5},
	{"name":"colour","type":{"type":"enum","name":"colour","aliases":["g.hue"],"symbols":["RED","GREEN"]},"default":"GREEN"},
	{"name":"at","type":["null",{"type":"long","logicalType":"timestamp-millis"}],"default":null},
	{"name":"day_ms","type":"long","default":0},
	{"name":"reasons","type":{"type":"map","values":"long"},"default":{}}]}`

func gaugeDefaults() gauge {
	return gauge{Name: "nobody", Raw: []byte{0xff, 1}, On: true, Small: -3, Big: 7, Float: 1.5, Double: 2.5, Colour: 1, At: Null, Reasons: []NamedValue{}}
}

func compileGauge(t testing.TB, writer string) (*program, error) {
	t.Helper()
	reader, err := avsc.Parse(gaugeSchema)
	if err != nil {
		t.Fatal(err)
	}
	w, err := avsc.Parse(writer)
	if err != nil {
		t.Fatalf("%v\n%s", err, writer)
	}
	return compile(w, reader, reflect.TypeFor[gauge]())
}

// gaugeWriter is a writer's schema with these fields.
func gaugeWriter(fields string) string {
	return `{"type":"record","name":"gauge","namespace":"g","fields":[` + fields + `]}`
}

func readGauge(t testing.TB, writer string, datum map[string]any) (gauge, error) {
	t.Helper()
	p, err := compileGauge(t, writer)
	if err != nil {
		t.Fatalf("%v\n%s", err, writer)
	}
	codec, err := goavro.NewCodec(writer)
	if err != nil {
		t.Fatalf("%v\n%s", err, writer)
	}
	payload, err := codec.BinaryFromNative(nil, datum)
	if err != nil {
		t.Fatalf("%v\n%s", err, writer)
	}
	got := gauge{Reasons: []NamedValue{{"left over", 1}}}
	n, err := p.run(payload, 0, unsafe.Pointer(&got))
	if err == nil && n != len(payload) {
		t.Fatalf("read %d of %d bytes", n, len(payload))
	}
	return got, err
}

func TestResolution(t *testing.T) {
	f := func(fields string, datum map[string]any, change func(g *gauge)) {
		t.Helper()
		want := gaugeDefaults()
		change(&want)
		got, err := readGauge(t, gaugeWriter(fields), datum)
		if err != nil {
			t.Fatalf("%v\n%s", err, fields)
		}
		if d := cmp.Diff(want, got); d != "" {
			t.Errorf("%s\n(-want +got):\n%s", fields, d)
		}
	}
	field := func(name, typ string) string { return fmt.Sprintf(`{"name":%q,"type":%s}`, name, typ) }
	type m = map[string]any

	// A writer with nothing that the reader knows: defaults of every type.
	f(field("unknown", `"string"`), m{"unknown": "x"}, func(g *gauge) {})
	// Field aliases.
	f(field("title", `"string"`), m{"title": "x"}, func(g *gauge) { g.Name = "x" })
	// A field of the reader's own name goes before an alias; the other is skipped.
	f(field("name", `"string"`)+","+field("label", `"string"`), m{"name": "x", "label": "y"}, func(g *gauge) { g.Name = "x" })
	f(field("label", `"string"`)+","+field("name", `"string"`), m{"name": "x", "label": "y"}, func(g *gauge) { g.Name = "x" })
	// Promotions.
	f(field("big", `"int"`), m{"big": int32(-9)}, func(g *gauge) { g.Big = -9 })
	f(field("float", `"int"`), m{"float": int32(-9)}, func(g *gauge) { g.Float = -9 })
	f(field("float", `"long"`), m{"float": int64(9)}, func(g *gauge) { g.Float = 9 })
	f(field("float", `"float"`), m{"float": float32(9.25)}, func(g *gauge) { g.Float = 9.25 })
	f(field("double", `"int"`), m{"double": int32(1)}, func(g *gauge) { g.Double = 1 })
	f(field("double", `"long"`), m{"double": int64(1)}, func(g *gauge) { g.Double = 1 })
	f(field("double", `"float"`), m{"double": float32(0.5)}, func(g *gauge) { g.Double = 0.5 })
	f(field("double", `"double"`), m{"double": 1e300}, func(g *gauge) { g.Double = 1e300 })
	f(field("name", `"bytes"`), m{"name": []byte("x")}, func(g *gauge) { g.Name = "x" })
	f(field("raw", `"string"`), m{"raw": "x"}, func(g *gauge) { g.Raw = []byte("x") })
	// Each branch of a writer's union is promoted on its own.
	f(field("double", `["int","double"]`), m{"double": m{"int": 3}}, func(g *gauge) { g.Double = 3 })
	f(field("double", `["int","double"]`), m{"double": m{"double": 3.5}}, func(g *gauge) { g.Double = 3.5 })
	f(field("at", `["string","null","long"]`), m{"at": m{"long": 3}}, func(g *gauge) { g.At = 3 })
	f(field("at", `["long","null"]`), m{"at": m{"long": 3}}, func(g *gauge) { g.At = 3 })
	f(field("at", `["long","null"]`), m{"at": nil}, func(g *gauge) {})
	f(field("at", `"null"`), m{"at": nil}, func(g *gauge) {})
	// Enums by symbol, under an alias.
	f(field("colour", `{"type":"enum","name":"hue","symbols":["GREEN","RED"]}`), m{"colour": "RED"}, func(g *gauge) { g.Colour = 0 })
	// Units of time.
	f(field("at", `{"type":"int","logicalType":"date"}`), m{"at": date(2026, 3, 1)}, func(g *gauge) { g.At = date(2026, 3, 1).UnixMilli() })
	f(field("at", `{"type":"long","logicalType":"timestamp-micros"}`), m{"at": date(1969, 12, 31)}, func(g *gauge) { g.At = date(1969, 12, 31).UnixMilli() })
	f(field("at", `{"type":"long","logicalType":"no-such"}`), m{"at": int64(5)}, func(g *gauge) { g.At = 5 })
	f(field("day_ms", `{"type":"int","logicalType":"time-millis"}`), m{"day_ms": clock(1500)}, func(g *gauge) { g.DayMs = 1500 })
	f(field("day_ms", `{"type":"long","logicalType":"time-micros"}`), m{"day_ms": clock(1500)}, func(g *gauge) { g.DayMs = 1500 })
	// Decimals.
	decimal := `{"type":"bytes","logicalType":"decimal","precision":9,"scale":2}`
	f(field("big", decimal), m{"big": ratio(-1250, 100)}, func(g *gauge) { g.Big = -12 })
	f(field("big", decimal), m{"big": ratio(1350, 100)}, func(g *gauge) { g.Big = 14 })
	f(field("double", decimal), m{"double": ratio(1350, 100)}, func(g *gauge) { g.Double = 13.5 })
	f(field("double", `{"type":"fixed","name":"f","size":4,"logicalType":"decimal","precision":9,"scale":1}`), m{"double": ratio(-135, 10)}, func(g *gauge) { g.Double = -13.5 })
	// Maps come sorted.
	f(field("reasons", `{"type":"map","values":"int"}`), m{"reasons": m{"b": 1, "a": 2}}, func(g *gauge) { g.Reasons = []NamedValue{{"a", 2}, {"b", 1}} })
}

// TestEncodesEveryType: goavro reads what the encoder writes of types that our records do not use yet.
func TestEncodesEveryType(t *testing.T) {
	schema, err := avsc.Parse(gaugeSchema)
	if err != nil {
		t.Fatal(err)
	}
	g := gauge{Name: "x", Raw: []byte{1}, On: true, Small: -5, Big: 1 << 40, Float: 0.25, Double: -1e300, Colour: 1, At: 5, Reasons: []NamedValue{{"a", -1}}}
	payload := appendRecord(nil, compileEncoder(schema, reflect.TypeFor[gauge]()), pointer(&g))
	codec, err := goavro.NewCodec(gaugeSchema)
	if err != nil {
		t.Fatal(err)
	}
	got, rest, err := codec.NativeFromBinary(payload)
	want := map[string]any{
		"name": "x", "raw": []byte{1}, "on": true, "small": int32(-5), "big": int64(1 << 40), "float": float32(0.25), "double": -1e300, "colour": "GREEN",
		"at": map[string]any{"long.timestamp-millis": date(1970, 1, 1).Add(clock(5))}, "day_ms": int64(0), "reasons": map[string]any{"a": int64(-1)},
	}
	if d := cmp.Diff(want, got); err != nil || len(rest) > 0 || d != "" {
		t.Fatalf("%v, %d bytes left\n%s", err, len(rest), d)
	}
}

func TestUnreadableSchemas(t *testing.T) {
	f := func(writer, want string) {
		t.Helper()
		_, err := compileGauge(t, writer)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s\ngot  %v\nwant %s", writer, err, want)
		}
	}
	f(`"string"`, "not a record")
	f(`{"type":"record","name":"other","fields":[]}`, `"other", which is neither "g.gauge" nor an alias`)
	f(gaugeWriter(`{"name":"small","type":"long"}`), `field "small": the writer's long cannot be read as int`)
	f(gaugeWriter(`{"name":"float","type":"double"}`), `field "float"`)
	f(gaugeWriter(`{"name":"on","type":["null","string"]}`), `field "on": no branch of the writer's union of null, string fits`)
	f(gaugeWriter(`{"name":"raw","type":{"type":"fixed","name":"f","size":2}}`), `fixed g.f cannot be read as bytes`)
	f(gaugeWriter(`{"name":"colour","type":{"type":"enum","name":"tint","symbols":["RED"]}}`), `enum "g.tint"`)
	f(gaugeWriter(`{"name":"reasons","type":{"type":"map","values":"string"}}`), `field "reasons": map values`)
	f(gaugeWriter(`{"name":"at","type":{"type":"long","logicalType":"local-timestamp-millis"}}`), `no time zone`)
	// An alias of the record is as good as its name.
	if _, err := compileGauge(t, `{"type":"record","name":"old.meter","fields":[]}`); err != nil {
		t.Error(err)
	}
}

// TestUnreadableValues: schemas that can be read, with a value that cannot.
func TestUnreadableValues(t *testing.T) {
	f := func(field string, datum any, want string) {
		t.Helper()
		name := field[len(`{"name":"`):]
		name = name[:strings.IndexByte(name, '"')]
		_, err := readGauge(t, gaugeWriter(field), map[string]any{name: datum})
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s\ngot  %v\nwant %s", field, err, want)
		}
	}
	f(`{"name":"name","type":["null","string"]}`, nil, `record "gauge", field "name", byte 1: the writer's null cannot be read as string`)
	f(`{"name":"colour","type":{"type":"enum","name":"colour","symbols":["RED","BLUE"]}}`, "BLUE", `symbol 1 is unknown to the reader`)
	f(`{"name":"at","type":["null","long","string"]}`, map[string]any{"string": "x"}, `the writer's string suits no branch of the reader's union of null, long (timestamp-millis)`)
	big := `{"name":"big","type":{"type":"bytes","logicalType":"decimal","precision":30,"scale":0}}`
	f(big, power(70), "does not fit")
}
