package calabrio

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	vendor "github.com/quarterhour/quarterhour/internal/simulator/calabrio"
	"github.com/quarterhour/quarterhour/schemas"
	"github.com/quarterhour/quarterhour/sinks/delivery"
	"github.com/quarterhour/quarterhour/sinks/horizon"
)

const day = 24 * time.Hour

// rest makes everything in a folder look as if it had been written longer ago than anything is expected of it.
func rest(t *testing.T, dir string) (files int) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		at := time.Now().Add(-horizon.Margin - time.Hour)
		if err := os.Chtimes(filepath.Join(dir, e.Name()), at, at); err != nil {
			t.Fatal(err)
		}
		files++
	}
	return files
}

// Twenty days leave what two days need; a row that comes late for a forgotten day takes nothing of it back.
func TestOldDaysAreForgotten(t *testing.T) {
	to, dir := folderOf(t, "logserver", ", keep: 48h, timezone: Asia/Kathmandu, file_date: 02-01-2006, date: 02-01-2006")
	state := filepath.Join(dir, ".quarterhour")
	for n := range 20 {
		at := first.Add(time.Duration(n) * day)
		to.now = at.Add(time.Hour)
		for _, items := range [][]delivery.Item{
			{queueRow("a", "voice", at, 1), queueRow("b", "voice", at, 1), queueRow("a", "voice", at.Add(15*time.Minute), 1)},
			{agentQueueRow("ann", "sales", at, 1)}, {agentRow("ann", at, 1)},
		} {
			if got := refusals(t, to.Send(t.Context(), items)); got != "" {
				t.Fatal(got)
			}
		}
		if files := rest(t, state); files > 4*4+3 { // four files of a day; the lock, the draft, what is forgotten
			t.Fatalf("%d files after %d days", files, n+1)
		}
	}
	if files := len(visible(t, dir)); files != 20*4 {
		t.Errorf("%d files for the importer", files)
	}
	before := visible(t, dir)
	got := refusals(t, to.Send(t.Context(), []delivery.Item{queueRow("a", "voice", first, 2)}))
	if !strings.HasPrefix(got, "too_old: it is of 2026-03-02") || !strings.Contains(got, filepath.Join(state, "forgotten.json")) {
		t.Error(got)
	}
	if after := visible(t, dir); after["Queue_Statistics_02-03-2026_14_45.csv"] != before["Queue_Statistics_02-03-2026_14_45.csv"] || len(after) != len(before) {
		t.Errorf("%d files, %d before", len(after), len(before))
	}
	// What is still there can be looked at; what is neither there nor remembered cannot.
	changed := queueRow("b", "voice", first, 1)
	changed.Queue.Answered = 1
	if got := differences(t, to, changed); !strings.Contains(got, "and should be") {
		t.Error(got)
	}
	if err := os.Remove(filepath.Join(dir, "Queue_Statistics_02-03-2026_14_45.csv")); err != nil {
		t.Fatal(err)
	}
	if got := differences(t, to, changed); got != "" {
		t.Error(got)
	}
	// Another process goes by the same; a day that is remembered is corrected as ever.
	again := open(t, "logserver: {dir: '"+dir+"', keep: 48h, timezone: Asia/Kathmandu, file_date: 02-01-2006, date: 02-01-2006}")
	again.now = to.now
	got = refusals(t, again.Send(t.Context(), []delivery.Item{queueRow("a", "voice", first, 2), queueRow("a", "voice", first.Add(18*day), 2)}))
	if strings.Count(got, "too_old") != 1 {
		t.Error(got)
	}
}

// A history that is read for the first time is old and new at once, and comes in any order.
func TestHistoryIsNotForgottenWhileItIsRead(t *testing.T) {
	to, dir := folderOf(t, "logserver", ", keep: 48h")
	to.now = first.Add(400 * day)
	for _, n := range []int{300, 0, 120, 1, 0, 300} {
		to.now = to.now.Add(2 * time.Hour)
		i := queueRow("a", "voice", first.Add(time.Duration(n)*day), to.now.UnixMilli())
		if got := refusals(t, to.Send(t.Context(), []delivery.Item{i})); got != "" {
			t.Error(got)
		}
	}
	if held, wrong := vendor.ReadLogServer(dir, 15*time.Minute); len(held) != 4 || len(wrong) > 0 {
		t.Errorf("%v, %v", held, wrong)
	}
}

// An agent who left is kept as long as a correction may come, and no state of theirs is sent after that.
func TestAgentsWhoLeft(t *testing.T) {
	file := filepath.Join(t.TempDir(), "agents.json")
	d := newDesk(t, vendor.Options{}, ", snapshot: {file: '"+file+"'}")
	a := d.Destination.(*adherence)
	var err error
	if a.agents.horizon, err = horizon.New(48*time.Hour, 0, time.UTC, d.opened); err != nil {
		t.Fatal(err)
	}
	d.now = first.Add(time.Hour)
	d.send(t, d.state("ann", 1, schemas.StateAvailable), d.state("bob", 1, schemas.StateLoggedOut))
	d.now = first.Add(50 * time.Hour)
	d.send(t, d.state("bob", 49*60, schemas.StateAvailable))
	if len(a.agents.of) != 1 {
		t.Errorf("%d agents are kept", len(a.agents.of))
	}
	d.send(t, d.state("ann", 0, schemas.StateOnContact), d.state("cid", 3*60, schemas.StateAvailable))
	d.expect(t, "ann available 1", "bob available 2940", "cid available 180")
	kept, err := openAgents(file, first)
	if err != nil || len(kept.of) != 2 {
		t.Errorf("%v (%v)", kept, err)
	}
}
