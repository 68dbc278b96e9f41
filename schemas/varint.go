package schemas

import (
	"encoding/binary"
	"math/bits"
)

// uvarint reads a variable-length number at pos and gives the position after it, or -1 where the bytes end too early or
// the number has more than 64 bits. The wide path reads eight bytes at once and packs their seven-bit groups together
// without a branch per byte: instants take six bytes, and a loop over them costs twice the time.
func uvarint(buf []byte, pos int) (uint64, int) {
	if len(buf)-pos >= 8 {
		x := binary.LittleEndian.Uint64(buf[pos:])
		if stop := ^x & 0x8080808080808080; stop != 0 {
			u, n := pack(x, stop)
			return u, pos + n
		}
	}
	return uvarintSlow(buf, pos)
}

// pack puts the seven-bit groups of a number together: x is the eight bytes at its start, stop has the top bit of each byte
// that could be its last.
func pack(x, stop uint64) (u uint64, length int) {
	x &= (stop&-stop)<<1 - 1 // up to and with the last byte
	x &= 0x7f7f7f7f7f7f7f7f
	x = x&0x007f007f007f007f | x&0x7f007f007f007f00>>1
	x = x&0x00003fff00003fff | x&0x3fff00003fff0000>>2
	x = x&0x000000000fffffff | x&0x0fffffff00000000>>4
	return x, bits.TrailingZeros64(stop)>>3 + 1
}

//go:noinline
func uvarintSlow(buf []byte, pos int) (uint64, int) {
	var x uint64
	for shift := uint(0); shift < 70; shift += 7 {
		if uint(pos) >= uint(len(buf)) {
			return 0, -1
		}
		b := buf[pos]
		pos++
		if shift == 63 && b > 1 {
			return 0, -1
		}
		x |= uint64(b&0x7f) << shift
		if b < 0x80 {
			return x, pos
		}
	}
	return 0, -1
}

// zigzag undoes Avro's mapping of signed numbers to unsigned ones.
func zigzag(u uint64) int64 { return int64(u>>1) ^ -int64(u&1) }

// appendLong adds a number as Avro writes int and long.
func appendLong(dst []byte, v int64) []byte {
	u := uint64(v<<1) ^ uint64(v>>63)
	for u >= 0x80 {
		dst = append(dst, byte(u)|0x80)
		u >>= 7
	}
	return append(dst, byte(u))
}
