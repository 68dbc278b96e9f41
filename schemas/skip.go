package schemas

import "github.com/quarterhour/quarterhour/schemas/internal/avsc"

// maxNesting bounds how deep a value of a recursive type may go, so that a corrupt payload cannot exhaust the stack.
const maxNesting = 1000

// shape is how to step over a value that the reader has no field for. Recursive types make it a cyclic graph.
type shape struct {
	kind  shapeKind
	size  int      // bytes of a fixed
	parts []*shape // fields of a record, branches of a union, the item of an array or map
	empty bool     // takes no bytes at all: null, or records of nothing but such
	full  bool     // step over every item, even where the writer gave a block's size: to check, rather than to skip
}

type shapeKind uint8

const (
	shapeFixed shapeKind = iota
	shapeNumber
	shapeBytes
	shapeRecord
	shapeUnion
	shapeArray
	shapeMap
)

// shapes makes the shapes of types and remembers them, which ends the recursion of recursive types.
type shapes struct {
	known map[*avsc.Type]*shape
	full  bool // what the shapes' full is to be
}

func (k shapes) of(t *avsc.Type) *shape {
	if s := k.known[t]; s != nil {
		return s
	}
	s := &shape{full: k.full}
	k.known[t] = s
	switch t.Kind {
	case avsc.Null:
	case avsc.Boolean:
		s.size = 1
	case avsc.Float:
		s.size = 4
	case avsc.Double:
		s.size = 8
	case avsc.Fixed:
		s.size = t.Size
	case avsc.Int, avsc.Long, avsc.Enum:
		s.kind = shapeNumber
	case avsc.Bytes, avsc.String:
		s.kind = shapeBytes
	case avsc.Record:
		s.kind = shapeRecord
		for _, f := range t.Fields {
			s.parts = append(s.parts, k.of(f.Type))
		}
	case avsc.Union:
		s.kind = shapeUnion
		for _, b := range t.Branches {
			s.parts = append(s.parts, k.of(b))
		}
	case avsc.Array, avsc.Map:
		s.kind = shapeArray
		if t.Kind == avsc.Map {
			s.kind = shapeMap
		}
		s.parts = []*shape{k.of(t.Items)}
	}
	s.empty = s.takesNothing()
	return s
}

// takesNothing: a part that is still being built counts as taking bytes, which is right for every type that has values.
func (s *shape) takesNothing() bool {
	switch s.kind {
	case shapeFixed:
		return s.size == 0
	case shapeRecord:
		for _, p := range s.parts {
			if !p.empty {
				return false
			}
		}
		return true
	}
	return false
}

// skip gives the position after the value at pos, or -1 where the bytes do not make one.
func (s *shape) skip(buf []byte, pos, depth int) int {
	if depth > maxNesting {
		return -1
	}
	switch s.kind {
	case shapeFixed:
		return forward(buf, pos, int64(s.size))
	case shapeNumber:
		_, pos = uvarint(buf, pos)
		return pos
	case shapeBytes:
		u, pos := uvarint(buf, pos)
		if pos < 0 {
			return -1
		}
		return forward(buf, pos, zigzag(u))
	case shapeRecord:
		for _, p := range s.parts {
			if pos = p.skip(buf, pos, depth+1); pos < 0 {
				return -1
			}
		}
		return pos
	case shapeUnion:
		u, pos := uvarint(buf, pos)
		if n := zigzag(u); pos >= 0 && uint64(n) < uint64(len(s.parts)) {
			return s.parts[n].skip(buf, pos, depth+1)
		}
		return -1
	}
	return s.skipBlocks(buf, pos, depth)
}

// skipBlocks steps over an array or a map, whole blocks at once where the writer gave their size.
func (s *shape) skipBlocks(buf []byte, pos, depth int) int {
	for {
		u, next := uvarint(buf, pos)
		count := zigzag(u)
		if next < 0 || count == 0 {
			return next
		}
		if pos = next; count < 0 {
			u, next := uvarint(buf, pos)
			end := -1
			if next >= 0 {
				end = forward(buf, next, zigzag(u))
			}
			if !s.full || end < 0 {
				pos, count = end, 0
			} else if pos, count = next, -count; count < 0 {
				return -1
			}
		}
		if pos >= 0 && count > 0 {
			pos = s.skipItems(buf, pos, count, depth)
		}
		if pos < 0 {
			return -1
		}
	}
}

func (s *shape) skipItems(buf []byte, pos int, count int64, depth int) int {
	if s.kind == shapeArray && s.parts[0].empty {
		// Any number of nothing is nothing: a count of 2^62 must become neither a loop nor, after a check, a slice.
		if s.full && count > int64(len(buf)) {
			return -1
		}
		return pos
	}
	for ; count > 0 && pos >= 0; count-- {
		if s.kind == shapeMap {
			if _, pos = readText(buf, pos); pos < 0 {
				return -1
			}
		}
		pos = s.parts[0].skip(buf, pos, depth+1)
	}
	return pos
}

// forward gives pos + n, or -1 where fewer than n bytes are left.
func forward(buf []byte, pos int, n int64) int {
	if uint64(n) > uint64(len(buf)-pos) {
		return -1
	}
	return pos + int(n)
}
