package schemas

import (
	"cmp"
	"math"
	"slices"
	"unsafe"
)

// readMap decodes an Avro map of longs into a slice sorted by name, in the capacity that dst brings. A name that comes
// twice keeps its last value.
func (p *program) readMap(o *op, buf []byte, pos int, dst *[]NamedValue) (int, error) {
	out := (*dst)[:0]
	value := p.subs[o.arg]
	sorted := true
	for {
		start := pos
		count, next := blockHeader(buf, pos)
		if next < 0 {
			return 0, p.badNumber(o, buf, start)
		}
		pos = next
		if count == 0 {
			break
		}
		for ; count > 0; count-- {
			name, next := readText(buf, pos)
			if next < 0 {
				return 0, p.fail(o, pos, "the name of entry %d has no length that fits the %d bytes left", len(out)+1, len(buf)-pos)
			}
			// An entry takes at least one byte, so that out cannot outgrow the payload whatever the block's count claims.
			out = append(out, NamedValue{Name: name})
			e := &out[len(out)-1]
			var err error
			if pos, err = value.run(buf, next, unsafe.Pointer(&e.Value)); err != nil {
				return 0, err
			}
			sorted = sorted && (len(out) == 1 || out[len(out)-2].Name < name)
		}
	}
	if !sorted {
		out = sortLastWins(out)
	}
	*dst = out
	return pos, nil
}

// blockHeader reads the count of a block of array items or map entries, 0 at the end. A negative count is followed by the
// block's size in bytes, which a reader that wants the items does not need.
func blockHeader(buf []byte, pos int) (count int64, next int) {
	u, pos := uvarint(buf, pos)
	if pos < 0 {
		return 0, -1
	}
	if count = zigzag(u); count >= 0 {
		return count, pos
	}
	if count == math.MinInt64 {
		return 0, -1
	}
	if u, pos = uvarint(buf, pos); pos < 0 || zigzag(u) < 0 || zigzag(u) > int64(len(buf)-pos) {
		return 0, -1
	}
	return -count, pos
}

// readText reads a string that aliases buf; next is -1 where it does not fit.
func readText(buf []byte, pos int) (text string, next int) {
	u, pos := uvarint(buf, pos)
	if pos < 0 {
		return "", -1
	}
	n := zigzag(u)
	if uint64(n) > uint64(len(buf)-pos) {
		return "", -1
	}
	return unsafe.String(unsafe.SliceData(buf[pos:]), int(n)), pos + int(n)
}

func sortLastWins(list []NamedValue) []NamedValue {
	slices.SortStableFunc(list, func(a, b NamedValue) int { return cmp.Compare(a.Name, b.Name) })
	kept := list[:0]
	for i, e := range list {
		if i+1 < len(list) && list[i+1].Name == e.Name {
			continue
		}
		kept = append(kept, e)
	}
	return kept
}
