package playvox

import (
	"cmp"
	"fmt"
	"slices"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/quarterhour/quarterhour/schemas"
)

func written(s *state, end int64) (string, error) {
	if s.view.Task == "" {
		return "", nil
	}
	return fmt.Sprintf("%s %d-%d", s.view.Task, s.start, end), nil
}

// oracle is what Playvox must have of a set of states, said simply: of those that start together the last counts, each lasts until its end
// or until the next.
func oracle(newest map[string]state) map[int64]string {
	var list []state
	for _, s := range newest {
		if !s.retracted {
			list = append(list, s)
		}
	}
	want := map[int64]string{}
	for _, s := range list {
		end, last := s.end, true
		for _, other := range list {
			if other.start > s.start && (end == schemas.Null || other.start < end) {
				end = other.start
			}
			if other.start == s.start && cmp.Or(cmp.Compare(other.sequence, s.sequence), cmp.Compare(other.id, s.id)) > 0 {
				last = false
			}
		}
		if last && s.view.Task != "" && (end == schemas.Null || end > s.start) {
			want[s.start] = fmt.Sprintf("%s %d-%d", s.view.Task, s.start, end)
		}
	}
	return want
}

// However states come (late, corrected, taken back, twice) and whichever requests fail, what was acknowledged is in the end what the
// newest revisions make, and nothing is written that is there already.
func TestTimelineAgainstAnOracle(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		line := newTimeline(0)
		newest := map[string]state{}
		playvox := map[int64]string{}
		for n := range rapid.IntRange(1, 40).Draw(t, "steps") {
			s := state{
				id: rapid.SampledFrom([]string{"a", "b", "c", "d", "e", "f"}).Draw(t, "id"), revision: int64(rapid.IntRange(1, 5).Draw(t, "revision")*100 + n),
				start: int64(rapid.IntRange(1, 12).Draw(t, "start")), end: schemas.Null, sequence: int64(rapid.IntRange(0, 1).Draw(t, "sequence")),
				retracted: rapid.IntRange(0, 4).Draw(t, "retracted") == 0,
				view:      taskView{Task: rapid.SampledFrom([]string{"", "Call", "Lunch"}).Draw(t, "task")},
			}
			if rapid.Bool().Draw(t, "ends") {
				s.end = s.start + int64(rapid.IntRange(0, 6).Draw(t, "length"))
			}
			if before, ok := newest[s.id]; !ok || s.revision >= before.revision {
				newest[s.id] = s
			}
			line.put(&s)
			if rapid.IntRange(0, 3).Draw(t, "fails") == 0 {
				continue // the request is lost; what is owed stays owed
			}
			want := line.tasks(written)
			write, remove := line.owed(want)
			for _, w := range remove {
				delete(playvox, w.start)
				delete(line.there, w.start)
			}
			for _, w := range write {
				if playvox[w.start] == w.line {
					t.Fatalf("written again: %s", w.line)
				}
				playvox[w.start], line.there[w.start] = w.line, w
			}
			if diff := gocmp.Diff(oracle(newest), playvox); diff != "" {
				t.Fatalf("-want +got\n%s", diff)
			}
		}
	})
}

func TestTimelineForgets(t *testing.T) {
	line := newTimeline(0)
	const hour = 3_600_000
	for n := range int64(100) {
		line.put(&state{id: fmt.Sprint(n), revision: 1, start: n * hour, end: schemas.Null, view: taskView{Task: "Call"}})
		want := line.tasks(written)
		write, _ := line.owed(want)
		for _, w := range write {
			line.there[w.start] = w
		}
		line.forget()
	}
	if len(line.states) > 50 || len(line.there) != len(line.states) || line.from != 51*hour {
		t.Errorf("%d states and %d tasks are remembered, from %dh", len(line.states), len(line.there), line.from/hour)
	}
	if list := line.order(); !slices.IsSortedFunc(list, func(a, b *state) int { return cmp.Compare(a.start, b.start) }) {
		t.Error("they are not in order")
	}
}
