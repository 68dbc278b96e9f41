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

func TestRoundTrip(t *testing.T) {
	want := typicalContact()
	e := NewEncoder[Contact]()
	d, err := NewDecoder[Contact](Of[Contact]().JSON)
	if err != nil {
		t.Fatal(err)
	}
	msg := e.AppendWire([]byte("before"), 17, want)[len("before"):]
	id, payload, err := SplitWire(msg)
	if err != nil || id != 17 {
		t.Fatal(id, err)
	}
	var got Contact
	if err := d.Decode(payload, &got); err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(want, &got); d != "" {
		t.Fatal(d)
	}
}
