package flow

import (
	"bytes"
	"context"
	"errors"
	"io"
	"runtime"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/quarterhour/quarterhour/ingest"
)

// reading is a read that keeps answers; kept are the parts, of which sink sees the payload.
func reading(sink func(ingest.Raw) error) *Read {
	n := &run{keepRaw: time.Hour}
	n.deps.Raw = func(_ context.Context, r ingest.Raw) error { return sink(r) }
	return &Read{From: time.Unix(1, 0), worker: &worker{run: n, flow: &Flow{Name: "calls"}}}
}

// The parts of an answer are the answer, in order, however it is read, and one says that it is the last.
func TestKeep(t *testing.T) {
	f := func(size int, through func(io.Reader) io.Reader) {
		t.Helper()
		answer := []byte(strings.Repeat("0123456789abcde\n", size/16+1)[:size])
		var kept []byte
		parts, last, name := 0, 0, ""
		r := reading(func(p ingest.Raw) error {
			parts++
			if p.Part != parts || last > 0 || len(p.Payload) > rawBlock || p.Stream != "calls" || p.Keep != time.Hour || p.ContentType != "text/csv" || !p.From.Equal(time.Unix(1, 0)) {
				t.Errorf("part %d: %+v", parts, p)
			}
			if name = p.Answer; p.Last {
				last++
			}
			kept = append(kept, p.Payload...)
			return nil
		})
		k := r.Keep(t.Context(), "text/csv")
		if _, err := io.Copy(io.Discard, k.Reader(through(bytes.NewReader(answer)))); err != nil {
			t.Error(err)
		}
		if err := k.End(nil); err != nil || !bytes.Equal(kept, answer) || last != 1 || parts != max(1, (size+rawBlock-1)/rawBlock) || name == "" {
			t.Errorf("%d of %d bytes in %d parts, %d of them the last (%v)", len(kept), size, parts, last, err)
		}
	}
	whole := func(r io.Reader) io.Reader { return r }
	for _, size := range []int{0, 1, rawBlock - 1, rawBlock, rawBlock + 1, 5*rawBlock + 17} {
		f(size, whole)
		f(size, iotest.HalfReader)
	}
	f(3*rawBlock, func(r io.Reader) io.Reader { return struct{ io.Reader }{r} })
}

// What was read of an answer that breaks off is kept, without an end; what cannot be kept ends the reading.
func TestKeepOfWhatFails(t *testing.T) {
	var parts []ingest.Raw
	var fails error
	r := reading(func(p ingest.Raw) error {
		parts = append(parts, p)
		return fails
	})
	k := r.Keep(t.Context(), "text/csv")
	_, err := io.Copy(io.Discard, k.Reader(io.MultiReader(strings.NewReader("half"), iotest.ErrReader(io.ErrUnexpectedEOF))))
	if err = k.End(err); !errors.Is(err, io.ErrUnexpectedEOF) || len(parts) != 1 || parts[0].Last {
		t.Errorf("%v: %+v", err, parts)
	}
	k = r.Keep(t.Context(), "text/csv")
	if err := k.End(io.ErrUnexpectedEOF); !errors.Is(err, io.ErrUnexpectedEOF) || len(parts) != 1 {
		t.Errorf("%v: %+v", err, parts) // there is nothing to keep
	}
	fails = errors.New("the log is away")
	k = r.Keep(t.Context(), "text/csv")
	if _, err := io.Copy(io.Discard, k.Reader(strings.NewReader(strings.Repeat("x", 3*rawBlock)))); !errors.Is(err, fails) || len(parts) != 2 {
		t.Errorf("%v after %d parts", err, len(parts))
	}
	if err := k.End(nil); !errors.Is(err, fails) || len(parts) != 2 {
		t.Errorf("%v after %d parts", err, len(parts))
	}
	if err := r.Raw(t.Context(), "text/csv", []byte("x")); !errors.Is(err, fails) {
		t.Error(err)
	}
}

// Where no option asks for it nothing is kept, and nothing else changes.
func TestKeepNothing(t *testing.T) {
	r := reading(func(ingest.Raw) error { return errors.New("kept") })
	r.worker.run.keepRaw = 0
	k := r.Keep(t.Context(), "text/csv")
	from := strings.NewReader("x")
	if k != nil || k.Reader(from) != io.Reader(from) || !errors.Is(k.End(io.EOF), io.EOF) || k.End(nil) != nil || r.Raw(t.Context(), "", []byte("x")) != nil {
		t.Error("something is kept")
	}
	if n, err := k.Write([]byte("abc")); n != 3 || err != nil {
		t.Error(n, err)
	}
}

// An answer of 64 MB takes a block.
func TestKeepTakesABlock(t *testing.T) {
	kept := 0
	r := reading(func(p ingest.Raw) error { kept += len(p.Payload); return nil })
	line := []byte(strings.Repeat("2026-03-02,17:03:10,Dana Ortiz,Sales,", 8) + "\n")
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	k := r.Keep(t.Context(), "text/csv")
	for n := 0; n < 64<<20; n += len(line) {
		if _, err := k.Write(line); err != nil {
			t.Fatal(err)
		}
	}
	if err := k.End(nil); err != nil {
		t.Fatal(err)
	}
	runtime.ReadMemStats(&after)
	if took := after.TotalAlloc - before.TotalAlloc; kept < 64<<20 || took > 8*rawBlock {
		t.Errorf("%d bytes for %d", took, kept)
	}
}
