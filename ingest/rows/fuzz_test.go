package rows

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"github.com/quarterhour/quarterhour/internal/expression"
)

func newDelimited(r io.Reader) *Delimited {
	return NewDelimited(NewWindow(r), ',', true, nil)
}

// readAll gives the rows, however the stream is cut into reads; bad says whether a row was no good.
func readAll(t *testing.T, d *Delimited) (rows [][]string, bad bool) {
	for {
		err := d.advance()
		var row *Error
		switch {
		case errors.Is(err, io.EOF):
			if d.Offset() < int64(d.end) && d.base == 0 && d.start != d.end {
				t.Fatal("input is left over")
			}
			return rows, bad
		case errors.As(err, &row):
			bad = true
			continue
		case err != nil:
			t.Fatal(err)
		}
		var cells []string
		for _, c := range d.cells {
			cells = append(cells, string(d.cell(c)))
		}
		rows = append(rows, cells)
	}
}

// What encoding/csv reads without complaint is read the same here, also byte by byte.
func FuzzDelimited(f *testing.F) {
	for _, s := range []string{"a,b\n1,2\n", "\"a\nb\",\"\"\"\"\r\n\r\nx", "\"", "a\"b,\"c\"d\n", ",\n,,\n", "\"a\"\r", "\xff,\"\n\"\"\""} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		rows, bad := readAll(t, newDelimited(strings.NewReader(s)))
		again, _ := readAll(t, newDelimited(iotest.OneByteReader(strings.NewReader(s))))
		if diff := cmp.Diff(rows, again); diff != "" {
			t.Fatalf("%q read byte by byte: %s", s, diff)
		}
		if !utf8.ValidString(s) || strings.Contains(strings.ReplaceAll(s, "\r\n", ""), "\r") || strings.Contains(s, "\"\r\n") || strings.Contains(s, "\r\n\"") {
			return // encoding/csv takes other bytes for text, and changes line breaks inside quotes
		}
		r := csv.NewReader(strings.NewReader(s))
		r.FieldsPerRecord = -1
		want, err := r.ReadAll()
		if err != nil || strings.Contains(s, "\r") {
			return
		}
		if diff := cmp.Diff(want, rows); diff != "" || bad {
			t.Fatalf("%q (bad %v): %s", s, bad, diff)
		}
	})
}

// The scanner takes exactly the objects that encoding/json takes, and finds the same values.
func FuzzScanner(f *testing.F) {
	for _, s := range []string{
		`{"a":1,"b":{"c":"x\ud83d\ude00\n"}}`, `{"a":-0.5e+3,"a":[1,{"b":null}]}`, `{"b":{"c":""},"b":1} `, `{"a":tru}`, `{"a":"\u12"}`, `{"a":1,}`, "{\"a\":\"\x01\"}",
		`{"A":1}`, `{"a":1e999}`, `{"\u0061":1}`,
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		l := NewLines(NewWindow(strings.NewReader("")), [][]string{{"a"}, {"b", "c"}}, nil)
		values := make([]expression.Value, 2)
		err := l.scanner.Object([]byte(s), values)
		var want map[string]any
		d := json.NewDecoder(strings.NewReader(s))
		d.UseNumber()
		wantErr := d.Decode(&want)
		if wantErr == nil && bytes.HasPrefix(bytes.TrimSpace([]byte(s)), []byte("null")) || !utf8.ValidString(s) || strings.Count(s, "[")+strings.Count(s, "{") > maxDepth {
			return
		}
		if wantErr == nil && strings.TrimSpace(s[d.InputOffset():]) != "" {
			wantErr = errObject
		}
		if err != nil && strings.Contains(err.Error(), "too large") {
			return // encoding/json keeps it as text
		}
		if (err == nil) != (wantErr == nil) {
			t.Fatalf("%q: %v, encoding/json says %v", s, err, wantErr)
		}
		if text, ok := want["a"].(string); err == nil && ok && values[0].String() != text {
			t.Fatalf("%q: a is %q, want %q", s, values[0], text)
		}
	})
}
