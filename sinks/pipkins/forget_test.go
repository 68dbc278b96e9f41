package pipkins

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/quarterhour/quarterhour/sinks/delivery"
	"github.com/quarterhour/quarterhour/sinks/horizon"
)

type watch struct{ time.Time }

func (w *watch) Now() time.Time                             { return w.Time }
func (w *watch) Sleep(context.Context, time.Duration) error { return nil }

// rest makes everything below a folder look as if it had been written longer ago than anything is expected of it.
func rest(t *testing.T, dir string) (files int) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, _ fs.DirEntry, err error) error {
		files++
		at := time.Now().Add(-horizon.Margin - time.Hour)
		return errors.Join(err, os.Chtimes(path, at, at))
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// Twenty days leave what two days need; a row that comes late for a forgotten day takes nothing of it back.
func TestOldDaysAreForgotten(t *testing.T) {
	dir, state, w := t.TempDir(), t.TempDir(), &watch{}
	yaml := "folder: " + dir + "\nstate: " + state + "\nkeep: 48h\ntimezone: Asia/Kathmandu\n"
	d := openedAt(t, yaml, w)
	first := time.Date(2026, 3, 2, 18, 30, 0, 0, time.UTC) // the third there
	start := func(n int) string { return first.AddDate(0, 0, n).Format(time.RFC3339) }
	for n := range 20 {
		w.Time = first.AddDate(0, 0, n).Add(time.Hour)
		send(t, d, queue(t, start(n), "a", "voice", 10, 0, 1), queue(t, start(n), "b", "voice", 10, 0, 1), agent(t, start(n), "ann", "Ann", 900_000))
		if files := rest(t, state); files > 1+2*(3+4*3) { // two sets of four days, with a lock each
			t.Fatalf("%d files after %d days", files, n+1)
		}
	}
	before := files(t, dir)
	if len(before) != 40 {
		t.Errorf("%d files for the import", len(before))
	}
	late := queue(t, start(0), "a", "voice", 11, 0, 2)
	for range 2 { // the second time in another process
		err := d.Send(t.Context(), []delivery.Item{queue(t, start(19), "a", "voice", 12, 0, 2), late})
		var refused *delivery.Refused
		if !errors.As(err, &refused) || len(refused.Items) != 1 || refused.Items[0].Index != 1 || refused.Items[0].Reason != "too_old" || !strings.Contains(refused.Items[0].Detail, "2026-03-03") {
			t.Errorf("error %v %+v", err, refused)
		}
		d = openedAt(t, yaml, w)
	}
	const name = "queue_20260303_0015.csv"
	if after := files(t, dir); before[name] == "" || after[name] != before[name] || len(after) != 40 {
		t.Errorf("%q was %q", after[name], before[name])
	}
	if got := differences(t, d, late); got != "" {
		t.Error(got) // of what is forgotten nothing can be said
	}
	if err := os.Remove(filepath.Join(state, "queue", "forgotten.json")); err != nil {
		t.Fatal(err)
	}
	send(t, d, late)
	if after := files(t, dir); strings.Count(after[name], "\n") != 2 {
		t.Error(after[name])
	}
}

// A history that is read for the first time is old and new at once, and comes in any order.
func TestHistoryIsNotForgottenWhileItIsRead(t *testing.T) {
	dir, w := t.TempDir(), &watch{time.Date(2027, 3, 2, 0, 0, 0, 0, time.UTC)}
	d := openedAt(t, "folder: "+dir+"\nkeep: 48h\n", w)
	for n, day := range []string{"2026-09-02", "2026-03-02", "2026-03-03", "2026-03-02", "2026-09-02"} {
		w.Time = w.Add(2 * time.Hour)
		send(t, d, queue(t, day+"T09:00:00Z", fmt.Sprint(n), "voice", 10, 0, 1))
	}
	all := files(t, dir)
	if strings.Count(all["queue_20260302_0900.csv"], "\n") != 3 || strings.Count(all["queue_20260902_0900.csv"], "\n") != 3 || len(all) != 3 {
		t.Error(all)
	}
}

// Processes forget and write at once: each row is in its file, or refused.
func TestForgettingWhileOthersWrite(t *testing.T) {
	dir := t.TempDir()
	const yaml = "keep: 24h\n"
	now := time.Date(2026, 3, 9, 0, 0, 0, 0, time.UTC)
	writer := openedAt(t, "folder: "+dir+"\n"+yaml, &watch{now.AddDate(0, 0, -7)})
	var group sync.WaitGroup
	for n := range 3 {
		send(t, writer, queue(t, nine, "first", "voice", 10, 0, 1))
		rest(t, filepath.Join(dir, ".quarterhour"))
		other := openedAt(t, "folder: "+dir+"\n"+yaml, &watch{now})
		group.Go(func() { send(t, other, queue(t, "2026-03-08T09:00:00Z", "x", "voice", 10, 0, int64(n+1))) })
		for m := range 5 {
			i := queue(t, nine, fmt.Sprint(n, "-", m), "voice", 10, 0, 1)
			err := writer.Send(t.Context(), []delivery.Item{i})
			var refused *delivery.Refused
			text := files(t, dir)["queue_20260302_0900.csv"]
			switch {
			case errors.As(err, &refused) && refused.Items[0].Reason == "too_old":
			case err != nil:
				t.Error(err)
			case !strings.Contains(text, "first") || !strings.Contains(text, fmt.Sprint(n, "-", m)):
				t.Errorf("%s lacks rows", text)
			}
		}
		group.Wait()
		if err := os.RemoveAll(filepath.Join(dir, ".quarterhour", "queue")); err != nil {
			t.Fatal(err)
		}
	}
}
