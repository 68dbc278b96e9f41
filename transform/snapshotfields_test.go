package transform

import (
	"reflect"
	"slices"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"
)

// Everything a shard holds is in its snapshots, or follows from what is. A new field has to be put into one of these lists, and
// where it is saved, into a new version of the format.
func TestSnapshotsKnowEveryField(t *testing.T) {
	f := func(of any, saved, follows, working []string) {
		t.Helper()
		var have []string
		kind := reflect.TypeOf(of)
		for i := range kind.NumField() {
			have = append(have, kind.Field(i).Name)
		}
		want := slices.Concat(saved, follows, working)
		slices.Sort(have)
		slices.Sort(want)
		if diff := gocmp.Diff(want, have); diff != "" {
			t.Errorf("%s: say in this test, and in the format, what becomes of these fields (-known +there):\n%s", kind, diff)
		}
	}
	list := func(names ...string) []string { return names }
	f(Shard{}, list("name", "sources", "contacts", "agents", "counts", "next", "arrived", "horizon", "swept"), list("fact", "shiftsOf", "set"), list("out"))
	f(Counts{}, list("Read", "Applied", "Duplicate", "Superseded", "TooLate", "Rejected", "Marks", "MarksBackwards", "Skewed"), list("Retained", "Rows"), nil)
	f(source{}, list("name", "mark"), list("shifts", "seed", "told", "open"), nil)
	f(contactFold{}, list("channels", "contacts", "wideOnes", "streams"), list("rowTables", "set", "sources", "openAt", "noID", "horizon", "counts"), list("saving", "visit", "cell"))
	f(contact{}, list("id", "revision", "base", "short", "queue", "agent", "stream", "flags"), list("waitPrev", "waitNext"), nil)
	f(stream{}, list("source", "channel"), nil, nil)
	f(agentFold{}, list("names", "words", "states", "dated"), list("set", "sources", "noChannel", "timelines", "dirty", "horizon", "counts"), list("saving", "sweeping"))
	f(agentState{}, list("id", "revision", "started", "ended", "sequence", "name", "channel", "reason", "source", "state", "retracted"), list("agent"), nil)
	f(timeline{}, nil, list("agent", "name", "order", "dirty", "longest", "shifts", "longestShift"), nil)
	f(rowTables{}, nil, list("namings", "queues", "agentQueues", "wide", "dirtyQueues", "dirtyAgentQueues"), nil)
}
