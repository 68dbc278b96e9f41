package flow

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestACursorIsTakenBack(t *testing.T) {
	at := time.Date(2026, 3, 2, 8, 0, 0, 0, time.UTC)
	cursor := func() *Cursor {
		c := &Cursor{Revision: 7, Marks: map[string]int64{"contact": 5}, Flows: map[string]*Position{}}
		for _, name := range []string{"calls", "states"} {
			p := &Position{Through: at, Read: at, Error: "no"}
			p.setState([]byte(`{"page":1}`))
			c.Flows[name] = p
		}
		return c
	}
	f := func(flow string, to time.Time, n int, calls, states *Position) {
		t.Helper()
		c := cursor()
		if got := c.Reset(flow, to); got != n {
			t.Errorf("%d flows, want %d", got, n)
		}
		c, err := ParseCursor(c.Encode())
		if err != nil {
			t.Fatal(err)
		}
		if c.Revision != 7 {
			t.Errorf("revision %d", c.Revision)
		}
		if d := cmp.Diff([]*Position{calls, states}, []*Position{c.Flows["calls"], c.Flows["states"]}); d != "" {
			t.Error(d)
		}
	}
	before := at.Add(-time.Hour)
	same := cursor().Flows["calls"]
	f("calls", at.Add(time.Hour), 0, same, same) // what lies between was not read
	f("", at, 0, same, same)
	f("calls", before, 1, &Position{Through: before}, same)
	f("", before, 2, &Position{Through: before}, &Position{Through: before})
	f("states", time.Time{}, 1, same, nil)
	f("", time.Time{}, 2, nil, nil)
	f("digital", before, 0, same, same)
}

func FuzzParseCursor(f *testing.F) {
	f.Add([]byte(`{"revision":7,"marks":{"contact":5},"flows":{"calls":{"through":"2026-03-02T08:00:00Z","state":{"a":1}},"x":null}}`))
	f.Add([]byte(`{"flows":{"calls":{"bytes":"AQ=="}}}`))
	f.Add([]byte(``))
	f.Fuzz(func(t *testing.T, stored []byte) {
		c, err := ParseCursor(stored)
		if err != nil {
			return
		}
		again, err := ParseCursor(c.Encode())
		if err != nil {
			t.Fatalf("what was encoded cannot be read: %v", err)
		}
		if string(again.Encode()) != string(c.Encode()) {
			t.Errorf("%s becomes %s", c.Encode(), again.Encode())
		}
		c.Reset("", time.Unix(0, 0))
		for _, p := range c.Flows {
			p.setState(p.state())
		}
	})
}
