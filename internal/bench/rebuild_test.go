package bench

import "testing"

// TestRebuildFoldsTheWholeDay checks that what is timed does the work, on a day of few agents.
func TestRebuildFoldsTheWholeDay(t *testing.T) {
	figures, err := rebuild(t.Context(), 20_000, 30_000, 50)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range figures {
		t.Logf("%s: %.3g %s (%s)", f.Name, f.Value, f.Unit, f.Note)
	}
	if !figures[0].Holds {
		t.Errorf("a small day took %g s", figures[0].Value)
	}
}
