package gladly

import (
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/quarterhour/quarterhour/schemas"
)

// The rows of a report, whatever they hold, become contacts or problems; they never stop the reading, and times stay in order.
func FuzzWorkSessions(f *testing.F) {
	o := &Options{Queue: "inbox_id", OfferedAt: "contact_session_routed_at"}
	for _, seed := range []string{
		row("c1 a i1 10:00:00 10:00:01 10:00:05 10:20:00 ANSWERED 300 10") + row("c1 b i2 10:00:00 10:00:01 10:06:00 10:20:00 ANSWERED 840 20.25"),
		"a,\"b\"c,\n" + row("c1 - i1 10:00:00 - - - - - -"), "\"\n", "\xff\xfe,,,,\n", row("c1 a i1 10:00:00 10:00:01 09:00:05 09:20:00 ANSWERED 1e300 -5"),
	} {
		f.Add(sessionHeader + seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		table, err := openTable(workSessions, strings.NewReader(text), sessionColumns...)
		if table == nil {
			return
		}
		if err != nil {
			return
		}
		byContact := map[string][]session{}
		for n := 0; ; n++ {
			problem, err := table.next()
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil || n > len(text) {
				t.Fatalf("row %d: %v", n, err)
			}
			table.location()
			table.text()
			if problem != "" {
				continue
			}
			if s, problem := o.session(table); problem == "" {
				byContact[s.contact] = append(byContact[s.contact], s)
			}
		}
		for id, rows := range byContact {
			segments := map[string]bool{}
			for _, p := range o.parts(rows) {
				if p.offered == schemas.Null || segments[p.segment] {
					t.Errorf("contact %q: %+v", id, p)
				}
				segments[p.segment] = true
			}
		}
	})
}

// Any bytes are lines, of which only the last can be without an end.
func FuzzLines(f *testing.F) {
	f.Add([]byte("a\nb\r\n\nc"))
	f.Add([]byte(strings.Repeat("x", 300<<10) + "\ny\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		l := newLines(strings.NewReader(string(text)))
		var back []byte
		ended := false
		for {
			line, whole, tooLong, err := l.next()
			if err != nil {
				break
			}
			if ended || tooLong {
				t.Fatal("a line after the last, or one that is too long")
			}
			back = append(back, line...)
			if whole {
				back = append(back, '\n')
			}
			ended = !whole
		}
		want := strings.TrimRight(strings.ReplaceAll(string(text), "\r", ""), "")
		if strings.ReplaceAll(string(back), "\r", "") != want {
			t.Errorf("%q became %q", text, back)
		}
	})
}

func TestTooLongLine(t *testing.T) {
	l := newLines(strings.NewReader("a\n" + strings.Repeat("x", maxLine+10) + "\nb"))
	for _, want := range []struct {
		length         int
		whole, tooLong bool
	}{{1, true, false}, {maxLine, true, true}, {1, false, false}} {
		line, whole, tooLong, err := l.next()
		if len(line) != want.length || whole != want.whole || tooLong != want.tooLong || err != nil {
			t.Errorf("%d bytes, %v, %v, %v; want %v", len(line), whole, tooLong, err, want)
		}
	}
}
