package schemas

import (
	"math"
	"unsafe"
)

// setDecimal stores an unscaled big-endian number: as a double, or as a long rounded half to even. False where its digits
// do not fit 64 bits.
func setDecimal(at unsafe.Pointer, b []byte, o *op) bool {
	v, ok := unscaled(b)
	if !ok {
		return false
	}
	scale := int(o.arg >> 1)
	if o.arg&1 == 1 {
		*(*float64)(at) = float64(v) / math.Pow10(scale)
		return true
	}
	*(*int64)(at) = divideHalfEven(v, scale)
	return true
}

// unscaled reads a two's complement number of any length whose value fits 64 bits.
func unscaled(b []byte) (int64, bool) {
	if len(b) == 0 {
		return 0, true
	}
	sign := int64(int8(b[0]) >> 7) // 0 or -1
	for len(b) > 8 {
		if b[0] != byte(sign) || int8(b[1])>>7 != int8(sign) {
			return 0, false
		}
		b = b[1:]
	}
	v := sign
	for _, c := range b {
		v = v<<8 | int64(c)
	}
	return v, true
}

// divideHalfEven divides by 10^scale.
func divideHalfEven(v int64, scale int) int64 {
	if scale > 18 {
		return 0 // 10^19 is more than twice any long
	}
	d := int64(1)
	for range scale {
		d *= 10
	}
	q, r := v/d, v%d
	if r < 0 {
		r = -r
	}
	if half := d - r; r > half || r == half && q&1 == 1 || r == half && q&1 == -1 {
		if v < 0 {
			return q - 1
		}
		return q + 1
	}
	return q
}
