package books

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/quarterhour/quarterhour/schemas"
	"github.com/quarterhour/quarterhour/transform"
)

// random is a history of three days in any order, with corrections, retractions and marks that make much of it too late.
func (w *world) random(seed uint64, marks bool) {
	r := rand.New(rand.NewPCG(seed, 7))
	var facts []func()
	for n := range 150 {
		c := call(fmt.Sprint("i", n), monday+r.Int64N(3*day))
		c.QueueID, c.AgentID, c.EndedAt = fmt.Sprint("q", r.IntN(4)), fmt.Sprint("a", r.IntN(6)), c.AnsweredAt+r.Int64N(hour)
		c.WrapEndedAt = schemas.Null
		facts = append(facts, func() { w.contact(c) })
		if r.IntN(4) == 0 {
			d := c
			d.Revision, d.QueueID, d.Retracted = 2, "q9", r.IntN(3) == 0
			facts = append(facts, func() { w.contact(d) })
		}
	}
	for n := range 150 {
		s := entered(fmt.Sprint("s", n), monday+r.Int64N(3*day), schemas.State(r.IntN(5)), []string{"", "lunch"}[r.IntN(2)])
		s.AgentID = fmt.Sprint("a", r.IntN(6))
		if r.IntN(3) == 0 {
			s.EndedAt = s.StartedAt + r.Int64N(30*hour) // longer than a session, now and then
		}
		facts = append(facts, func() { w.state(s) })
		if r.IntN(5) == 0 {
			d := s
			d.Revision, d.StartedAt, d.EndedAt = 2, s.StartedAt-r.Int64N(hour), schemas.Null
			facts = append(facts, func() { w.state(d) })
		}
	}
	if marks {
		r.Shuffle(len(facts), func(i, j int) { facts[i], facts[j] = facts[j], facts[i] })
	}
	for i, f := range facts {
		f()
		if marks && i%40 == 39 {
			w.mark(monday + int64(i)*2*day/100)
		}
	}
	w.mark(monday + 20*day)
}

// A profile of its own way to count logins adds up too.
func TestExplainWithTheMessagingProfile(t *testing.T) {
	w := newWorld(t)
	w.stage().Profile = transform.ProfileMessaging
	w.history()
	w.run()
	w.explainSome(0)
}

// table is everything the tables say of a stretch, but for rows of nothing.
func (w *world) table(where string) string {
	w.t.Helper()
	var out strings.Builder
	for _, k := range kinds {
		sql := fmt.Sprintf("SELECT * EXCEPT (revision, updated_at) FROM %s WHERE facts > 0 AND %s ORDER BY ALL", k.table, where)
		if err := w.warehouse.Query(w.t.Context(), sql, "CSVWithNames", &out); err != nil {
			w.t.Fatal(err)
		}
	}
	return out.String()
}

// seeds is how many histories are tried: one, or as many as the environment asks for.
func seeds(t *testing.T) uint64 {
	t.Helper()
	text := cmp.Or(os.Getenv("QUARTERHOUR_TEST_SEEDS"), "1")
	n, err := strconv.ParseUint(text, 10, 32)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// What a rebuild makes of a log is what would have been made of it had nothing come too late, in the range and nowhere else.
func TestRebuildMakesWhatAnUndisturbedRunMakes(t *testing.T) {
	for seed := range seeds(t) {
		undisturbed := newWorld(t)
		undisturbed.file.Retention = 100 * 24 * time.Hour
		undisturbed.random(seed, false)
		undisturbed.run()
		w := newWorld(t)
		w.random(seed, true)
		w.run()
		before := w.table("interval_start < '2026-03-03 06:00:00'")
		if before == undisturbed.table("interval_start < '2026-03-03 06:00:00'") {
			t.Fatalf("seed %d: nothing came too late", seed)
		}
		in := Range{monday + day + 6*hour, monday + 2*day + 7*hour}
		all, narrowed := w.tryOut(in, 0), w.tryOut(in, 1)
		if len(all) == 0 {
			t.Fatalf("seed %d: nothing to rebuild", seed)
		}
		if diff := gocmp.Diff(all, narrowed); diff != "" {
			t.Errorf("seed %d: folding only what concerns the range makes a difference (-all +narrowed):\n%s", seed, diff)
		}
		w.rebuild(in, false)
		const inside = "interval_start >= '2026-03-03 06:00:00' AND interval_start < '2026-03-04 07:00:00'"
		if diff := gocmp.Diff(undisturbed.table(inside), w.table(inside)); diff != "" {
			t.Errorf("seed %d (-undisturbed +rebuilt):\n%s", seed, diff)
		}
		if diff := gocmp.Diff(before, w.table("interval_start < '2026-03-03 06:00:00'")); diff != "" {
			t.Errorf("seed %d: rows outside the range changed:\n%s", seed, diff)
		}
		if report := w.audit(Always); len(report.Imbalances) > 0 {
			t.Errorf("seed %d: %q", seed, report.Imbalances)
		}
		w.rebuild(Always, false)
		if diff := gocmp.Diff(undisturbed.table("true"), w.table("true")); diff != "" {
			t.Errorf("seed %d, rebuilt as a whole:\n%s", seed, diff)
		}
		w.explainSome(seed)
	}
}

// explainSome explains a few rows of each kind: their facts must sum to them.
func (w *world) explainSome(seed uint64) {
	w.t.Helper()
	newest, err := newestOf(w.t.Context(), w.ledger(), func([]byte) bool { return true })
	if err != nil {
		w.t.Fatal(err)
	}
	explained := map[string]int{}
	for _, row := range newest {
		if explained[row.Key.Kind]++; row.zero() || explained[row.Key.Kind] > 10 {
			continue
		}
		e := w.explain(transform.FormatKey(row.Key))
		if len(e.Problems) > 0 {
			w.t.Errorf("seed %d, %s: %q of %+v", seed, e.Key, e.Problems, e.Facts)
		}
	}
}

func (w *world) tryOut(r Range, many int64) (changed []string) {
	w.t.Helper()
	b, err := Rebuild(w.t.Context(), w.ledger(), RebuildOptions{Range: r, Try: true, Many: many, Progress: noProgress{}, Settle: w.settle})
	if err != nil {
		w.t.Fatal(err)
	}
	for _, c := range b.Changed {
		changed = append(changed, fmt.Sprint(c.Key, c.Cells))
	}
	return changed
}
