package crashtest

import (
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/quarterhour/quarterhour/internal/simulator"
)

// exports is a small day as its systems report it, row by row, and what really happened.
type exports struct {
	files map[string]*export
	truth simulator.Truth
}

// export is one file: its header, and its rows in the order in which the system writes them.
type export struct {
	header string
	rows   []string
}

// newExports lets the day happen, with every fault that the simulator knows: late, doubled, corrected and withdrawn rows. Rows that
// no source can use, and facts that no shard takes, come on top.
func newExports(t *testing.T) *exports {
	t.Helper()
	o, err := simulator.DefaultOptions()
	if err != nil {
		t.Fatal(err)
	}
	o.Agents, o.Queues, o.Contacts = 20, 6, 600
	day := simulator.NewDay(o)
	x := &exports{files: map[string]*export{}, truth: day.Truth(rules)}
	systems := day.Exports()
	for _, when := range []simulator.Delivery{simulator.OnTime, simulator.Late} {
		dir := t.TempDir()
		if err := systems.Write(dir, when); err != nil {
			t.Fatal(err)
		}
		for _, name := range []string{"calls.csv", "states.csv", "chats.jsonl"} {
			x.read(t, filepath.Join(dir, name))
		}
	}
	x.spoil(t)
	return x
}

func (x *exports) read(t *testing.T, path string) {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.SplitAfter(string(text), "\n")
	lines = lines[:len(lines)-1]
	name := filepath.Base(path)
	if x.files[name] == nil {
		x.files[name] = &export{}
	}
	f := x.files[name]
	if strings.HasSuffix(name, ".csv") {
		f.header, lines = lines[0], lines[1:]
	}
	f.rows = append(f.rows, lines...)
}

// spoil adds rows without a readable time, and calls of 1985, to every fifteenth call. Withdrawals of what no shard ever had are
// refused, or not, by when they come.
func (x *exports) spoil(t *testing.T) {
	t.Helper()
	calls := x.files["calls.csv"]
	var rows []string
	for n, row := range calls.rows {
		rows = append(rows, row)
		if n%15 == 0 && !strings.Contains(row, ",true,") {
			old := strings.ReplaceAll(row, "2026-03-02", "1985-03-02")
			garbled := strings.ReplaceAll(row, "2026-03-02", "2026-33-02")
			if old == row {
				t.Fatalf("no time in %q", row)
			}
			rows = append(rows, "x"+old, "y"+garbled)
		}
	}
	calls.rows = rows
}

// write writes one of a number of parts. Rows go to parts at random, the same in every run: a correction may come long before
// what it corrects.
func (x *exports) write(dir string, part, parts int) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	for name, f := range x.files {
		r := rand.New(rand.NewPCG(uint64(parts), uint64(len(f.rows))))
		var text strings.Builder
		text.WriteString(f.header)
		for _, row := range f.rows {
			if r.IntN(parts) == part {
				text.WriteString(row)
			}
		}
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text.String()), 0o600); err != nil {
			return err
		}
	}
	return nil
}
