package books

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/quarterhour/quarterhour/internal/runtime"
	"github.com/quarterhour/quarterhour/transform"
)

// Why a revision was issued follows from what lies between it and the one before, however the pipeline's pace cuts the log.
func TestReasons(t *testing.T) {
	fact := func(shard string, offset int64, live transform.Outcome) Fact {
		return Fact{shard: shard, offset: offset, arrived: offset, live: live, Position: fmt.Sprintf("%s@%d", shard, offset)}
	}
	revision := func(a, b int64) Revision {
		return Revision{folded: map[string]int64{"a": a, "b": b}, at: max(a, b), Changes: []Change{{Column: "offered"}}}
	}
	forgotten := func(r Revision) Revision { r.folded = nil; return r }
	final := func(r Revision) Revision { r.Final = true; return r }
	same := func(r Revision) Revision { r.Changes = nil; return r }
	// Behind 20, 21, 30 and 31 a promise was repeated.
	f := func(what string, facts []Fact, revisions []Revision, want ...string) {
		t.Helper()
		e := &explaining{shards: []runtime.ShardLog{{Name: "a"}, {Name: "b"}}, repeated: map[string]map[int64]bool{"a": {20: true, 30: true}, "b": {21: true, 31: true}}}
		e.Facts, e.Revisions = facts, revisions
		e.reasons()
		var got []string
		for _, r := range e.Revisions {
			got = append(got, fmt.Sprint(r.Why, " ", r.Facts))
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", what, diff)
		}
	}
	live, other, late := fact("a", 3, transform.Applied), fact("b", 4, transform.Applied), fact("a", 7, transform.TooLate)
	f("issued before the late fact", []Fact{live, late}, []Revision{revision(5, 0), revision(20, 21)},
		"1 fact came [a@3]", "a rebuild issued it again, with 1 fact that came too late [a@7]")
	f("issued after the late fact", []Fact{live, late}, []Revision{revision(9, 0), revision(20, 21)},
		"1 fact came [a@3]", "a rebuild issued it again, with 1 fact that came too late [a@7]")
	f("a late fact alone", []Fact{late}, []Revision{final(revision(20, 21))},
		"a rebuild issued it, with 1 fact that came too late; every source is complete through the interval's end [a@7]")
	f("facts of both shards at once", []Fact{live, other, fact("a", 11, transform.Applied), fact("b", 12, transform.Applied), late}, []Revision{revision(5, 5), revision(13, 13)},
		"2 facts came [a@3 b@4]", "2 facts came [a@11 b@12]")
	f("facts that are refused, or nothing new", []Fact{live, fact("a", 10, transform.Rejected), fact("a", 11, transform.Duplicate), late}, []Revision{revision(9, 0), revision(20, 21)},
		"1 fact came [a@3]", "a rebuild issued it again, with 1 fact that came too late [a@7]")
	f("each rebuild its own", []Fact{live, late, fact("b", 25, transform.TooLate)}, []Revision{revision(9, 0), revision(20, 21), revision(30, 31)},
		"1 fact came [a@3]", "a rebuild issued it again, with 1 fact that came too late [a@7]", "a rebuild issued it again, with 1 fact that came too late [b@25]")
	f("a fact beside a rebuild", []Fact{live, late, fact("b", 25, transform.Applied)}, []Revision{revision(9, 0), revision(20, 26)},
		"1 fact came [a@3]", "1 fact came; a rebuild issued it again, with 1 fact that came too late [b@25 a@7]")
	f("a fact that overtook a rebuild", []Fact{live, late, fact("a", 25, transform.Applied)}, []Revision{revision(9, 0), revision(26, 0)},
		"1 fact came [a@3]", "1 fact came [a@25]")
	f("another file", []Fact{live}, []Revision{revision(9, 0), revision(20, 21)},
		"1 fact came [a@3]", "a rebuild issued it again []")
	f("a promise", []Fact{live}, []Revision{revision(9, 0), revision(12, 0), final(same(revision(12, 0)))},
		"1 fact came [a@3]", "a promise of a source moved what is still open, or the pipeline's file changed []", "every source is complete through the interval's end []")
	f("nothing", []Fact{live}, []Revision{revision(9, 0), same(revision(12, 0))},
		"1 fact came [a@3]", "a shard computed it again, and nothing changed []")
	f("by the time of arrival", []Fact{live, late}, []Revision{forgotten(revision(9, 0)), revision(20, 21)},
		"1 fact came, by the time of arrival [a@3]", "a rebuild issued it again, with 1 fact that came too late [a@7]")
}
