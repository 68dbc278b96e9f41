package gladly

import (
	"encoding/json"
	"unicode/utf8"

	"github.com/quarterhour/quarterhour/schemas"
)

// event is one line of the event stream, or one delivery of a webhook: both have the same envelope. The byte slices point into the
// line, or into the scratch space of the event, and hold until the next line is read.
type event struct {
	id, kind                  []byte // kind is "type" on the wire: AGENT_STATUS/WENT_AWAY
	timestamp                 int64  // when it was recorded
	occurredAt                int64  // when it happened; Null where the event does not say
	initiatorID, initiator    []byte // initiator is its type
	agentID                   []byte
	available                 availability
	awayReason, activeReason  []byte // the name, or the id where there is none
	contactID, conversationID []byte
	channel, status, reason   []byte
	assignee, context         party // who has the contact from now on; who had it just before
	scratch                   []byte
	line                      []byte // whole
}

// party is an inbox, and the agent if any.
type party struct{ inboxID, agentID []byte }

// availability is what an agent takes contacts of.
type availability uint8

const (
	availableUnknown availability = iota
	availableNone                 // an empty list says "unavailable"; it is not the same as no list
	availableSome
)

// at is when the event happened, as far as is known.
func (e *event) at() int64 {
	if e.occurredAt != schemas.Null {
		return e.occurredAt
	}
	return e.timestamp
}

// is says whether the event is about the entity.
func (e *event) is(entity string) bool {
	return len(e.kind) > len(entity) && e.kind[len(entity)] == '/' && string(e.kind[:len(entity)]) == entity
}

// parse reads a line. Unknown fields and values pass, as the vendor's versioning rule asks. The problem is "" or what is wrong.
func (e *event) parse(line []byte) (problem string) {
	e.reset(line)
	p := scan{text: line}
	if !p.event(e) {
		// Escapes, duplicate keys and whatever else is rare: slowly, and with the last word.
		e.reset(line)
		var tree map[string]any
		if !utf8.Valid(line) {
			return "is not UTF-8"
		}
		if err := json.Unmarshal(line, &tree); err != nil {
			return "is not a JSON object: " + err.Error()
		}
		e.fromTree(tree)
	}
	switch {
	case len(e.kind) == 0:
		return `has no "type"`
	case e.timestamp == schemas.Null && string(e.kind) != ping:
		return `has no "timestamp" that is an instant`
	}
	return ""
}

const ping = "PING"

func (e *event) reset(line []byte) {
	*e = event{timestamp: schemas.Null, occurredAt: schemas.Null, scratch: e.scratch[:0], line: line}
}

// setTime takes an instant; one that cannot be read is as good as none.
func setTime(into *int64, text []byte) { *into, _ = instant(text) }

// fromTree fills the event from a decoded line.
func (e *event) fromTree(tree map[string]any) {
	text := func(m map[string]any, key string) []byte {
		s, _ := m[key].(string)
		return []byte(s)
	}
	object := func(m map[string]any, key string) map[string]any {
		o, _ := m[key].(map[string]any)
		return o
	}
	named := func(m map[string]any, key string) []byte {
		o := object(m, key)
		if name := text(o, "name"); len(name) > 0 {
			return name
		}
		return text(o, "id")
	}
	partyOf := func(m map[string]any) party { return party{text(m, "inboxId"), text(m, "agentId")} }
	e.id, e.kind = text(tree, "id"), text(tree, "type")
	setTime(&e.timestamp, text(tree, "timestamp"))
	initiator, c := object(tree, "initiator"), object(tree, "content")
	e.initiatorID, e.initiator = text(initiator, "id"), text(initiator, "type")
	setTime(&e.occurredAt, text(c, "occurredAt"))
	e.agentID, e.contactID, e.conversationID = text(c, "agentId"), text(c, "contactId"), text(c, "conversationId")
	e.channel, e.status, e.reason = text(c, "channel"), text(c, "status"), text(c, "reason")
	e.awayReason, e.activeReason = named(c, "awayReason"), named(c, "activeReason")
	e.assignee, e.context = partyOf(object(c, "assignee")), partyOf(object(object(c, "context"), "assignee"))
	if list, ok := c["availableFor"].([]any); ok {
		e.available = availableNone
		if len(list) > 0 {
			e.available = availableSome
		}
	}
}
