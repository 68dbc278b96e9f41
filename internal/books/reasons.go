package books

import (
	"fmt"
	"strings"

	"github.com/quarterhour/quarterhour/schemas"
	"github.com/quarterhour/quarterhour/transform"
)

// reasons says of each revision why it was issued. Of the facts that came, those are reasons that the pipeline applied. Those that
// came too late are none until a rebuild counts them, however long before that they came.
func (e *explaining) reasons() {
	told := map[string]bool{} // positions of facts that came too late and were counted
	for i := range e.Revisions {
		r, before := &e.Revisions[i], &Revision{folded: map[string]int64{}, at: schemas.Null}
		if i > 0 {
			before = &e.Revisions[i-1]
		}
		why := reason{exact: r.folded != nil && before.folded != nil, first: i == 0}
		came := map[string]bool{} // shards
		for _, f := range e.Facts {
			if f.live == transform.Applied && f.in(r, why.exact) && !f.in(before, why.exact) {
				came[f.shard] = true
				r.Facts = append(r.Facts, f.Position)
			}
		}
		why.came = len(r.Facts)
		again := e.rebuilt(before, r, came, why.exact)
		for _, f := range e.Facts {
			if f.live == transform.TooLate && again[f.shard] && f.in(r, why.exact) && !told[f.Position] {
				told[f.Position] = true
				r.Facts = append(r.Facts, f.Position)
			}
		}
		why.late = len(r.Facts) - why.came
		why.rebuilt = why.late > 0 || why.exact && len(again) > 0
		why.final = r.Final && !before.Final
		why.changed = len(r.Changes) > 0
		r.Why = why.String()
	}
}

// in says whether a fact was in the log when a revision was made.
func (f *Fact) in(r *Revision, exact bool) bool {
	if exact {
		return f.offset < r.folded[f.shard]
	}
	return f.arrived <= r.at
}

// rebuilt are the shards whose partials a rebuild issued between two revisions that differ. They stand behind a repeated promise,
// and of one at least no fact came that would have made it hand its partial on. Where it is not known any more what the shards had
// folded, it may have been all of them, unless facts came.
func (e *explaining) rebuilt(before, r *Revision, came map[string]bool, exact bool) map[string]bool {
	all, sure := map[string]bool{}, !exact && len(came) == 0
	for _, s := range e.shards {
		to := r.folded[s.Name]
		if !exact || to > before.folded[s.Name] && e.repeated[s.Name][to] {
			all[s.Name] = true
			sure = sure || exact && !came[s.Name]
		}
	}
	if !sure || len(r.Changes) == 0 {
		return nil
	}
	return all
}

// reason is why a revision was issued.
type reason struct {
	came, late int  // facts that came, and that came too late and a rebuild counted
	exact      bool // it is known which facts came; otherwise they are told by the time of arrival
	first      bool // there is no revision before it
	rebuilt    bool
	final      bool // it is, and the one before was not
	changed    bool
}

func (r reason) String() string {
	var parts []string
	if r.came > 0 {
		about := ""
		if !r.exact {
			about = ", by the time of arrival"
		}
		parts = append(parts, countOf(r.came)+" came"+about)
	}
	if r.rebuilt {
		text := "a rebuild issued it"
		if !r.first {
			text += " again"
		}
		if r.late > 0 {
			text += ", with " + countOf(r.late) + " that came too late"
		}
		parts = append(parts, text)
	}
	if r.final {
		parts = append(parts, "every source is complete through the interval's end")
	}
	switch {
	case len(parts) > 0:
		return strings.Join(parts, "; ")
	case r.changed:
		return "a promise of a source moved what is still open, or the pipeline's file changed"
	}
	return "a shard computed it again, and nothing changed"
}

// countOf is so many facts.
func countOf(n int) string {
	if n == 1 {
		return "1 fact"
	}
	return fmt.Sprintf("%d facts", n)
}
