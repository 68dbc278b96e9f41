package schemas

import (
	"encoding/binary"
	"math"
	"unsafe"
)

// run decodes buf from pos into the record at base and gives the position after it. It never reads outside buf, whatever the
// bytes: each length is compared with what is left before it is used.
//
// base must point to the record type the program was compiled for. That is what the type parameters of Decoder see to.
func (p *program) run(buf []byte, pos int, base unsafe.Pointer) (int, error) {
	ops := p.ops
	for i := 0; i < len(ops); i++ {
		o := &ops[i]
		at := unsafe.Add(base, o.off)
		var u uint64
		start := pos
		if o.code >= firstNumber {
			if uint(pos) < uint(len(buf)) && buf[pos] < 0x80 {
				u = uint64(buf[pos])
				pos++
			} else if u, pos = uvarint(buf, pos); pos < 0 {
				return 0, p.badNumber(o, buf, start)
			}
		}
		switch o.code {
		case opString:
			n := zigzag(u)
			if uint64(n) > uint64(len(buf)-pos) {
				return 0, p.badLength(o, start, n, len(buf)-pos)
			}
			*(*string)(at) = unsafe.String(unsafe.SliceData(buf[pos:]), int(n))
			pos += int(n)
		case opLong:
			*(*int64)(at) = zigzag(u)
		case opNullableLong:
			if int64(u) == o.k<<1 {
				*(*int64)(at) = Null
				continue
			}
			if u != uint64(2-o.k<<1) {
				return 0, p.badBranch(o, start, zigzag(u), 2)
			}
			if uint(pos) < uint(len(buf)) && len(buf)-pos >= 8 {
				x := binary.LittleEndian.Uint64(buf[pos:])
				if stop := ^x & 0x8080808080808080; stop != 0 {
					var n int
					u, n = pack(x, stop)
					pos += n
					*(*int64)(at) = zigzag(u)
					continue
				}
			}
			if u, pos = uvarint(buf, pos); pos < 0 {
				return 0, p.badNumber(o, buf, start+1)
			}
			*(*int64)(at) = zigzag(u)
		case opBool:
			if uint(pos) >= uint(len(buf)) || buf[pos] > 1 {
				return 0, p.badBool(o, buf, pos)
			}
			*(*bool)(at) = buf[pos] == 1
			pos++
		case opEnum:
			table := p.tables[o.arg]
			n := zigzag(u)
			if uint64(n) >= uint64(len(table)) || table[n] < 0 {
				return 0, p.badSymbol(o, start, n, len(table))
			}
			*(*uint8)(at) = uint8(table[n])
		case opInt:
			n := zigzag(u)
			if int64(int32(n)) != n {
				return 0, p.fail(o, start, "%d does not fit an int", n)
			}
			*(*int32)(at) = int32(n)
		case opUnion:
			n := zigzag(u)
			if uint64(n) >= uint64(o.k) {
				return 0, p.badBranch(o, start, n, o.k)
			}
			i = int(p.jumps[int(o.arg)+int(n)]) - 1
		case opJump:
			i = int(o.arg) - 1
		case opSkipNumber:
		case opBytes, opSkipBytes, opDecimal:
			n := zigzag(u)
			if uint64(n) > uint64(len(buf)-pos) {
				return 0, p.badLength(o, start, n, len(buf)-pos)
			}
			pos += int(n)
			if o.code == opBytes {
				*(*[]byte)(at) = buf[pos-int(n) : pos : pos]
			} else if o.code == opDecimal && !setDecimal(at, buf[pos-int(n):pos], o) {
				return 0, p.fail(o, start, "decimal of %d bytes does not fit the field", n)
			}
		case opSkipFixed, opDecimalFixed:
			if uint64(o.k) > uint64(len(buf)-pos) {
				return 0, p.badLength(o, start, o.k, len(buf)-pos)
			}
			pos += int(o.k)
			if o.code == opDecimalFixed && !setDecimal(at, buf[start:pos], o) {
				return 0, p.fail(o, start, "decimal of %d bytes does not fit the field", o.k)
			}
		case opMap, opSkip:
			var err error
			if o.code == opMap {
				pos, err = p.readMap(o, buf, pos, (*[]NamedValue)(at))
			} else if pos = p.shapes[o.arg].skip(buf, pos, 0); pos < 0 {
				err = p.fail(o, start, "cannot be skipped: its bytes do not match the writer's schema, or it is nested more than %d deep", maxNesting)
			}
			if err != nil {
				return 0, err
			}
		case opFloat, opDouble, opFloatToDouble:
			if pos = readFloat(o.code, buf, pos, at); pos < 0 {
				return 0, p.fail(o, start, "%d bytes are left, too few for a number", len(buf)-start)
			}
		case opLongDivide, opLongTimes, opLongToFloat, opLongToDouble:
			if !convert(o, zigzag(u), at) {
				return 0, p.fail(o, start, "%d is out of range", zigzag(u))
			}
		case opFail:
			return 0, p.fail(o, start, "%s", p.texts[o.arg])
		default:
			p.set(o, at)
		}
	}
	return pos, nil
}

// set writes the default of a field that the writer does not have.
func (p *program) set(o *op, at unsafe.Pointer) {
	switch o.code {
	case opSetLong:
		*(*int64)(at) = o.k
	case opSetInt:
		*(*int32)(at) = int32(o.k)
	case opSetBool:
		*(*bool)(at) = o.k != 0
	case opSetEnum:
		*(*uint8)(at) = uint8(o.k)
	case opSetFloat:
		*(*float32)(at) = math.Float32frombits(uint32(o.k))
	case opSetDouble:
		*(*float64)(at) = math.Float64frombits(uint64(o.k))
	case opSetString:
		*(*string)(at) = p.texts[o.arg]
	case opSetBytes:
		b := (*[]byte)(at)
		*b = nil
		if text := p.texts[o.arg]; text != "" {
			*b = []byte(text)
		}
	case opSetMap:
		s := (*[]NamedValue)(at)
		*s = (*s)[:0]
	}
}

// convert stores a number that the reader holds as another type or in another unit.
func convert(o *op, v int64, at unsafe.Pointer) bool {
	switch o.code {
	case opLongDivide:
		q := v / o.k
		if v%o.k < 0 {
			q-- // instants before 1970 round down too, as those after
		}
		*(*int64)(at) = q
	case opLongTimes:
		if v > math.MaxInt64/o.k || v < -math.MaxInt64/o.k {
			return false
		}
		*(*int64)(at) = v * o.k
	case opLongToFloat:
		*(*float32)(at) = float32(v)
	case opLongToDouble:
		*(*float64)(at) = float64(v)
	}
	return true
}

// readFloat gives the position after the number, or -1 where too few bytes are left.
func readFloat(code opcode, buf []byte, pos int, at unsafe.Pointer) int {
	n := 4
	if code == opDouble {
		n = 8
	}
	if len(buf)-pos < n {
		return -1
	}
	switch code {
	case opFloat:
		*(*float32)(at) = math.Float32frombits(binary.LittleEndian.Uint32(buf[pos:]))
	case opFloatToDouble:
		*(*float64)(at) = float64(math.Float32frombits(binary.LittleEndian.Uint32(buf[pos:])))
	case opDouble:
		*(*float64)(at) = math.Float64frombits(binary.LittleEndian.Uint64(buf[pos:]))
	}
	return pos + n
}
