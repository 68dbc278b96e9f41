package broker

import (
	"bytes"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// clone copies a record out of a batch's memory.
func clone(r Record) Record {
	out := Record{Key: bytes.Clone(r.Key), Value: bytes.Clone(r.Value), Time: r.Time, Offset: r.Offset}
	for _, h := range r.Headers {
		out.Headers = append(out.Headers, Header{Key: h.Key, Value: bytes.Clone(h.Value)})
	}
	return out
}

// compare sets records read against those sent: the same, with the offsets from 0 on.
func compare(t *testing.T, got, sent []Record) {
	t.Helper()
	want := make([]Record, len(sent))
	for i, r := range sent {
		want[i] = clone(r)
		want[i].Offset = int64(i)
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Fatalf("records differ (-sent +got):\n%s", d)
	}
}
