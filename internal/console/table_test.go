package console

import (
	"io"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestTable(t *testing.T) {
	f := func(look Look, table Table, want string) {
		t.Helper()
		var b strings.Builder
		if err := table.Render(&b, look); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(strings.TrimPrefix(want, "\n"), b.String()); diff != "" {
			t.Error(diff)
		}
		if look.Width > 0 {
			for _, line := range strings.Split(b.String(), "\n") {
				if width(line) > look.Width {
					t.Errorf("wider than %d: %q", look.Width, line)
				}
			}
		}
	}
	queues := Table{Columns: Columns("queue", "#offered"), Rows: [][]string{{"sales", "9,007"}, {"客服", "3"}, {"short"}}, Note: "3 rows"}

	// A box on a terminal, with wide characters counted as two.
	f(Look{Terminal: true, Width: 80}, queues, `
┌───────┬─────────┐
│ queue │ offered │
├───────┼─────────┤
│ sales │   9,007 │
│ 客服  │       3 │
│ short │         │
└───────┴─────────┘
3 rows
`)
	// Aligned columns elsewhere.
	f(Look{}, queues, `
queue  offered
sales    9,007
客服         3
short
3 rows
`)
	// Text is cut to fit, numbers never.
	long := Table{Columns: Columns("detail", "#n"), Rows: [][]string{{"a detail that is long", "123456"}}}
	f(Look{Terminal: true, Width: 26}, long, `
┌───────────────┬────────┐
│ detail        │      n │
├───────────────┼────────┤
│ a detail tha… │ 123456 │
└───────────────┴────────┘
`)
	// Prose goes on in further lines.
	f(Look{Terminal: true, Width: 24}, Table{Columns: Columns("n", "~what"), Rows: [][]string{{"a", "one two three four"}}}, `
┌───┬──────────────────┐
│ n │ what             │
├───┼──────────────────┤
│ a │ one two three    │
│   │ four             │
└───┴──────────────────┘
`)
	// Where that is not enough, rows become blocks.
	f(Look{Terminal: true, Width: 20}, Table{Columns: Columns("#first", "#second"), Rows: [][]string{{"1234567", "7654321"}}}, `
── row 1 ───────────
first   1234567
second  7654321
`)
	// Nothing in a cell reaches the terminal's controls.
	f(Look{}, Table{Columns: Columns("x"), Rows: [][]string{{"a\x1b[31m\nb"}}}, "x\na\\x1b[31m\\nb\n")
	// Colours stay out of the measuring.
	f(Look{Terminal: true, Colour: true}, Table{Columns: Columns("x"), Rows: [][]string{{"y"}}},
		"\x1b[2m┌───┐\x1b[0m\n\x1b[2m│\x1b[0m \x1b[1mx\x1b[0m \x1b[2m│\x1b[0m\n\x1b[2m├───┤\x1b[0m\n\x1b[2m│\x1b[0m y \x1b[2m│\x1b[0m\n\x1b[2m└───┘\x1b[0m\n")
}

func TestNumbers(t *testing.T) {
	f := func(got, want string) {
		t.Helper()
		if got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
	f(Count(0), "0")
	f(Count(999), "999")
	f(Count(-1234567), "-1,234,567")
	f(Bytes(999), "999 B")
	f(Bytes(1500), "1.5 kB")
	f(Bytes(999_999), "1.0 MB")
	f(Bytes(123_456_789), "123 MB")
	f(Span(0), "0s")
	f(Span(850_400_000), "850ms")
	f(Span(2_449_000_000), "2.4s")
	f(Span(59_000_000_000), "59s")
	f(Span(200_000_000_000), "3m20s")
	f(Span(180_000_000_000), "3m")
	f(Span(3_900_000_000_000), "1h5m")
	f(Span(3_600_000_000_000), "1h")
}

func TestLook(t *testing.T) {
	f := func(env map[string]string, colour bool) {
		t.Helper()
		look := terminal(80, func(name string) (string, bool) { v, ok := env[name]; return v, ok })
		if look.Colour != colour {
			t.Errorf("%v: colour %t, want %t", env, look.Colour, colour)
		}
	}
	f(nil, true)
	f(map[string]string{"NO_COLOR": "1"}, false)
	f(map[string]string{"NO_COLOR": ""}, true) // no-color.org: when present and not empty
	f(map[string]string{"TERM": "dumb"}, false)
	null, err := os.Open(os.DevNull)
	if err != nil {
		t.Fatal(err)
	}
	defer null.Close()
	if look := LookOf(null, os.LookupEnv); look != (Look{}) {
		t.Errorf("%+v of what is no terminal", look)
	}
}

func TestOutcome(t *testing.T) {
	f := func(colour bool, word, want string) {
		t.Helper()
		s := NewScreen(io.Discard, Look{Terminal: true, Colour: colour})
		if got := s.Outcome(word, 7); got != want {
			t.Errorf("%q: %q, want %q", word, got, want)
		}
	}
	f(false, "ok", "ok     ")
	f(true, "ok", "\x1b[32mok\x1b[0m     ")
	f(true, "warning", "\x1b[33mwarning\x1b[0m")
	f(true, "failed", "\x1b[31mfailed\x1b[0m ")
	f(true, "new", "new    ")
}
