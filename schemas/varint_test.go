package schemas

import (
	"encoding/binary"
	"testing"

	"pgregory.net/rapid"
)

// TestUvarint compares with the standard library for numbers of every length, at the end of the bytes and before others.
func TestUvarint(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want := rapid.Uint64().Draw(t, "number") >> rapid.IntRange(0, 63).Draw(t, "shift")
		head := rapid.SliceOfN(rapid.Byte(), 0, 3).Draw(t, "before")
		tail := rapid.SliceOfN(rapid.Byte(), 0, 12).Draw(t, "after")
		buf := append(binary.AppendUvarint(head, want), tail...)
		if got, pos := uvarint(buf, len(head)); got != want || pos != len(buf)-len(tail) {
			t.Fatalf("% x: got %d up to %d, want %d", buf, got, pos, want)
		}
	})
}

// TestUvarintAnything: any bytes at all give what the standard library makes of them.
func TestUvarintAnything(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		buf := rapid.SliceOfN(rapid.OneOf(rapid.Byte(), rapid.ByteRange(0x80, 0xff)), 0, 14).Draw(t, "bytes")
		want, n := binary.Uvarint(buf)
		if n <= 0 {
			want, n = 0, -1
		}
		if got, pos := uvarint(buf, 0); got != want || pos != n {
			t.Fatalf("% x: got %d, %d; want %d, %d", buf, got, pos, want, n)
		}
	})
}

func TestZigzag(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want := longs.Draw(t, "number")
		u, n := binary.Uvarint(appendLong(nil, want))
		if got := zigzag(u); got != want || n != len(appendLong(nil, want)) {
			t.Fatalf("got %d, want %d", got, want)
		}
	})
}
