package console

import (
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// display plays the few controls that Progress uses, and holds what a reader would see.
type display struct{ lines []string }

var upwards = regexp.MustCompile(`^\x1b\[(\d+)A\r\x1b\[J`)

func (s *display) Write(p []byte) (int, error) {
	text := string(p)
	if m := upwards.FindStringSubmatch(text); m != nil {
		n, _ := strconv.Atoi(m[1])
		s.lines = s.lines[:len(s.lines)-n]
		text = text[len(m[0]):]
	}
	if text != "" {
		s.lines = append(s.lines, strings.Split(strings.TrimSuffix(text, "\n"), "\n")...)
	}
	return len(p), nil
}

func TestProgressOnATerminal(t *testing.T) {
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	screen := &display{}
	p := NewProgress(screen, Look{Terminal: true, Width: 78}, func() time.Time { return now })
	f := func(after time.Duration, do func(), want ...string) {
		t.Helper()
		now = now.Add(after)
		do()
		if diff := cmp.Diff(want, screen.lines); diff != "" {
			t.Errorf("%s", diff)
		}
		for _, line := range screen.lines {
			if width(line) >= 78 {
				t.Errorf("wider than the terminal: %q", line)
			}
		}
	}
	calls := func(done int64) func() { return func() { p.Report("calls", done, 10_000, "rows") } }

	f(0, calls(0))                       // nothing to see yet
	f(50*time.Millisecond, calls(100))   // too soon to draw
	f(950*time.Millisecond, calls(2000), // a bar with rate and time left
		"calls  ████░░░░░░░░░░░░░░░░░░░   20 %  2,000 of 10,000 rows  2,000/s  4s left")
	f(time.Second, func() { p.Report("states", 5, 0, "rows") }, // of unknown length: no bar
		"calls   ████░░░░░░░░░░░░░░░░░░   20 %  2,000 of 10,000 rows  2,000/s  4s left", "states  5 rows")
	f(0, func() { _, _ = p.Write([]byte("a log line\n")) }, // above the bars
		"a log line", "calls   ████░░░░░░░░░░░░░░░░░░   20 %  2,000 of 10,000 rows  2,000/s  4s left", "states  5 rows")
	f(2*time.Second, calls(10_000), // what is done becomes a line that stays
		"a log line", "✓ calls: 10,000 rows in 4s (2,500/s)", "states  5 rows")
	f(0, func() { _, _ = p.Beside(screen).Write([]byte("a table\n")) }, // bars make way
		"a log line", "✓ calls: 10,000 rows in 4s (2,500/s)", "a table")
	f(time.Second, func() { p.Report("states", 8, 0, "rows") },
		"a log line", "✓ calls: 10,000 rows in 4s (2,500/s)", "a table", "states  8 rows  1/s")
	f(0, p.Close, "a log line", "✓ calls: 10,000 rows in 4s (2,500/s)", "a table")
}

func TestProgressElsewhere(t *testing.T) {
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	var out strings.Builder
	p := NewProgress(&out, Look{}, func() time.Time { return now })
	for range 12 {
		p.Report("load", int64(now.Second())*90, 0, "bytes")
		p.Report("calls", int64(now.Second())*500, 6_000, "rows")
		now = now.Add(time.Second)
	}
	p.Report("calls", 6_000, 6_000, "rows")
	p.Report("nothing", 0, 0, "rows")
	p.Report("resumed", 5_000, 6_000, "rows") // most of it by an earlier run
	now = now.Add(time.Second)
	p.Report("resumed", 6_000, 6_000, "rows")
	p.Close()
	if strings.Contains(out.String(), "\x1b") {
		t.Error("escape sequences outside a terminal")
	}
	want := "load: 450 B  90 B/s\ncalls:  33 %  2,000 of 6,000 rows  500/s  8s left\n" +
		"load: 900 B  90 B/s\ncalls:  75 %  4,500 of 6,000 rows  500/s  3s left\n✓ calls: 6,000 rows in 12s (500/s)\n✓ resumed: 6,000 rows\n"
	if diff := cmp.Diff(want, out.String()); diff != "" {
		t.Error(diff)
	}
}
