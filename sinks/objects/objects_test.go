package objects

import (
	"encoding/json"
	"encoding/xml"
	"errors"
	"io"
	"math"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/quarterhour/quarterhour/internal/expression"
)

func TestShapes(t *testing.T) {
	f := func(wantJSON, wantXML string, names ...string) {
		t.Helper()
		s, err := New(names)
		if err != nil {
			t.Fatal(err)
		}
		got := string(s.JSON(nil, func(dst []byte, n int) ([]byte, bool) {
			return Quoted(dst, names[n]), !strings.HasSuffix(names[n], "absent")
		}))
		if got != wantJSON || !json.Valid([]byte(got)) {
			t.Errorf("%v: %s", names, got)
		}
		got = string(s.XML(nil, "r", "", func(n int) (string, bool) { return "<", !strings.HasSuffix(names[n], "absent") }))
		if got != wantXML {
			t.Errorf("%v: %s", names, got)
		}
	}
	f(`{"a":"a"}`, `<r><a>&lt;</a></r>`, "a")
	f(`{"q":{"id":"q.id","name":"q.name"},"n":"n"}`, `<r><q><id>&lt;</id><name>&lt;</name></q><n>&lt;</n></r>`, "q.id", "n", "q.name")
	f(`{"n":"n"}`, `<r><x><y></y></x><n>&lt;</n></r>`, "absent", "x.y.absent", "n")
	f(`{"@id":"@id","#text":"#text"}`, `<r id="&lt;">&lt;</r>`, "@id", "#text")
	for _, names := range [][]string{{"a", "a"}, {"a", "a.b"}, {"a.b", "a"}, {"a..b"}, {""}} {
		if _, err := New(names); err == nil {
			t.Errorf("%q: no error", names)
		}
	}
}

func TestValues(t *testing.T) {
	for want, v := range map[string]expression.Value{
		"null": {}, "true": expression.BoolOf(true), "-3": expression.IntOf(-3), "0.5": expression.FloatOf(0.5), `"a\"b<&>"`: expression.TextOf(`a"b<&>`),
		`{"a":1}`: expression.JSONOf(`{"a":1}`), `"{"`: expression.JSONOf("{"), "1000000000000000000000": expression.FloatOf(1e21),
	} {
		if got, ok := Value(nil, v); !ok || string(got) != want || !json.Valid(got) {
			t.Errorf("%s, want %s", got, want)
		}
	}
	for _, v := range []float64{math.NaN(), math.Inf(1)} { // JSON has none
		if got, ok := Value(nil, expression.FloatOf(v)); !ok || string(got) != "null" {
			t.Errorf("%s", got)
		}
	}
	if _, ok := Value(nil, expression.InstantOf(0)); ok {
		t.Error("an instant is written in many ways")
	}
}

func TestAt(t *testing.T) {
	var answer any
	if err := json.Unmarshal([]byte(`{"a": {"b": [{"c": "x"}, {"c": 2}]}, "no": false, "none": [], "zero": 0, "empty": ""}`), &answer); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{"a.b.0.c": "x", "a.b.1.c": "2", "a.b.2.c": "", "a.b.x": "", "a.b.c": "", "b": "", "no": "false"} {
		if got := Text(At(answer, path)); got != want {
			t.Errorf("%s: %q, want %q", path, got, want)
		}
	}
	for _, path := range []string{"no", "none", "zero", "empty", "nothing"} {
		if Says(At(answer, path)) {
			t.Errorf("%s says something", path)
		}
	}
	if !Says(At(answer, ".")) || !Says(At(answer, "a.b")) {
		t.Error("nothing is said")
	}
}

func TestFromXML(t *testing.T) {
	got, err := FromXML([]byte(`<?xml version="1.0"?><s:r xmlns:s="urn:x" v="1"><a> x </a><l>1</l><l>2</l><e/><t k="v">y</t></s:r>`))
	want := map[string]any{"r": map[string]any{"@v": "1", "a": "x", "l": []any{"1", "2"}, "e": "", "t": map[string]any{"@k": "v", "#text": "y"}}}
	if diff := cmp.Diff(any(want), got); err != nil || diff != "" {
		t.Errorf("%v\n%s", err, diff)
	}
	for _, text := range []string{"", "x", "<a>", "<a></b>", strings.Repeat("<a>", 300) + strings.Repeat("</a>", 300)} {
		if _, err := FromXML([]byte(text)); err == nil {
			t.Errorf("%.20q: no error", text)
		}
	}
}

func FuzzFromXML(f *testing.F) {
	f.Add([]byte(`<r v="1"><a>x</a><a>y</a>text</r>`))
	f.Fuzz(func(t *testing.T, text []byte) {
		value, err := FromXML(text)
		if err == nil {
			if _, err := json.Marshal(value); err != nil {
				t.Fatal(err)
			}
		}
	})
}

// Whatever text there is, what is written is read back by others, but for what XML has no place for.
func FuzzText(f *testing.F) {
	f.Add("a\"<&>\\\x00\u2028\xff")
	f.Add("plain \x7f")
	f.Fuzz(func(t *testing.T, text string) {
		var back string
		if err := json.Unmarshal(Quoted(nil, text), &back); err != nil || back != strings.ToValidUTF8(text, "\uFFFD") {
			t.Fatalf("%q is %q, %v", text, back, err)
		}
		d := xml.NewDecoder(strings.NewReader("<a>" + string(Escaped(nil, text)) + "</a>"))
		for {
			if _, err := d.Token(); errors.Is(err, io.EOF) {
				return
			} else if err != nil {
				t.Fatalf("%q: %v", text, err)
			}
		}
	})
}
