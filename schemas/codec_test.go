package schemas

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func typicalContact() *Contact {
	return &Contact{
		Tenant: "acme", Source: "five9-eu", InteractionID: "5f1c2a9e-77b1-4f0c-9a3e-0d4a6b1f2c3d", Segment: "1", Revision: 3,
		Channel: "voice", Direction: DirectionInbound, QueueID: "sales-de", QueueName: "Sales Germany",
		AgentID: "a10294", AgentName: "Anneliese Maier", OfferedAt: 1_780_000_000_000, AnsweredAt: 1_780_000_021_500,
		EndedAt: 1_780_000_321_000, WrapEndedAt: 1_780_000_350_000, TalkMs: 280_000, HoldMs: 19_500, WrapMs: Null, Outcome: OutcomeHandled,
	}
}

// own is the decoder of what we write ourselves.
func own[T Record](t testing.TB) *Decoder[T] {
	t.Helper()
	d, err := NewDecoder[T](Of[T]().JSON)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func TestWireRoundTrip(t *testing.T) {
	want := typicalContact()
	msg := NewEncoder[Contact]().AppendWire([]byte("before"), 17, want)
	id, payload, err := SplitWire(msg[len("before"):])
	if err != nil || id != 17 {
		t.Fatal(id, err)
	}
	var got Contact
	if err := own[Contact](t).Decode(payload, &got); err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(want, &got); d != "" {
		t.Fatal(d)
	}
}

// TestAllocations: once the destination has grown, neither direction allocates, whatever the writer's schema.
func TestAllocations(t *testing.T) {
	f := func(name string, run func()) {
		t.Helper()
		run()
		if n := testing.AllocsPerRun(100, run); n != 0 {
			t.Errorf("%s: %g allocations a record, want 0", name, n)
		}
	}
	contact := typicalContact()
	encoder, decoder := NewEncoder[Contact](), own[Contact](t)
	var dst []byte
	f("encode contact", func() { dst = encoder.AppendWire(dst[:0], 1, contact) })
	var got Contact
	f("decode contact", func() {
		if err := decoder.Decode(dst[wireHeader:], &got); err != nil {
			t.Fatal(err)
		}
	})

	agent := &AgentInterval{Tenant: "acme", NotReadyByReason: []NamedValue{{"break", 60_000}, {"lunch", 300_000}}}
	encoded := NewEncoder[AgentInterval]().Append(nil, agent)
	agents := own[AgentInterval](t)
	var row AgentInterval
	f("decode agent_interval", func() {
		if err := agents.Decode(encoded, &row); err != nil {
			t.Fatal(err)
		}
	})

	// Skips, defaults, and entries that come unsorted.
	p, err := compileGauge(t, gaugeWriter(`
		{"name":"more","type":{"type":"array","items":["null","string"]}},
		{"name":"reasons","type":{"type":"map","values":["null","int"]}},
		{"name":"big","type":["string","int"]}`))
	if err != nil {
		t.Fatal(err)
	}
	p.ops = dropDefaultBytes(p.ops)
	payload := []byte{4, 2, 2, 'x', 0, 0, 4, 2, 'b', 2, 2, 2, 'a', 2, 4, 0, 2, 6}
	var g gauge
	f("decode gauge", func() {
		if _, err := p.run(payload, 0, pointer(&g)); err != nil {
			t.Fatal(err)
		}
	})
	if d := cmp.Diff([]NamedValue{{"a", 2}, {"b", 1}}, g.Reasons); d != "" || g.Big != 3 {
		t.Fatal(d, g.Big)
	}
}

// TestDecodeLeavesRoomAlone: bytes in a record cannot be appended to over the payload that follows.
func TestDecodeLeavesRoomAlone(t *testing.T) {
	payload := NewEncoder[DeadLetter]().Append(nil, &DeadLetter{Payload: []byte("abc"), RejectedAt: 77})
	var rec DeadLetter
	if err := own[DeadLetter](t).Decode(payload, &rec); err != nil {
		t.Fatal(err)
	}
	_ = append(rec.Payload, 0xff, 0xff)
	if err := own[DeadLetter](t).Decode(payload, &rec); err != nil || rec.RejectedAt != 77 {
		t.Fatal(rec.RejectedAt, err)
	}
}

func TestEnumOutsideSchema(t *testing.T) {
	rec := &AgentState{State: 99}
	if got := rec.State.String(); got != "State(99)" {
		t.Errorf("got %q", got)
	}
	var got AgentState
	if err := own[AgentState](t).Decode(NewEncoder[AgentState]().Append(nil, rec), &got); err != nil || got.State != StateNotReady {
		t.Errorf("got %v, %v; want the enum's default", got.State, err)
	}
}

func TestSplitWireRefuses(t *testing.T) {
	for _, msg := range [][]byte{nil, {0, 0, 0, 1}, {1, 0, 0, 0, 1}, {0, 0xff, 0, 0, 1}, []byte(`{"tenant":"acme"}`)} {
		if id, _, err := SplitWire(msg); err == nil {
			t.Errorf("% x: got id %d, want an error", msg, id)
		}
	}
	if id, payload, err := SplitWire([]byte{0, 0, 0, 1, 2}); err != nil || id != 258 || len(payload) != 0 {
		t.Error(id, payload, err)
	}
}
