package file

import (
	"bytes"
	"cmp"
	"os"
	"slices"

	"github.com/parquet-go/parquet-go"
	pqformat "github.com/parquet-go/parquet-go/format"
)

// layout is what is known of a file from when it was written or read last: in which parts its rows stand. A write reads only the parts
// that a new row belongs into, and copies all others as they are, so that what it costs follows from what is new and not from what is
// there.
type layout struct {
	file  *os.File    // open, so that no other file is given its number meanwhile
	info  os.FileInfo // as it was then
	parts []part
	ids   uint32   // given to parts, of this file and of those that it came from
	keys  []uint64 // in order: 32 bits of a key's hash, and the id of its part; for kinds whose rows move
	used  int      // when, as known counts

	meta *footer       // parquet
	in   *parquet.File // parquet; nil: not opened yet
}

// footer is the end of a Parquet file.
type footer = pqformat.FileMetaData

// part is a run of rows that stand together in a file.
type part struct {
	id          uint32
	from, to    int64 // bytes
	first, last mark
	rows        int
	mixed       bool // its bytes cannot be copied
	number      int  // parquet: of the row group
	group       *pqformat.RowGroup
}

// mark is a place in the order of a file.
type mark struct {
	at  int64
	key []byte
}

func (m *mark) set(r *row) { m.at, m.key = r.at, append(m.key[:0], r.key...) }

// compare says whether the mark is before (-1) a row, at it or behind it.
func (m *mark) compare(r *row) int {
	return cmp.Or(cmp.Compare(m.at, r.at), bytes.Compare(m.key, r.key))
}

// step is one thing to do for the file that takes a file's place: to copy parts, or to write what comes of parts and rows anew.
type step struct {
	from, to   int // parts of the old file
	rows       []*row
	copied     bool
	total      int // rows, those of the parts included
	begin, end int // of rows
}

// steps says how rows, in order, come into a file whose parts have about so many rows each. Parts for which anew is true are read whatever the
// rows are. l is nil where there is no file.
func (l *layout) steps(rows []*row, anew map[int]bool, full int) []step {
	p := planner{small: full / 2, layout: l}
	if l != nil {
		for n := range l.parts {
			part := &l.parts[n]
			before := p.row + count(rows[p.row:], func(r *row) bool { return part.first.compare(r) > 0 })
			inside := before + count(rows[before:], func(r *row) bool { return part.last.compare(r) >= 0 })
			wanted := inside > before || anew[n] || part.mixed
			p.between(n, before, wanted)
			p.part(n, inside, wanted)
		}
	}
	p.between(p.parts(), len(rows), false)
	for n := range p.steps {
		s := &p.steps[n]
		s.rows = rows[s.begin:s.end]
	}
	return p.steps
}

// count is how many rows at the beginning are so.
func count(rows []*row, so func(*row) bool) int {
	n, _ := slices.BinarySearchFunc(rows, true, func(r *row, _ bool) int {
		if so(r) {
			return -1
		}
		return 1
	})
	return n
}

type planner struct {
	layout *layout
	small  int // rows of a part that is better joined with another
	steps  []step
	row    int // the first that is in no step yet
}

func (p *planner) parts() int {
	if p.layout == nil {
		return 0
	}
	return len(p.layout.parts)
}

// last is the step that is open, if it writes anew.
func (p *planner) last() *step {
	if n := len(p.steps); n > 0 && !p.steps[n-1].copied {
		return &p.steps[n-1]
	}
	return nil
}

// between takes the rows that lie before the part of number n and behind the one before it. Few of them are written together with a part.
func (p *planner) between(n, end int, nextAnew bool) {
	if end == p.row {
		return
	}
	if p.last() == nil {
		p.steps = append(p.steps, step{from: n, to: n, begin: p.row, end: p.row})
		if before := len(p.steps) - 2; before >= 0 && !nextAnew && (end-p.row < p.small || p.layout.parts[n-1].rows < p.small) {
			p.steps[before].to--
			s := &p.steps[before+1]
			s.from, s.total = n-1, p.layout.parts[n-1].rows
			if p.steps[before].from == p.steps[before].to {
				p.steps = slices.Delete(p.steps, before, before+1)
			}
		}
	}
	s := p.last()
	s.end, s.total = end, s.total+end-p.row
	p.row = end
}

// part takes a part, and the rows that lie within it.
func (p *planner) part(n, end int, anew bool) {
	s := p.last()
	if !anew && (s == nil || s.total >= p.small) {
		if last := len(p.steps) - 1; last >= 0 && p.steps[last].copied {
			p.steps[last].to++
			return
		}
		p.steps = append(p.steps, step{from: n, to: n + 1, copied: true})
		return
	}
	if s == nil {
		p.steps = append(p.steps, step{from: n, to: n, begin: p.row, end: p.row})
		s = p.last()
	}
	s.to, s.end, s.total = n+1, end, s.total+p.layout.parts[n].rows+end-p.row
	p.row = end
}
