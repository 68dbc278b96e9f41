package calabrio

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	vendor "github.com/quarterhour/quarterhour/internal/simulator/calabrio"
	"github.com/quarterhour/quarterhour/sinks/delivery"
)

// Rows in the order of time, 21 fields each, no header.
func TestQueueImportFile(t *testing.T) {
	to, dir := folderOf(t, "queue_import", ", fields: {wait_dur: wait_ms + abandon_wait_ms}")
	items := []delivery.Item{queueRow("b", "voice", first.Add(15*time.Minute), 1), queueRow("b", "voice", first, 1), queueRow("a", "voice", first.Add(15*time.Minute), 1)}
	if got := refusals(t, to.Send(t.Context(), items)); got != "" {
		t.Error(got)
	}
	files := visible(t, dir)
	if len(files) != 1 {
		t.Fatal(names(files))
	}
	for _, text := range files {
		golden(t, "queue_import.csv", text)
		for line := range strings.Lines(text) {
			if n := strings.Count(line, ";") + 1; n != importFields {
				t.Errorf("%d fields: %s", n, line)
			}
		}
	}
	if held, wrong := vendor.ReadQueueImport(dir, 15*time.Minute); len(wrong) > 0 || len(held) != 3 {
		t.Errorf("%v, %v", held, wrong)
	}
}

// A name is never used again, and that of a later file comes later, also where the clock goes back and in another process.
func TestNamesOfQueueImports(t *testing.T) {
	to, dir := folderOf(t, "queue_import", ", prefix: acme, extension: txt")
	var order []string
	send := func(offered int64) {
		t.Helper()
		i := queueRow("a", "voice", first, offered)
		i.Queue.Offered = offered
		before := visible(t, dir)
		if err := to.Send(t.Context(), []delivery.Item{i}); err != nil {
			t.Fatal(err)
		}
		for name := range visible(t, dir) {
			if _, old := before[name]; !old {
				order = append(order, name)
			}
		}
	}
	now := to.now
	send(1)
	send(2)
	to.now = now.Add(-time.Hour)
	send(3)
	to = open(t, "queue_import: {dir: '"+dir+"', prefix: acme, extension: txt}")
	to.now = now.Add(-2 * time.Hour)
	send(4)
	to.now = now.Add(time.Hour)
	send(5)
	if !slices.IsSorted(order) || len(slices.Compact(slices.Clone(order))) != 5 || !strings.HasPrefix(order[0], "acme_20260302T100000") || !strings.HasSuffix(order[4], ".txt") {
		t.Error(order)
	}
	held, wrong := vendor.ReadQueueImport(dir, 15*time.Minute)
	if len(wrong) > 0 || !strings.HasPrefix(held["2026-03-02/09:00/a"], "15;2026-03-02;09:00;a;A;5;") {
		t.Errorf("%v, %v", held, wrong)
	}
}

// A file that cannot be written leaves nothing behind that an importer could read.
func TestFilesAreWholeOrNotThere(t *testing.T) {
	for _, door := range []string{"logserver", "queue_import"} {
		to, dir := folderOf(t, door, "")
		if err := os.RemoveAll(filepath.Join(dir, ".quarterhour")); err != nil {
			t.Fatal(err)
		}
		if err := to.Send(t.Context(), []delivery.Item{queueRow("a", "voice", first, 1)}); err == nil {
			t.Errorf("%s: no error", door)
		}
		if files := visible(t, dir); len(files) > 0 {
			t.Errorf("%s: %v", door, names(files))
		}
	}
}
