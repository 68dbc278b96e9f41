package schemas

import (
	"strings"
	"testing"
)

func TestCompatible(t *testing.T) {
	rec := func(fields string) string { return `{"type":"record","name":"q.r","fields":[` + fields + `]}` }
	f := func(writer, reader, want string) {
		t.Helper()
		err := Compatible(rec(writer), rec(reader))
		if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("writer %s\nreader %s\ngot  %v\nwant %s", writer, reader, err, want)
		}
	}
	a, added := `{"name":"a","type":"long"}`, `{"name":"b","type":"string","default":""}`

	// What a new version may do: nothing, add a field with a default, leave one out, move them, promote, widen.
	f(a, a, "")
	f(a, a+","+added, "")
	f(a+","+added, a, "")
	f(a+","+added, added+","+a, "")
	f(a, `{"name":"a","type":"double"}`, "")
	f(a, `{"name":"a","type":["null","long"]}`, "")
	f(a, `{"name":"z","aliases":["a"],"type":"long"}`, "")
	f(`{"name":"a","type":["long","null"]}`, `{"name":"a","type":["null","string","double"]}`, "")

	// What it may not.
	f(a, a+`,{"name":"b","type":"string"}`, `field "b": the writer does not have it, and it has no default`)
	f(a, `{"name":"a","type":"int"}`, `field "a": the writer's long cannot be read as int`)
	f(a, `{"name":"a","type":["null","string"]}`, `field "a": the writer's long suits no branch`)
	f(`{"name":"a","type":["null","long"]}`, a, `field "a": the writer's null cannot be read as long`)
	f(`{"name":"a","type":{"type":"long","logicalType":"timestamp-micros"}}`, `{"name":"a","type":{"type":"long","logicalType":"timestamp-millis"}}`, "another meaning")

	// Enums keep their symbols, or have a default.
	enum := func(name, symbols, def string) string {
		return `{"name":"e","type":{"type":"enum","name":"` + name + `","symbols":[` + symbols + `]` + def + `}}`
	}
	f(enum("E", `"A"`, ""), enum("E", `"B","A"`, ""), "")
	f(enum("E", `"A","B"`, ""), enum("E", `"A"`, ""), `no symbol "B" and no default`)
	f(enum("E", `"A","B"`, ""), enum("E", `"A"`, `,"default":"A"`), "")
	f(enum("E", `"A"`, ""), enum("F", `"A"`, ""), `enum "q.E" is neither "q.F"`)

	// Nested types are named by their path.
	in := func(typ string) string {
		return `{"name":"o","type":{"type":"array","items":{"type":"record","name":"i","fields":[{"name":"x","type":` + typ + `},{"name":"next","type":["null","i"]}]}}}`
	}
	f(in(`"int"`), in(`"long"`), "")
	f(in(`"long"`), in(`"int"`), `field "o.values.x": the writer's long cannot be read as int`)
	f(`{"name":"f","type":{"type":"fixed","name":"x","size":2}}`, `{"name":"f","type":{"type":"fixed","name":"x","size":3}}`, `fixed "q.x" of 2 bytes`)
}

// TestCompatibleNamesAll: every obstacle is told at once.
func TestCompatibleNamesAll(t *testing.T) {
	err := Compatible(`{"type":"record","name":"r","fields":[{"name":"a","type":"string"}]}`,
		`{"type":"record","name":"r","fields":[{"name":"a","type":"int"},{"name":"b","type":"int"}]}`)
	if err == nil || !strings.Contains(err.Error(), `field "a"`) || !strings.Contains(err.Error(), `field "b"`) {
		t.Fatal(err)
	}
	for _, pair := range [][2]string{{"{", `"int"`}, {`"int"`, "{"}, {`{"type":"record","name":"r","fields":[]}`, `{"type":"record","name":"s","fields":[]}`}} {
		if Compatible(pair[0], pair[1]) == nil {
			t.Errorf("%q: want an error", pair)
		}
	}
}

// TestCompatibleMeansDecodable: what the check passes, the compiler takes.
func TestCompatibleMeansDecodable(t *testing.T) {
	for _, fields := range []string{
		``, `{"name":"double","type":["int","float"]}`, `{"name":"small","type":"long"}`, `{"name":"at","type":["long","null"]}`,
		`{"name":"colour","type":{"type":"enum","name":"hue","symbols":["RED"]}}`, `{"name":"reasons","type":{"type":"map","values":"int"}}`,
		`{"name":"raw","type":"string"}`, `{"name":"on","type":"int"}`,
	} {
		_, err := compileGauge(t, gaugeWriter(fields))
		if check := Compatible(gaugeWriter(fields), gaugeSchema); (check == nil) != (err == nil) {
			t.Errorf("%s: check says %v, compiler %v", fields, check, err)
		}
	}
}
