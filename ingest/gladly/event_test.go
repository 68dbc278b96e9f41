package gladly

import (
	"encoding/json"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
)

// shown is what the tests compare of an event.
func shown(e *event) map[string]string {
	m := map[string]string{"id": string(e.id), "type": string(e.kind), "timestamp": stamp(e.timestamp), "occurredAt": stamp(e.occurredAt),
		"initiator": string(e.initiator), "initiatorId": string(e.initiatorID), "agent": string(e.agentID), "away": string(e.awayReason), "active": string(e.activeReason),
		"contact": string(e.contactID), "conversation": string(e.conversationID), "channel": string(e.channel), "status": string(e.status), "reason": string(e.reason),
		"to": string(e.assignee.inboxID) + "/" + string(e.assignee.agentID), "from": string(e.context.inboxID) + "/" + string(e.context.agentID),
		"available": []string{"", "none", "some"}[e.available]}
	for key, v := range m {
		if v == "" || v == "/" || strings.HasPrefix(v, "-") {
			delete(m, key)
		}
	}
	return m
}

func TestParseEvent(t *testing.T) {
	f := func(line string, want map[string]string) {
		t.Helper()
		var e event
		if problem := e.parse([]byte(line)); problem != "" {
			t.Errorf("%s: %s", line, problem)
			return
		}
		if diff := cmp.Diff(want, shown(&e)); diff != "" {
			t.Errorf("%s: %s", line, diff)
		}
		e.reset([]byte(line))
		var tree map[string]any
		if err := json.Unmarshal([]byte(line), &tree); err != nil {
			t.Fatal(err)
		}
		e.fromTree(tree)
		if diff := cmp.Diff(want, shown(&e)); diff != "" {
			t.Errorf("by the tree: %s: %s", line, diff)
		}
	}
	// As the vendor's documentation has them.
	f(`{"id":"q1","type":"AGENT_STATUS/WENT_AWAY","timestamp":"2026-03-02T17:03:10.412Z","initiator":{"id":"Xe","type":"AGENT"},"content":{"agentId":"Xe","awayReason":{"id":"aG","name":"Lunch"},"occurredAt":"2026-03-02T17:03:10.405Z"}}`,
		map[string]string{"id": "q1", "type": "AGENT_STATUS/WENT_AWAY", "timestamp": "2026-03-02T17:03:10.412Z", "occurredAt": "2026-03-02T17:03:10.405Z",
			"initiator": "AGENT", "initiatorId": "Xe", "agent": "Xe", "away": "Lunch"})
	// Fractions of one and two digits; an offset; a list that is not empty, and one that is.
	f(`{"type":"A/B","timestamp":"2026-03-02T17:31:44.9Z","content":{"availableFor":["MESSAGING","VOICE"],"occurredAt":"2026-03-02T18:31:44.87+01:00"}}`,
		map[string]string{"type": "A/B", "timestamp": "2026-03-02T17:31:44.900Z", "occurredAt": "2026-03-02T17:31:44.870Z", "available": "some"})
	f(`{"type":"A/B","timestamp":"2026-03-02T17:31:44Z","content":{"availableFor":[]}}`,
		map[string]string{"type": "A/B", "timestamp": "2026-03-02T17:31:44.000Z", "available": "none"})
	// A reason without a name; null where an object might be.
	f(`{"type":"A/B","timestamp":"2026-03-02T17:31:44Z","initiator":null,"content":{"awayReason":{"id":"aG"},"activeReason":null,"availableFor":null}}`,
		map[string]string{"type": "A/B", "timestamp": "2026-03-02T17:31:44.000Z", "away": "aG"})
	// Unknown fields and types pass; numbers, nesting, escapes and letters beyond ASCII too.
	f(`{"x":[1,-2.5e3,{"y":[true,null]}],"type":"NEW/THING","timestamp":"2026-03-02T17:31:44Z","content":{"agentId":"a\u0062\"c","awayReason":{"name":"Pauză","id":"1","z":0}}}`,
		map[string]string{"type": "NEW/THING", "timestamp": "2026-03-02T17:31:44.000Z", "agent": `ab"c`, "away": "Pauză"})
	// Of a key that comes twice the last counts, as everywhere.
	f(`{"type":"A/B","type":"C/D","timestamp":"2026-03-02T17:31:44Z"}`, map[string]string{"type": "C/D", "timestamp": "2026-03-02T17:31:44.000Z"})
	f(`{"type":"CONTACT/TRANSFERRED","timestamp":"2026-03-02T17:31:44Z","content":{"contactId":"c","conversationId":"v","channel":"CHAT","assignee":{"inboxId":"i2","agentId":"b"},"context":{"assignee":{"inboxId":"i1","agentId":"a"}}}}`,
		map[string]string{"type": "CONTACT/TRANSFERRED", "timestamp": "2026-03-02T17:31:44.000Z", "contact": "c", "conversation": "v", "channel": "CHAT", "to": "i2/b", "from": "i1/a"})
}

func TestParseEventRefuses(t *testing.T) {
	f := func(line, want string) {
		t.Helper()
		var e event
		if got := e.parse([]byte(line)); !strings.Contains(got, want) {
			t.Errorf("%s: %q, want %q", line, got, want)
		}
	}
	f(`{"id":"q1","type":"AGENT_STATUS/WENT_AW`, "not a JSON object")
	f(`[]`, "not a JSON object")
	f(`{"timestamp":"2026-03-02T17:31:44Z"}`, `has no "type"`)
	f(`{"type":"A/B"}`, `has no "timestamp"`)
	f(`{"type":"A/B","timestamp":"soon"}`, `has no "timestamp"`)
	f("{\"type\":\"A/B\xff\"}", "not UTF-8")
}

// Whatever the scanner accepts, encoding/json accepts too, and reads the same.
func FuzzParseEvent(f *testing.F) {
	for _, seed := range []string{
		`{"id":"q1","type":"AGENT_STATUS/WENT_AWAY","timestamp":"2026-03-02T17:03:10.412Z","initiator":{"id":"Xe","type":"AGENT"},"content":{"agentId":"Xe","awayReason":{"id":"aG","name":"Lunch"},"occurredAt":"2026-03-02T17:03:10.405Z"}}`,
		`{"type":"A/B","timestamp":"2026-03-02T17:31:44Z","content":{"availableFor":["V",[]],"context":{"assignee":{"inboxId":"i"}}}}`,
		`{"a":[-0,01,1.5,{"b":null}],"content":null}`, `{"type":"\u0041"}`, `{"id":1}`, "{}", `{"id":"a"}x`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, line []byte) {
		var fast, slow event
		fast.reset(line)
		p := scan{text: line}
		if !p.event(&fast) {
			var e event
			e.parse(line) // must end
			return
		}
		var tree map[string]any
		if err := json.Unmarshal(line, &tree); err != nil || !utf8.Valid(line) {
			t.Fatalf("the scanner takes what encoding/json refuses: %v", err)
		}
		slow.reset(line)
		slow.fromTree(tree)
		if diff := cmp.Diff(shown(&slow), shown(&fast)); diff != "" {
			t.Error(diff)
		}
	})
}

func TestInstant(t *testing.T) {
	f := func(text, want string) {
		t.Helper()
		got, ok := instant([]byte(text))
		if !ok {
			if want != "" {
				t.Errorf("%q is no instant", text)
			}
			return
		}
		if stamp(got) != want {
			t.Errorf("%q is %s, want %s", text, stamp(got), want)
		}
	}
	f("2019-07-03T04:30:12.07Z", "2019-07-03T04:30:12.070Z")
	f("2026-03-02T17:04:40.000-08:00", "2026-03-03T01:04:40.000Z")
	f("2026-03-02 17:04:40", "2026-03-02T17:04:40.000Z")
	f("2026-03-02 17:04:40.123456", "2026-03-02T17:04:40.123Z")
	f(" 2026-03-02 17:04:40.5+02:00 ", "2026-03-02T15:04:40.500Z")
	f("2026-03-02 17:04:40 UTC", "2026-03-02T17:04:40.000Z")
	f("2026-03-02T17:04:40", "2026-03-02T17:04:40.000Z")
	f("yesterday", "")
	f("0001-01-01T00:00:00Z", "")
	f("2026-02-30 10:00:00", "")
}
