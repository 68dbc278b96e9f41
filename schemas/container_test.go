package schemas

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/klauspost/compress/zstd"
	"github.com/linkedin/goavro/v2"
)

const rowSchema = `{"type":"record","name":"row","fields":[{"name":"n","type":"long"},{"name":"text","type":["null","string"]}]}`

// containerFile writes rows 1 to n, in blocks of up to 10, with goavro.
func containerFile(t testing.TB, compression string, n int) []byte {
	t.Helper()
	var b bytes.Buffer
	w, err := goavro.NewOCFWriter(goavro.OCFConfig{W: &b, Schema: rowSchema, CompressionName: compression})
	if err != nil {
		t.Fatal(err)
	}
	for first := 1; first <= n; first += 10 {
		var rows []any
		for i := first; i < first+10 && i <= n; i++ {
			rows = append(rows, map[string]any{"n": i, "text": map[string]any{"string": strings.Repeat("x", i)}})
		}
		if err := w.Append(rows); err != nil {
			t.Fatal(err)
		}
	}
	return b.Bytes()
}

// readAll gives the numbers of the rows, and the errors, until reading ends.
func readAll(c *Container) (numbers []int64, faults []error) {
	for {
		row, err := c.Next()
		var e *RowError
		switch {
		case err == nil:
			numbers = append(numbers, row["n"].(int64))
		case errors.Is(err, io.EOF):
			return numbers, faults
		case errors.As(err, &e):
			faults = append(faults, err)
		default:
			return numbers, append(faults, err)
		}
	}
}

func open(t testing.TB, file []byte) *Container {
	t.Helper()
	c, err := OpenContainer(bytes.NewReader(file))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestContainer(t *testing.T) {
	for _, compression := range []string{"null", "deflate", "snappy"} {
		file := containerFile(t, compression, 25)
		c := open(t, file)
		if c.Schema() != rowSchema && !strings.Contains(c.Schema(), `"row"`) {
			t.Errorf("schema %q", c.Schema())
		}
		numbers, faults := readAll(c)
		if len(numbers) != 25 || numbers[24] != 25 || faults != nil || c.Row() != 25 {
			t.Errorf("%s: got %v, %v", compression, numbers, faults)
		}
		if _, err := c.Next(); !errors.Is(err, io.EOF) {
			t.Errorf("%s: after the end: %v", compression, err)
		}
	}
}

// recompressed is a container whose header and blocks were rewritten for another codec.
func recompressed(t testing.TB, name string, compress func([]byte) []byte) []byte {
	t.Helper()
	var rows []byte
	for n := int64(1); n <= 3; n++ {
		rows = append(appendLong(rows, n), 0)
	}
	out := append([]byte{}, magic...)
	out = appendLong(out, 2)
	for _, s := range []string{"avro.codec", name, "avro.schema", rowSchema} {
		out = append(appendLong(out, int64(len(s))), s...)
	}
	mark := []byte("0123456789abcdef")
	out = append(append(out, 0), mark...)
	block := compress(rows)
	out = appendLong(appendLong(out, 3), int64(len(block)))
	return append(append(out, block...), mark...)
}

func TestContainerCodecs(t *testing.T) {
	w, err := zstd.NewWriter(nil)
	if err != nil {
		t.Fatal(err)
	}
	numbers, faults := readAll(open(t, recompressed(t, "zstandard", func(b []byte) []byte { return w.EncodeAll(b, nil) })))
	if fmt.Sprint(numbers) != "[1 2 3]" || faults != nil {
		t.Error(numbers, faults)
	}
	same := func(b []byte) []byte { return b }
	if _, err := OpenContainer(bytes.NewReader(recompressed(t, "xz", same))); err == nil || !strings.Contains(err.Error(), `"xz", which is not supported`) {
		t.Error(err)
	}
	for _, name := range []string{"zstandard", "bzip2", "snappy", "deflate"} { // blocks that are not what the header says
		_, faults := readAll(open(t, recompressed(t, name, same)))
		if len(faults) != 1 || !strings.Contains(faults[0].Error(), "record 1, and with it the 2 after it") {
			t.Errorf("%s: %v", name, faults)
		}
	}
}

// TestContainerSkip: any number of rows can be passed, and what follows is as if they had been read.
func TestContainerSkip(t *testing.T) {
	file := containerFile(t, "deflate", 25)
	for n := range int64(26) {
		c := open(t, file)
		if err := c.Skip(n); err != nil || c.Row() != n {
			t.Fatal(n, c.Row(), err)
		}
		if numbers, faults := readAll(c); len(numbers) != int(25-n) || n < 25 && numbers[0] != n+1 || faults != nil {
			t.Fatal(n, numbers, faults)
		}
	}
	if err := open(t, file).Skip(26); !errors.Is(err, io.EOF) {
		t.Error(err)
	}
}

// TestContainerFaults: a bad row costs its block, a damaged structure ends the file; the error says where.
func TestContainerFaults(t *testing.T) {
	sound := containerFile(t, "null", 25)
	at := bytes.Index(sound, append([]byte{26, 2, 26}, "xxx"...)) // row 13, the third of the second block
	f := func(change func(file []byte) []byte, rows int, want string) {
		t.Helper()
		numbers, faults := readAll(open(t, change(bytes.Clone(sound))))
		if len(numbers) != rows || len(faults) != 1 || !strings.Contains(faults[0].Error(), want) {
			t.Errorf("got %d rows, %v; want %d, %s", len(numbers), faults, rows, want)
		}
	}
	f(func(b []byte) []byte { b[at+1] = 9; return b }, 17, "record 13, and with it the 7 after it in its block: ")
	f(func(b []byte) []byte { return b[:len(b)-1] }, 20, "after record 20: unexpected EOF")
	f(func(b []byte) []byte { b[len(b)-1]++; return b }, 20, "after record 20: the block's end marker")
	f(func(b []byte) []byte { return append(b, 1) }, 25, "after record 25: ")
	f(func(b []byte) []byte { return append(b, 1, 2) }, 25, "impossible")

	for _, header := range []string{"", "PAR1....", "Obj\x01", "Obj\x01\x02\x04", string(sound[:40])} {
		if _, err := OpenContainer(strings.NewReader(header)); err == nil {
			t.Errorf("%q: want an error", header)
		}
	}
}

func FuzzContainer(f *testing.F) {
	f.Add(containerFile(f, "null", 12))
	f.Add(containerFile(f, "deflate", 12))
	f.Fuzz(func(t *testing.T, file []byte) {
		c, err := OpenContainer(bytes.NewReader(file))
		if err != nil {
			return
		}
		for range 1000 {
			if _, err := c.Next(); errors.Is(err, io.EOF) {
				return
			}
		}
	})
}
