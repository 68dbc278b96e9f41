package flow

import (
	"encoding/json"
	"fmt"
	"maps"
	"time"
)

// Cursor is what is stored of a source: how far each of its flows is, and how its last read went. It is JSON, compressed by nobody, for
// people to look at.
type Cursor struct {
	Revision int64                `json:"revision,omitempty"` // the greatest that was given
	Marks    map[string]int64     `json:"marks,omitempty"`    // by kind of fact: the last promise, milliseconds UTC
	Flows    map[string]*Position `json:"flows"`
}

// Position is how far a flow is.
type Position struct {
	Through  time.Time       `json:"through,omitzero"` // complete through
	State    json.RawMessage `json:"state,omitempty"`  // the flow's own
	Bytes    []byte          `json:"bytes,omitempty"`  // its own, where that is no JSON
	Read     time.Time       `json:"read,omitzero"`    // beginning of the last read that succeeded
	Due      time.Time       `json:"due,omitzero"`     // of the next
	FailedAt time.Time       `json:"failed_at,omitzero"`
	Error    string          `json:"error,omitempty"` // of the last read, where it failed
}

// ParseCursor reads a stored cursor; nothing stored is the beginning.
func ParseCursor(stored []byte) (*Cursor, error) {
	c := &Cursor{}
	if len(stored) > 0 {
		if err := json.Unmarshal(stored, c); err != nil {
			return nil, fmt.Errorf("the stored cursor cannot be read: %w: say `quarterhour sources reset`", err)
		}
	}
	maps.DeleteFunc(c.Flows, func(_ string, p *Position) bool { return p == nil })
	if c.Flows == nil {
		c.Flows = map[string]*Position{}
	}
	if c.Marks == nil {
		c.Marks = map[string]int64{}
	}
	return c, nil
}

// Encode is the cursor as it is stored.
func (c *Cursor) Encode() []byte {
	text, _ := json.Marshal(c) // plain data: it cannot fail
	return text
}

// Reset takes a flow, or all of them where the name is empty, back to an instant; the zero instant forgets the flow. What flows keep
// for themselves is forgotten. A flow that is not as far stays where it is: what it has not read is not to be left out. It says how
// many flows were taken back.
func (c *Cursor) Reset(flow string, to time.Time) int {
	n := 0
	for name, p := range c.Flows {
		if flow != "" && name != flow || !to.IsZero() && !p.Through.IsZero() && !p.Through.After(to) {
			continue
		}
		n++
		if to.IsZero() {
			delete(c.Flows, name)
			continue
		}
		*p = Position{Through: to.UTC()}
	}
	return n
}

func (p *Position) state() []byte {
	if p.Bytes != nil {
		return p.Bytes
	}
	return p.State
}

func (p *Position) setState(state []byte) {
	p.State, p.Bytes = nil, nil
	switch {
	case len(state) == 0:
	case json.Valid(state):
		p.State = append(json.RawMessage(nil), state...)
	default:
		p.Bytes = append([]byte(nil), state...)
	}
}
