package schemas

import (
	"math"
	"runtime"
	"slices"
	"strings"
	"testing"
	"unsafe"

	"pgregory.net/rapid"
)

func pointer[T any](rec *T) unsafe.Pointer { return unsafe.Pointer(rec) }

// dropDefaultBytes takes out the one operation that allocates: a default of bytes, which the record gets to own.
func dropDefaultBytes(ops []op) []op {
	return slices.DeleteFunc(slices.Clone(ops), func(o op) bool { return o.code == opSetBytes })
}

// TestCorrupt: every fault of a payload is an error that names the field.
func TestCorrupt(t *testing.T) {
	f := func(fields string, payload []byte, want string) {
		t.Helper()
		p, err := compileGauge(t, gaugeWriter(fields))
		if err != nil {
			t.Fatal(err)
		}
		var g gauge
		if n, err := p.run(payload, 0, pointer(&g)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s % x\ngot  %d, %v\nwant %s", fields, payload, n, err, want)
		}
	}
	long := appendLong(nil, math.MaxInt64)
	name, big := `{"name":"name","type":"string"}`, `{"name":"big","type":"long"}`
	f(name, nil, `record "gauge", field "name", byte 0: payload of 0 bytes ends`)
	f(name, []byte{4, 'a'}, "value of 2 bytes, where 1 are left")
	f(name, []byte{1}, "value of -1 bytes")
	f(name, long, "value of 9223372036854775807 bytes, where 0 are left")
	f(name+","+big, []byte{2, 'a', 0x80}, `field "big", byte 2`)
	f(big, []byte{0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x02}, "more than 64 bits")
	f(`{"name":"small","type":"int"}`, appendLong(nil, math.MaxInt32+1), "2147483648 does not fit an int")
	f(`{"name":"on","type":"boolean"}`, []byte{2}, "byte 0x02 is not a boolean")
	f(`{"name":"on","type":"boolean"}`, nil, "ends before a boolean")
	f(`{"name":"colour","type":{"type":"enum","name":"colour","symbols":["RED"]}}`, []byte{2}, "symbol 1, where the writer's schema has 1")
	f(`{"name":"colour","type":{"type":"enum","name":"colour","symbols":["RED"]}}`, []byte{1}, "symbol -1")
	f(`{"name":"at","type":["null","long"]}`, []byte{1}, "branch -1, where the writer's schema has 2")
	f(`{"name":"at","type":["null","long"]}`, []byte{4}, "branch 2, where")
	f(`{"name":"at","type":["null","long"]}`, []byte{2}, "ends inside a number")
	f(`{"name":"at","type":["null","long","string"]}`, []byte{6}, "branch 3, where the writer's schema has 3")
	f(`{"name":"double","type":"double"}`, []byte{1, 2, 3}, "3 bytes are left")
	f(`{"name":"at","type":{"type":"int","logicalType":"date"}}`, long, "out of range")
	f(`{"name":"x","type":{"type":"fixed","name":"f","size":9}}`, []byte{1, 2, 3}, "value of 9 bytes, where 3 are left")
	// Maps: counts and names that promise more than there is.
	reasons := `{"name":"reasons","type":{"type":"map","values":"long"}}`
	f(reasons, long, "entry 1")
	f(reasons, []byte{2, 2, 'a'}, "ends inside a number")
	f(reasons, append(appendLong(nil, math.MinInt64), 2), `field "reasons"`)
	f(reasons, append([]byte{1}, long...), `field "reasons"`)
	// Skipped values are checked as far as their lengths.
	list := `{"name":"x","type":{"type":"array","items":"string"}}`
	f(list, long, "cannot be skipped")
	f(list, append([]byte{1}, long...), "cannot be skipped")
	f(`{"name":"x","type":["null",{"type":"record","name":"r","fields":[]}]}`, []byte{4}, "cannot be skipped")
	// A value nested without end.
	deep := `{"name":"x","type":{"type":"record","name":"r","fields":[{"name":"r","type":["null","r"]}]}}`
	f(deep, slices.Repeat([]byte{2}, 1_000_000), "nested more than 1000 deep")
	f(`{"name":"x","type":{"type":"record","name":"r","fields":[{"name":"r","type":"r"}]}}`, nil, "nested more than 1000 deep")
}

func TestTrailingBytes(t *testing.T) {
	payload := append(NewEncoder[Mark]().Append(nil, &Mark{Tenant: "acme"}), 0)
	var rec Mark
	if err := own[Mark](t).Decode(payload, &rec); err == nil || !strings.Contains(err.Error(), `record "mark": 1 bytes are left`) {
		t.Fatal(err)
	}
}

// TestSkipsBlocks: arrays and maps in several blocks, with and without their size in bytes, with items that take no bytes.
func TestSkipsBlocks(t *testing.T) {
	f := func(typ string, value []byte) {
		t.Helper()
		p, err := compileGauge(t, gaugeWriter(`{"name":"x","type":`+typ+`},{"name":"big","type":"long"}`))
		if err != nil {
			t.Fatal(err)
		}
		var g gauge
		if n, err := p.run(append(value, 84), 0, pointer(&g)); err != nil || n != len(value)+1 || g.Big != 42 {
			t.Errorf("%s % x: got %d, %v, big %d", typ, value, n, err, g.Big)
		}
	}
	f(`{"type":"array","items":"string"}`, []byte{2, 2, 'a', 4, 2, 'b', 0, 0})
	f(`{"type":"array","items":"string"}`, []byte{3, 4, 'x', 'x', 2, 2, 'a', 0}) // whatever the bytes say: their size is given
	f(`{"type":"array","items":"null"}`, append(appendLong(nil, math.MaxInt64), 0))
	f(`{"type":"array","items":{"type":"record","name":"r","fields":[{"name":"n","type":"null"}]}}`, append(appendLong(nil, 1<<40), 0))
	f(`{"type":"map","values":"null"}`, []byte{4, 2, 'a', 2, 'b', 0})
	f(`{"type":"map","values":{"type":"array","items":"boolean"}}`, []byte{2, 2, 'a', 4, 1, 0, 0, 0})
	f(`["null",{"type":"array","items":["int","double"]}]`, []byte{2, 4, 0, 2, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0})
}

// TestReadsBlocks: maps that we keep, in several blocks and with a name that comes twice.
func TestReadsBlocks(t *testing.T) {
	p, err := compileGauge(t, gaugeWriter(`{"name":"reasons","type":{"type":"map","values":"long"}}`))
	if err != nil {
		t.Fatal(err)
	}
	var g gauge
	if _, err := p.run([]byte{3, 12, 2, 'b', 2, 2, 'a', 4, 2, 2, 'b', 6, 0}, 0, pointer(&g)); err != nil {
		t.Fatal(err)
	}
	if len(g.Reasons) != 2 || g.Reasons[0] != (NamedValue{"a", 2}) || g.Reasons[1] != (NamedValue{"b", 3}) {
		t.Fatal(g.Reasons)
	}
}

// TestCorruptCostsNoMemory: what a payload claims is not reserved.
func TestCorruptCostsNoMemory(t *testing.T) {
	payload := append(NewEncoder[AgentInterval]().Append(nil, &AgentInterval{})[:10], appendLong(nil, math.MaxInt64)...)
	d := own[AgentInterval](t)
	var rec AgentInterval
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for range 100 {
		if err := d.Decode(payload, &rec); err == nil {
			t.Fatal("want an error")
		}
	}
	runtime.ReadMemStats(&after)
	if n := after.TotalAlloc - before.TotalAlloc; n > 1<<20 {
		t.Fatalf("100 corrupt payloads took %d bytes", n)
	}
}

// FuzzCorrupt: any bytes at all give a record or an error; what decodes, decodes the same after encoding it again.
func FuzzCorrupt(f *testing.F) {
	d, e := own[AgentInterval](f), NewEncoder[AgentInterval]()
	c := own[Contact](f)
	f.Add(e.Append(nil, &AgentInterval{Tenant: "acme", NotReadyByReason: []NamedValue{{"a", 1}}}))
	f.Add(NewEncoder[Contact]().Append(nil, typicalContact()))
	f.Fuzz(func(t *testing.T, payload []byte) {
		var contact Contact
		_ = c.Decode(payload, &contact)
		var first, second AgentInterval
		if d.Decode(payload, &first) != nil {
			return
		}
		again := e.Append(nil, &first)
		if err := d.Decode(again, &second); err != nil {
			t.Fatal(err)
		}
		if got := e.Append(nil, &second); string(got) != string(again) {
			t.Fatalf("% x\n% x", again, got)
		}
	})
}

// TestDamaged flips and cuts bytes of sound messages in any writer's schema: nothing panics.
func TestDamaged(t *testing.T) {
	d, e := own[Contact](t), NewEncoder[Contact]()
	rapid.Check(t, func(t *rapid.T) {
		var rec, got Contact
		fill(t, &rec, Of[Contact]().typ)
		payload := e.Append(nil, &rec)
		for range rapid.IntRange(1, 4).Draw(t, "faults") {
			payload[rapid.IntRange(0, len(payload)-1).Draw(t, "at")] = rapid.Byte().Draw(t, "byte")
		}
		_ = d.Decode(payload, &got)
	})
}
