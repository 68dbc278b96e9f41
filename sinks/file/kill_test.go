package file

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"testing"
	"time"

	"github.com/quarterhour/quarterhour/sinks/delivery"
)

const childVariable = "FILE_SINK_CHILD"

// many are 2,000 contacts at one revision.
func many(revision int64) []delivery.Item {
	var items []delivery.Item
	for n := range 2_000 {
		items = append(items, contact(fmt.Sprint(n), time.Date(2026, 3, 2, 0, 0, n, 0, time.UTC).Format(time.RFC3339), revision))
	}
	return items
}

// A process is killed in the middle of its writes, again and again: what is there is whole and of one revision, and the next goes on.
func TestKilled(t *testing.T) {
	if path := os.Getenv(childVariable); path != "" {
		d := opened(t, path)
		for revision := int64(1); ; revision++ {
			send(t, d, many(revision)...)
			fmt.Fprintln(os.Stderr, "wrote", revision)
		}
	}
	for _, ext := range []string{"csv", "parquet"} {
		dir := t.TempDir()
		path := dir + "/contacts/2026-03-02." + ext
		for round := range 4 {
			child := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestKilled$")
			child.Env = append(os.Environ(), childVariable+"="+dir+"/{kind}/{day}."+ext)
			said, err := child.StderrPipe()
			if err == nil {
				err = child.Start()
			}
			if err != nil {
				t.Fatal(err)
			}
			lines := bufio.NewScanner(said)
			for range 2 {
				if !lines.Scan() {
					t.Fatal("it wrote nothing")
				}
			}
			time.Sleep(time.Duration(round*7) * time.Millisecond) // anywhere in a write
			if err := child.Process.Kill(); err != nil {
				t.Fatal(err)
			}
			_ = child.Wait()
			revisions := map[int64]int{}
			table := opened(t, dir+"/{kind}/{day}."+ext).(*destination).tables["contact"]
			if err := table.each(t.Context(), path, func(r *row) { revisions[r.revision]++ }); err != nil {
				t.Fatal(err)
			}
			if len(revisions) != 1 {
				t.Fatalf("%s has rows of several writes: %v", ext, revisions)
			}
			if err := os.Remove(path); err != nil { // the next child begins with revision 1
				t.Fatal(err)
			}
		}
	}
}
