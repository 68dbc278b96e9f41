package file

import (
	"bufio"
	"bytes"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/quarterhour/quarterhour/schemas"
	"github.com/quarterhour/quarterhour/sinks/delivery"
)

// Whatever is sent in whatever order, the files hold the greatest revision of each contact, once, in the day of its time.
func TestAnyHistory(t *testing.T) {
	ids := rapid.OneOf(rapid.SampledFrom([]string{"a", "b", "c", `x"y`, "l\nm", "p,q", `back\slash`, "", "é"}), rapid.String())
	noon := time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC).UnixMilli()
	rapid.Check(t, func(rt *rapid.T) {
		ext := rapid.SampledFrom([]string{"csv", "jsonl", "parquet"}).Draw(rt, "format")
		dir, err := os.MkdirTemp(t.TempDir(), "")
		if err != nil {
			rt.Fatal(err)
		}
		d := opened(t, dir+"/{kind}/{day}."+ext)
		defer d.Close()
		inParts(d, rapid.IntRange(1, 5).Draw(rt, "rows of a part"))
		forgets := rapid.Bool().Draw(rt, "forgets")
		want := map[string]string{}
		newest := map[string]int64{}
		for range rapid.IntRange(1, 8).Draw(rt, "requests") {
			batch := map[string]delivery.Item{}
			for range rapid.IntRange(1, 6).Draw(rt, "items") {
				i := contact(strings.ToValidUTF8(ids.Draw(rt, "id"), "\uFFFD"), "", rapid.Int64Range(1, 6).Draw(rt, "revision"))
				// a contact's time differs with its revision, within twelve hours
				i.Contact.OfferedAt = noon + (i.Revision*7_000_001+int64(len(i.Contact.InteractionID)))%86_400_000 - 43_200_000
				i.Start = i.Contact.OfferedAt
				i.Contact.QueueName = fmt.Sprintf("%s %d", i.Contact.InteractionID, i.Revision)
				batch[i.Contact.InteractionID] = i
			}
			for id, i := range batch {
				if i.Revision >= newest[id] {
					newest[id] = i.Revision
					want[id] = fmt.Sprint(time.UnixMilli(i.Start).UTC().Format(time.DateOnly), " ", i.Start, "@", i.Revision)
				}
			}
			items := make([]delivery.Item, 0, len(batch))
			for _, i := range batch {
				items = append(items, i)
			}
			if err := d.Send(t.Context(), items); err != nil {
				rt.Fatal(err)
			}
			if err := asKnown(d.(*destination).tables["contact"]); err != nil {
				rt.Fatal(err)
			}
			if forgets {
				d.Close() // as after a restart
			}
		}
		got := map[string]string{}
		for n := range 4 {
			day := time.UnixMilli(noon).UTC().AddDate(0, 0, n-2).Format(time.DateOnly)
			err := d.(*destination).tables["contact"].each(t.Context(), dir+"/contacts/"+day+"."+ext, func(r *row) {
				parts := strings.Split(string(r.key), "\x00")
				id := strings.Join(parts[2:len(parts)-2], "\x00")
				if got[id] != "" {
					rt.Errorf("%q is there twice", id)
				}
				got[id] = fmt.Sprint(day, " ", r.at, "@", r.revision)
			})
			if err != nil {
				rt.Fatal(err)
			}
		}
		if diff := cmp.Diff(want, got); diff != "" {
			rt.Fatalf("%s\n%s", ext, diff)
		}
	})
}

// asKnown compares what is known of a table's files with what their parts hold.
func asKnown(t *table) error {
	for path, l := range t.known.files {
		var keys []uint64
		for n, p := range l.parts {
			in, err := t.format.parts(l, n, n+1)
			if err != nil {
				return err
			}
			rows, err := all(in)
			if err != nil {
				return err
			}
			if len(rows) != p.rows || p.first.compare(&rows[0]) != 0 || p.last.compare(&rows[len(rows)-1]) != 0 {
				return fmt.Errorf("%s: part %d has rows %v, and is known as %+v", path, n, rows, p)
			}
			for _, r := range rows {
				keys = append(keys, hash(r.key)|uint64(p.id))
			}
		}
		if slices.Sort(keys); !slices.Equal(keys, l.keys) {
			return fmt.Errorf("%s: keys are known as %x, not %x", path, l.keys, keys)
		}
	}
	return nil
}

// table of workers, for the parsers.
func workers(t testing.TB, ext string) *table {
	t.Helper()
	c := &Config{Path: "x." + ext, Format: "auto", Delimiter: ","}
	table, err := newTable("worker", c)
	if err != nil {
		t.Fatal(err)
	}
	return table
}

// all reads rows until the end, or to what is wrong.
func all(r reader) (rows []row, err error) {
	for {
		one, err := r.next()
		if errors.Is(err, io.EOF) {
			return rows, nil
		}
		if err != nil {
			return rows, err
		}
		rows = append(rows, row{key: slices.Clone(one.key), revision: one.revision, at: one.at, line: slices.Clone(one.line)})
	}
}

// What is read as CSV, encoding/csv reads the same way.
func FuzzCSV(f *testing.F) {
	f.Add("acme,five9,1,7,false,,,Ann,,,true\n")
	f.Add("acme,\"five\"\"9\",\"1\n2\",7,false,,,\"Ann, B\",,,true\nacme,five9,2,7,false,,,Ann,,,true\n")
	f.Add("acme,\"five9,1\n")
	table := workers(f, "csv")
	f.Fuzz(func(t *testing.T, text string) {
		format := table.format.(*csvFormat)
		r := &csvReader{format: format, lines: lines{in: bufio.NewReaderSize(strings.NewReader(text), 16), full: 1}}
		rows, err := all(r)
		if err != nil || strings.ContainsAny(text, "\r") {
			return // encoding/csv makes \n of \r\n
		}
		theirs := csv.NewReader(strings.NewReader(text))
		theirs.FieldsPerRecord = -1
		records, err := theirs.ReadAll()
		if err != nil {
			if errors.Is(err, csv.ErrBareQuote) {
				return // a quote in the middle of a value is a character to us
			}
			t.Fatalf("%q: %d rows, and %v", text, len(rows), err)
		}
		if len(records) != len(rows) {
			t.Fatalf("%q: %d rows, not %d", text, len(rows), len(records))
		}
		for n, record := range records {
			want := record[0] + "\x00" + record[1] + "\x00" + record[2] + "\x00"
			if revision, err := strconv.ParseInt(record[3], 10, 64); err != nil || string(rows[n].key) != want || rows[n].revision != revision {
				t.Fatalf("%q: %q@%d, not %q", text, rows[n].key, rows[n].revision, record)
			}
		}
	})
}

// What is read as JSON Lines, and is JSON, encoding/json reads the same way.
func FuzzJSONL(f *testing.F) {
	table := workers(f, "jsonl")
	for _, i := range []delivery.Item{worker("1", "Ann", 3), worker("\"\\\n\x01é", "{[,]}", 3)} {
		r, _, err := table.row(&i, nil)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(string(r.line))
	}
	f.Fuzz(func(t *testing.T, text string) {
		r := &jsonlReader{format: table.format.(*jsonl), lines: lines{in: bufio.NewReaderSize(strings.NewReader(text), 16), full: 1}}
		rows, err := all(r)
		if err != nil {
			return
		}
		for n, line := range bytes.SplitAfter([]byte(text), []byte("\n")) {
			if len(line) == 0 {
				continue
			}
			var w struct {
				Tenant, Source string
				ID             string `json:"worker_id"`
				Revision       int64
			}
			var names map[string]json.RawMessage
			if json.Unmarshal(line, &w) != nil || json.Unmarshal(line, &names) != nil || len(names) != len(table.Names) {
				continue // it looks at no more than it needs
			}
			if want := w.Tenant + "\x00" + w.Source + "\x00" + w.ID + "\x00"; string(rows[n].key) != want || rows[n].revision != w.Revision {
				t.Fatalf("%q: %q@%d, not %q@%d", line, rows[n].key, rows[n].revision, want, w.Revision)
			}
		}
	})
}

// What is written is read as it was, in each format.
func FuzzRoundTrip(f *testing.F) {
	f.Add("a", "b", int64(1))
	f.Add("\"\r\n,", "\x00\xff", int64(-1))
	f.Fuzz(func(t *testing.T, id, name string, revision int64) {
		if revision == schemas.Null {
			return
		}
		for _, ext := range []string{"csv", "jsonl", "parquet"} {
			dir := t.TempDir()
			d := opened(t, dir+"/{kind}/{day}."+ext)
			i := worker(id, name, revision)
			send(t, d, i)
			err := d.(delivery.Verifier).Verify(t.Context(), []delivery.Item{i}, func(_ delivery.Item, how string) {
				if how != "" {
					t.Errorf("%q %q: %s", id, name, how)
				}
			})
			if err != nil {
				t.Error(err)
			}
		}
	})
}
