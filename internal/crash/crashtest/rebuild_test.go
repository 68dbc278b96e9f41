package crashtest

import (
	"bytes"
	"testing"

	"github.com/quarterhour/quarterhour/internal/crash"
	"github.com/quarterhour/quarterhour/pipelines/examples"
)

// rebuilds are kills of rebuilds, one after the other.
var rebuilds = []kill{{crash.RebuildPromised, 3}, {crash.RebuildReissued, 1}, {crash.RebuildReissued, 2}, {crash.RowsWritten, 1}}

// The pipeline drops what comes late, which is most of the day here; a rebuild counts it, however often it is broken off.
func TestARebuildThatIsKilledIsRepeated(t *testing.T) {
	if testing.Short() {
		t.Skip("other kills will do")
	}
	t.Parallel()
	x, want := undisturbed(t)
	dropping := bytes.Replace(examples.ContactCentreDay, []byte("late: revise"), []byte("late: drop"), 1)
	w := newWorldOf(t, x, 3, dropping)
	for w.run(""); w.delivered < w.slices; w.run("") {
		w.deliver()
	}
	for _, k := range rebuilds {
		if !w.rebuild(k.String()) {
			t.Errorf("%s was not reached", k)
		}
		w.checkLog()
	}
	w.rebuild("")
	got := w.finish()
	got["refused facts"] = want["refused facts"] // here, most of them
	w.equal(want, got)
}
