package schemas

import (
	"math"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/linkedin/goavro/v2"
	"pgregory.net/rapid"
)

const foreignSchema = `{"type":"record","name":"call","namespace":"vendor","fields":[
	{"name":"id","type":"int"},
	{"name":"rate","type":"float"},
	{"name":"price","type":{"type":"bytes","logicalType":"decimal","precision":9,"scale":2}},
	{"name":"at","type":["null",{"type":"long","logicalType":"timestamp-millis"}]},
	{"name":"day","type":{"type":"int","logicalType":"date"}},
	{"name":"took","type":{"type":"int","logicalType":"time-millis"}},
	{"name":"legs","type":{"type":"array","items":{"type":"record","name":"leg","fields":[
		{"name":"z","type":["null","string"]},{"name":"a","type":["null","leg"]}]}}},
	{"name":"tags","type":{"type":"map","values":["string","long"]}},
	{"name":"blob","type":"bytes"}]}`

func foreignCall(t testing.TB) []byte {
	t.Helper()
	type m = map[string]any
	codec, err := goavro.NewCodec(foreignSchema)
	if err != nil {
		t.Fatal(err)
	}
	leg := m{"z": m{"string": "x"}, "a": m{"vendor.leg": m{"z": nil, "a": nil}}}
	b, err := codec.BinaryFromNative(nil, m{
		"id": 7, "rate": float32(0.5), "price": ratio(1999, 100), "at": m{"long.timestamp-millis": time.UnixMilli(1_780_000_000_123)},
		"day": date(2026, 3, 1), "took": clock(90_500), "legs": []any{leg}, "tags": m{"b": m{"string": "s"}, "a": m{"long": 4}}, "blob": []byte{0xff},
	})
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func generic(t testing.TB, schema string) *GenericDecoder {
	t.Helper()
	d, err := Generic(schema)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func TestGeneric(t *testing.T) {
	d := generic(t, foreignSchema)
	got, err := d.Decode(foreignCall(t))
	if err != nil {
		t.Fatal(err)
	}
	type m = map[string]any
	want := m{
		"id": int64(7), "rate": 0.5, "price": 19.99, "at": time.UnixMilli(1_780_000_000_123).UTC(), "day": date(2026, 3, 1), "took": clock(90_500),
		"legs": []any{m{"z": "x", "a": m{"z": nil, "a": nil}}}, "tags": m{"a": int64(4), "b": "s"}, "blob": []byte{0xff},
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
	text, err := d.Text(foreignCall(t))
	const line = `{"id":7,"rate":0.5,"price":19.99,"at":"2026-05-28T20:26:40.123Z","day":"2026-03-01","took":"1m30.5s",` +
		`"legs":[{"z":"x","a":{"z":null,"a":null}}],"tags":{"a":4,"b":"s"},"blob":"/w=="}`
	if d := cmp.Diff(line, string(text)); err != nil || d != "" {
		t.Errorf("%v\n%s", err, d)
	}
}

// TestGenericNumbers: JSON has no NaN, and a dead letter must be shown all the same.
func TestGenericNumbers(t *testing.T) {
	schema := `{"type":"record","name":"r","fields":[{"name":"f","type":"float"},{"name":"d","type":"double"}]}`
	codec, err := goavro.NewCodec(schema)
	if err != nil {
		t.Fatal(err)
	}
	payload, err := codec.BinaryFromNative(nil, map[string]any{"f": float32(math.Inf(1)), "d": math.NaN()})
	if err != nil {
		t.Fatal(err)
	}
	if text, err := generic(t, schema).Text(payload); err != nil || string(text) != `{"f":"+Inf","d":"NaN"}` {
		t.Fatal(string(text), err)
	}
}

func TestGenericRefuses(t *testing.T) {
	f := func(schema string, payload []byte, want string) {
		t.Helper()
		d, err := Generic(schema)
		if err == nil {
			_, err = d.Decode(payload)
		}
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %s", schema, err, want)
		}
	}
	f(`{`, nil, "not JSON")
	f(`"long"`, nil, "not a record")
	f(foreignSchema, nil, `record "call", field "id", byte 0`)
	f(foreignSchema, foreignCall(t)[:20], `record "call", field`)
	f(foreignSchema, append(foreignCall(t), 1), "1 bytes are left")
	f(`{"type":"record","name":"r","fields":[{"name":"on","type":"boolean"}]}`, []byte{7}, `record "r"`)
}

// TestGenericCostsNoMemory: goavro reserves what a count claims, so a claim is checked first.
func TestGenericCostsNoMemory(t *testing.T) {
	for _, items := range []string{"string", "null"} {
		d := generic(t, `{"type":"record","name":"r","fields":[{"name":"a","type":{"type":"array","items":"`+items+`"}}]}`)
		claim := appendLong(nil, 100_000_000)
		bySize := append(appendLong(nil, -100_000_000), 0)
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		for _, payload := range [][]byte{append(claim, 0), append(bySize, 0)} {
			if _, err := d.Decode(payload); err == nil {
				t.Fatal("want an error")
			}
		}
		runtime.ReadMemStats(&after)
		if n := after.TotalAlloc - before.TotalAlloc; n > 1<<20 {
			t.Fatalf("%s: %d bytes", items, n)
		}
	}
}

// TestGenericReadsOurs: a record of ours, with random values, is the same through goavro's path.
func TestGenericReadsOurs(t *testing.T) {
	d, e := generic(t, Of[Contact]().JSON), NewEncoder[Contact]()
	rapid.Check(t, func(t *rapid.T) {
		var rec Contact
		fill(t, &rec, Of[Contact]().typ)
		got, err := d.Decode(e.Append(nil, &rec))
		if err != nil {
			t.Fatal(err)
		}
		if got["interaction_id"] != rec.InteractionID || got["outcome"] != rec.Outcome.String() || got["revision"] != rec.Revision {
			t.Fatal(got)
		}
		if at, ok := got["offered_at"].(time.Time); ok != (rec.OfferedAt != Null) || ok && at.UnixMilli() != rec.OfferedAt {
			t.Fatal(got["offered_at"], rec.OfferedAt)
		}
	})
}

func FuzzGeneric(f *testing.F) {
	d := generic(f, foreignSchema)
	f.Add(foreignCall(f))
	f.Fuzz(func(t *testing.T, payload []byte) {
		if values, err := d.Decode(payload); err == nil && values["id"] == nil {
			t.Fatal(values)
		}
		_, _ = d.Text(payload)
	})
}
