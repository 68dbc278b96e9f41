package file

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/quarterhour/quarterhour/ingest/rows"
	"github.com/quarterhour/quarterhour/schemas"
)

// newFacts runs a source to its end and gives the facts of this run alone.
func newFacts(t testing.TB, o *Options, got *recorded) []string {
	t.Helper()
	got.contacts = nil
	if err := drain(t, o, got); err != nil {
		t.Fatal(err)
	}
	return facts(got)
}

func TestResume(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.csv")
	o, got := parseOptions(t, "path: "+path+simple), &recorded{}
	f := func(what, content string, want ...string) {
		t.Helper()
		write(t, path, content)
		if diff := cmp.Diff(want, newFacts(t, o, got)); diff != "" {
			t.Errorf("%s: %s", what, diff)
		}
	}
	f("first", "id,q,at\n1,x,\n", "1|x|-")
	f("touched", "id,q,at\n1,x,\n")
	f("appended", "id,q,at\n1,x,\n2,x,\n", "2|x|-")
	f("a row without its line break", "id,q,at\n1,x,\n2,x,\n3,x,", "3|x|-")
	f("which comes", "id,q,at\n1,x,\n2,x,\n3,x,\n4,x,\n", "3|x|-", "4|x|-")
	f("replaced by something longer", "id,q,at\n9,x,\n8,x,\n7,x,\n6,x,\n5,x,\n", "9|x|-", "8|x|-", "7|x|-", "6|x|-", "5|x|-")
	f("replaced by something shorter", "id,q,at\n1,y,\n", "1|y|-")
	f("other columns", "at,q,id\n,x,1\n,x,2\n", "1|x|-", "2|x|-")
	f("emptied", "")
	f("filled again", "id,q,at\n1,x,\n", "1|x|-")
	if diff := cmp.Diff([]string(nil), dead(got)); diff != "" {
		t.Error(diff)
	}

	write(t, path, "id,q,at\n1,x,\n2,y,soon\n")
	newFacts(t, o, got)
	if diff := cmp.Diff([]string{"3 expression"}, dead(got)); diff != "" {
		t.Errorf("the line of a bad row after resuming: %s", diff)
	}
	remapped := parseOptions(t, "path: "+path+strings.Replace(simple, "queue_id: q", "queue_id: lower(q)", 1))
	if diff := cmp.Diff([]string{"1|x|-"}, newFacts(t, remapped, got)); diff != "" {
		t.Errorf("another mapping: %s", diff)
	}
}

func TestResumeCompressed(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.csv.gz")
	pack := func(content string) string {
		var b bytes.Buffer
		g := gzip.NewWriter(&b)
		_, _ = g.Write([]byte(content))
		g.Close()
		return b.String()
	}
	o, got := parseOptions(t, "path: "+path+simple), &recorded{}
	write(t, path, pack("id,q,at\n1,x,\n"))
	newFacts(t, o, got)
	write(t, path, pack("id,q,at\n1,x,\n")+pack("2,x,\n")) // as log rotation appends
	if diff := cmp.Diff([]string{"2|x|-"}, newFacts(t, o, got)); diff != "" {
		t.Error(diff)
	}
}

func TestStandardInput(t *testing.T) {
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer func(old *os.File) { os.Stdin = old }(os.Stdin)
	os.Stdin = r
	go func() {
		_, _ = w.WriteString("id,q,at\n1,x,2026-01-05 10:00\n2,x,soon")
		w.Close()
	}()
	got := &recorded{}
	if diff := cmp.Diff([]string{"1|x|1767607200"}, newFacts(t, parseOptions(t, "path: '-'"+simple), got)); diff != "" {
		t.Error(diff)
	}
	if len(got.marks) != 1 || len(got.dead) != 1 || got.dead[0].Location != "-:3" {
		t.Errorf("%v %v", got.marks, got.dead)
	}
}

func TestGlob(t *testing.T) {
	dir := t.TempDir()
	o, got := parseOptions(t, "path: "+filepath.Join(dir, "*.csv")+simple), &recorded{}
	write(t, filepath.Join(dir, "b.csv"), "id,q,at\n2,x,\n")
	write(t, filepath.Join(dir, "a.csv"), "q,id,at\nx,1,\n")
	write(t, filepath.Join(dir, "c.txt"), "no")
	if diff := cmp.Diff([]string{"1|x|-", "2|x|-"}, newFacts(t, o, got)); diff != "" {
		t.Error(diff)
	}
	if err := os.Remove(filepath.Join(dir, "a.csv")); err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(dir, "c.csv"), "id,q,at\n3,x,\n")
	if diff := cmp.Diff([]string{"3|x|-"}, newFacts(t, o, got)); diff != "" {
		t.Error(diff)
	}
	if strings.Contains(string(got.cursor), "a.csv") {
		t.Errorf("the cursor remembers a file that is gone: %s", got.cursor)
	}
}

// The cursor of a glob with very many files still fits a message of Kafka's default size.
func TestCursorOfManyFiles(t *testing.T) {
	c, _, err := loadCursor(nil, "m")
	if err != nil {
		t.Fatal(err)
	}
	for i := range 20_000 {
		c.Files[fmt.Sprintf("/data/exports/calls-2026-%05d.csv.gz", i)] = &progress{Size: int64(i), Modified: 1767607200e9 + int64(i)*1e9, Place: rows.Place{Offset: int64(i), Line: 7, Hash: rows.Hash(uint64(i) * 0x9e3779b97f4a7c15)}}
	}
	stored := c.encode()
	if len(stored) > 1_000_000 {
		t.Errorf("%d bytes", len(stored))
	}
	back, _, err := loadCursor(stored, "m")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(c, back, cmp.AllowUnexported(progress{})); diff != "" {
		t.Error(diff[:200])
	}
	if _, _, err := loadCursor(stored[:100], "m"); err == nil {
		t.Error("a damaged cursor is read")
	}
}

// However a file grows, and however often the source is stopped, each row is read, and none is misread.
func TestGrowth(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.csv")
	o := parseOptions(t, "path: "+path+simple)
	rapid.Check(t, func(t *rapid.T) {
		content, want := "id,q,at\n", map[string]bool{}
		for i := range rapid.IntRange(1, 30).Draw(t, "rows") {
			q := rapid.SampledFrom([]string{"x", "a \"\"b\"\"", "c\nd", "e,f", "", "longer text"}).Draw(t, "q")
			content += fmt.Sprintf("%d,\"%s\",%s", i, q, rapid.SampledFrom([]string{"\n", "\r\n", "\n\n"}).Draw(t, "end"))
			want[fmt.Sprintf("%d|%s|-", i, strings.ReplaceAll(q, `""`, `"`))] = true
		}
		got := &recorded{}
		cuts := append(rapid.SliceOfN(rapid.IntRange(8, len(content)), 0, 5).Draw(t, "cuts"), len(content))
		slices.Sort(cuts)
		for _, cut := range cuts {
			if err := os.WriteFile(path, []byte(content[:cut]), 0o600); err != nil {
				t.Fatal(err)
			}
			s, err := Registration.Open(o, deps(true))
			if err != nil {
				t.Fatal(err)
			}
			if err := s.Run(context.Background(), got.cursor, got); err != nil {
				t.Fatal(err)
			}
		}
		seen := map[string]bool{}
		for _, f := range facts(got) {
			seen[f] = true
		}
		for f := range want {
			if !seen[f] {
				t.Fatalf("%q was not read; dead: %v", f, dead(got))
			}
		}
	})
}

// crashing fails after some facts, as a source does whose log is gone.
type crashing struct {
	recorded
	after int
}

var errCrash = errors.New("crash")

func (c *crashing) Contact(ctx context.Context, f *schemas.Contact) error {
	if c.after--; c.after < 0 {
		return errCrash
	}
	return c.recorded.Contact(ctx, f)
}

// A crash costs a replay from the last commit, never a gap.
func TestCrash(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.csv")
	var content strings.Builder
	content.WriteString("id,q,at\n")
	const rows = 5 * pulse
	for i := range rows {
		fmt.Fprintf(&content, "%d,x,\n", i)
	}
	write(t, path, content.String())
	o := parseOptions(t, "path: "+path+simple)
	out := &crashing{}
	for crashes := 0; ; crashes++ {
		s, err := open(o, deps(true))
		if err != nil {
			t.Fatal(err)
		}
		s.commitBytes, out.after = 1000, 2*pulse
		if err = s.Run(context.Background(), out.cursor, out); err == nil {
			break
		}
		if !errors.Is(err, errCrash) || crashes > 10 {
			t.Fatal(err)
		}
	}
	seen := map[string]bool{}
	for _, c := range out.contacts {
		seen[c.InteractionID] = true
	}
	if len(seen) != rows || len(out.contacts) == rows {
		t.Errorf("%d facts of %d rows, %d different", len(out.contacts), rows, len(seen))
	}
}

func TestPromise(t *testing.T) {
	f := func(options string, wantMarks ...string) {
		t.Helper()
		got := read(t, "a.csv", "id,q,at,end\n1,x,2026-01-05 10:00,2026-01-06 00:30\n2,x,2026-01-05 09:00,\n3,x,2126-01-05 09:00,\n",
			"\nas: contact\nfields: {interaction_id: id, offered_at: at, ended_at: end}\ntimezone: Europe/Berlin\n"+options)
		var marks []string
		for _, m := range got.marks {
			marks = append(marks, time.UnixMilli(m).UTC().Format("02T15:04"))
		}
		if diff := cmp.Diff(wantMarks, marks); diff != "" {
			t.Errorf("%s: %s", options, diff)
		}
	}
	f("", "05T23:00") // the end of the day that the last call begins in; a year mistyped does not count
	f("complete: last", "05T23:30")
	f("complete: none")
	f("complete: 2026-01-10", "09T23:00")
}

// A promise is made once, also where a crash comes between the rows and it.
func TestPromiseOnce(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.csv")
	write(t, path, "id,q,at\n1,x,2026-01-05 10:00\n")
	o, got := parseOptions(t, "path: "+path+simple), &recorded{}
	for range 3 {
		newFacts(t, o, got)
	}
	if len(got.marks) != 1 {
		t.Errorf("%d promises", len(got.marks))
	}
	got.cursor = []byte(strings.Replace(string(got.cursor), `"marked"`, `"was"`, 1))
	if newFacts(t, o, got); len(got.marks) != 2 {
		t.Errorf("%d promises after a crash before the first was noted", len(got.marks))
	}
}

// shared is a recorded that the test may look into while the source runs.
type shared struct {
	mu sync.Mutex
	recorded
}

func (s *shared) Contact(ctx context.Context, c *schemas.Contact) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.recorded.Contact(ctx, c)
}

// take gives the facts since the last call.
func (s *shared) take() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	list := facts(&s.recorded)
	s.contacts = nil
	return list
}

func TestFollow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir := t.TempDir()
		path := filepath.Join(dir, "a.csv")
		write(t, path, "id,q,at\n1,x,2026-01-05 10:00\n2,x")
		s, err := Registration.Open(parseOptions(t, "path: "+filepath.Join(dir, "*.csv")+simple), deps(false))
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		got, done := &shared{}, make(chan error)
		go func() { done <- s.Run(ctx, nil, got) }()
		f := func(what string, want ...string) {
			t.Helper()
			time.Sleep(11 * time.Second)
			synctest.Wait()
			if diff := cmp.Diff(want, got.take()); diff != "" {
				t.Errorf("%s: %s", what, diff)
			}
		}
		synctest.Wait()
		if diff := cmp.Diff([]string{"1|x|1767607200"}, got.take()); diff != "" {
			t.Errorf("half a row is left for later: %s", diff)
		}
		write(t, path, "id,q,at\n1,x,2026-01-05 10:00\n2,x,\n3,x,")
		f("the rest of it", "2|x|-")
		f("a row without a line break that nobody goes on with", "3|x|-")
		f("nothing new")
		write(t, filepath.Join(dir, "b.csv"), "id,q,at\n4,x,2026-01-05 12:00\n")
		f("a new file", "4|x|1767614400")
		write(t, path, "id,q,at\n1,x,2026-01-05 10:00\n2,x,\n3,x,\n5,x,\n")
		f("a row goes on", "3|x|-", "5|x|-")
		write(t, path, "id,q,at\n1,x,2026-01-05 10:00\n2,x,\n3,x,\n5,x,\n6,x,\n7,x,")
		f("rows after a place that is remembered", "6|x|-")
		f("the last one settles", "7|x|-")
		write(t, path, "id,q,at\n1,x,2026-01-05 10:00\n2,x,\n3,x,\n5,y,\n6,x,\n7,x,\n8,x,\n")
		f("rewritten in place", "1|x|1767607200", "2|x|-", "3|x|-", "5|y|-", "6|x|-", "7|x|-", "8|x|-")
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
		if diff := cmp.Diff([]int64{1767603600_000, 1767610800_000}, got.marks); diff != "" {
			t.Errorf("promises an hour before the latest row: %s", diff)
		}
	})
}
