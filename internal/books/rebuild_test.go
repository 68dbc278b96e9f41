package books

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/quarterhour/quarterhour/schemas"
	"github.com/quarterhour/quarterhour/transform"
)

// history is a day of contacts and states, complete through its end.
func (w *world) history() {
	for n := range int64(40) {
		c := call(fmt.Sprint("i", n), monday+8*hour+n*7*minute)
		c.QueueID, c.AgentID = fmt.Sprint("q", n%3), fmt.Sprint("a", n%4)
		w.contact(c)
	}
	for n := range int64(30) {
		s := entered(fmt.Sprint("s", n), monday+7*hour+n*17*minute, []schemas.State{schemas.StateAvailable, schemas.StateOnContact, schemas.StateNotReady}[n%3], "lunch")
		s.AgentID = fmt.Sprint("a", n%4)
		w.state(s)
	}
	w.mark(monday + day)
}

func TestRebuildChangesNothingThatIsRight(t *testing.T) {
	w := newWorld(t)
	w.history()
	w.run()
	for _, try := range []bool{true, false, false} {
		b := w.rebuild(Always, try)
		if len(b.Changed) > 0 || b.Rows < 60 || b.Facts != 70 || b.Written {
			t.Errorf("try %t: %d facts, %d rows, written %t, changed %+v", try, b.Facts, b.Rows, b.Written, b.Changed)
		}
	}
}

// Facts that are older than the retention are counted by a rebuild, also where no merge holds their rows any more.
func TestRebuildCountsWhatCameTooLate(t *testing.T) {
	w := newWorld(t)
	w.history()
	w.mark(monday + 10*day) // the retention is two days
	w.run()
	w.contact(call("late", monday+8*hour))
	w.contact(call("later", monday+3*hour)) // there is no row of its interval
	w.run()
	offered := func() int64 { return w.one("SELECT toInt64(sum(offered)) AS n FROM queue_intervals") }
	if n := offered(); n != 40 {
		t.Fatalf("%d offered before the rebuild, want 40", n)
	}
	day := Range{monday, monday + day}
	tried := w.rebuild(day, true)
	if n := offered(); n != 40 || tried.Written {
		t.Fatalf("a try wrote: %d offered", n)
	}
	b := w.rebuild(day, false)
	if diff := cmp.Diff(keysOf(tried), keysOf(b)); diff != "" {
		t.Errorf("a try lists other rows (-try +rebuild):\n%s", diff)
	}
	want := []string{
		"agent/acme/2026-03-02T03:00:00Z/a1", "agent_queue/acme/2026-03-02T03:00:00Z/a1/q1/voice", "queue/acme/2026-03-02T03:00:00Z/q1/voice",
		"agent/acme/2026-03-02T08:00:00Z/a1", "agent_queue/acme/2026-03-02T08:00:00Z/a1/q1/voice", "queue/acme/2026-03-02T08:00:00Z/q1/voice",
	}
	if diff := cmp.Diff(want, keysOf(b)); diff != "" {
		t.Error(diff)
	}
	if b.TooLate != 2 || !b.Written {
		t.Errorf("%d facts were too late, want 2; written %t", b.TooLate, b.Written)
	}
	if n := offered(); n != 42 {
		t.Errorf("%d offered after the rebuild, want 42", n)
	}
	if n := w.one("SELECT toInt64(count()) AS n FROM queue_intervals WHERE NOT final"); n != 0 {
		t.Errorf("%d rows are not final", n)
	}
	if again := w.rebuild(day, false); len(again.Changed) > 0 {
		t.Errorf("a second rebuild changes %v", keysOf(again))
	}
	w.run() // and so it stays
	if n := offered(); n != 42 {
		t.Errorf("%d offered after another run, want 42", n)
	}
}

func keysOf(b *Rebuilt) []string {
	var keys []string
	for _, c := range b.Changed {
		keys = append(keys, c.Key)
	}
	return keys
}

// A service level that is set anew holds for the past once that is rebuilt, and outside the range everything stays.
func TestRebuildAppliesTheFileAsItIsNow(t *testing.T) {
	w := newWorld(t)
	w.history()
	w.run()
	w.stage().ServiceLevel = 5e9
	in := Range{monday + 9*hour, monday + 10*hour}
	b := w.rebuild(in, false)
	if len(b.Changed) == 0 {
		t.Fatal("nothing changed")
	}
	for _, c := range b.Changed {
		if len(c.Cells) != 1 || c.Cells[0].Column != "answered_in_sl" || c.Cells[0].After != "0" || c.row.Key.Kind != transform.KindQueue {
			t.Errorf("%s: %+v", c.Key, c.Cells)
		}
	}
	if n := w.one("SELECT toInt64(sum(answered_in_sl)) AS n FROM queue_intervals WHERE interval_start >= '2026-03-02 09:00:00' AND interval_start < '2026-03-02 10:00:00'"); n != 0 {
		t.Errorf("%d within the service level in the range, want 0", n)
	}
	if n := w.one("SELECT toInt64(countIf(answered_in_sl < answered)) AS n FROM queue_intervals WHERE interval_start < '2026-03-02 09:00:00' OR interval_start >= '2026-03-02 10:00:00'"); n != 0 {
		t.Errorf("%d rows outside the range changed", n)
	}
}

// Facts that the late policy set aside are counted, and a row that loses all of its facts becomes one of zeros.
func TestRebuildCountsWhatWasSetAside(t *testing.T) {
	w := newWorld(t)
	w.stage().Late = transform.LateSide
	w.contact(call("kept", monday+8*hour))
	moved := call("moved", monday+9*hour)
	w.contact(moved)
	w.mark(monday + day)
	w.run()
	moved.Revision, moved.QueueID = 2, "q9"
	w.contact(moved)
	w.run()
	b := w.rebuild(Range{monday, monday + day}, false)
	if b.TooLate != 1 {
		t.Errorf("%d too late, want 1", b.TooLate)
	}
	if n := w.one("SELECT toInt64(sum(offered)) AS n FROM queue_intervals WHERE queue_id = 'q9'"); n != 1 {
		t.Errorf("%d offered to the other queue, want 1", n)
	}
	if n := w.one("SELECT toInt64(sum(offered + facts + talk_ms)) AS n FROM queue_intervals WHERE queue_id = 'q1' AND interval_start = '2026-03-02 09:00:00'"); n != 0 {
		t.Errorf("the row it left holds %d, want 0", n)
	}
}

// Where no source has promised anything, a rebuild works too, and leaves nothing behind that a later promise stumbles over.
func TestRebuildBeforeTheFirstMark(t *testing.T) {
	w := newWorld(t)
	w.contact(call("only", monday+8*hour))
	w.run()
	w.stage().ServiceLevel = 5e9
	if b := w.rebuild(Always, false); !b.Written || len(b.Changed) != 1 {
		t.Errorf("changed %v", keysOf(b))
	}
	w.mark(monday + day)
	w.run()
	if n := w.one("SELECT toInt64(count()) AS n FROM queue_intervals WHERE final AND answered_in_sl = 0 AND answered = 1"); n != 1 {
		t.Errorf("%d rows are final and rebuilt, want 1", n)
	}
	if r := w.audit(Always); len(r.Imbalances) > 0 {
		t.Errorf("%q", r.Imbalances)
	}
	if n := w.one("SELECT toInt64(count()) AS n FROM dead_letters"); n != 0 {
		t.Errorf("%d dead letters", n)
	}
}
