package transform

import (
	"fmt"
	"io"
	"slices"

	"github.com/quarterhour/quarterhour/schemas"
)

// snapshotReaders read the sections behind the preamble, by version.
var snapshotReaders = map[uint16]func(*restoring) error{
	snapshotVersion: (*restoring).version1,
}

// Restore makes a shard of a snapshot: the shard that it was taken of, as it was then. next is the offset of the log to go on from.
// The errors are ErrSnapshotDamaged, ErrSnapshotVersion, ErrSnapshotOther, and those of the reader.
func Restore(name string, o Options, r io.Reader) (s *Shard, next int64, err error) {
	if s, err = NewShard(name, o); err != nil {
		return nil, 0, err
	}
	in := &restoring{shard: s, opening: opening{r: r}}
	version, err := in.version()
	if err != nil {
		return nil, 0, err
	}
	read, ok := snapshotReaders[version]
	if !ok {
		return nil, 0, fmt.Errorf("%w: version %d", ErrSnapshotVersion, version)
	}
	if err := read(in); err != nil {
		return nil, 0, err
	}
	return s, s.next, nil
}

// restoring is a snapshot being read.
type restoring struct {
	shard *Shard
	opening
	pairs []uint32 // by number in the snapshot
	facts uint64
	last  int64
}

// version1 reads the first version; see Shard.header, saving and the two folds' save functions for what is where.
func (r *restoring) version1() error {
	kind, payload, err := r.next()
	if err != nil {
		return err
	}
	if kind != sectionHeader {
		return damaged("its first section is %q", kind)
	}
	if err := r.header1(&fields{b: payload}); err != nil {
		return err
	}
	for {
		kind, payload, err := r.next()
		if err != nil {
			return err
		}
		in := &fields{b: payload}
		switch kind {
		case sectionNames:
			r.names1(in)
		case sectionFacts:
			err = r.facts1(in)
		case sectionEnd:
			if facts, names := in.u64(), in.u64(); facts != r.facts || names != uint64(len(r.pairs)) {
				return damaged("it has %d facts and %d names, not %d and %d", r.facts, len(r.pairs), facts, names)
			}
			r.finish()
			return nil
		default:
			err = damaged("a section is %q", kind)
		}
		if err != nil {
			return err
		}
		if in.short {
			return damaged("a section %q has a field that cannot be", kind)
		}
	}
}

func (r *restoring) header1(in *fields) error {
	s := r.shard
	print, err := s.set.fingerprint()
	if err != nil {
		return err
	}
	if name := in.text(); !in.short && name != s.name {
		return fmt.Errorf("%w: of shard %q", ErrSnapshotOther, name)
	}
	if in.u64() != print && !in.short {
		return fmt.Errorf("%w: the settings differ", ErrSnapshotOther)
	}
	c := &s.counts
	for _, v := range []*int64{
		&s.next, &s.arrived, &s.horizon, &s.swept,
		&c.Read, &c.Applied, &c.Duplicate, &c.Superseded, &c.TooLate, &c.Rejected, &c.Marks, &c.MarksBackwards, &c.Skewed,
	} {
		*v = in.i64()
	}
	for range in.number(maxWords + 1) {
		name := in.text()
		if slices.ContainsFunc(s.sources.all, func(o source) bool { return o.name == name }) {
			return damaged("a source is there twice")
		}
		n, _ := s.sources.add(name)
		mark := in.i64()
		if mark > gridTo.UnixMilli() {
			return damaged("a mark is beyond %d", gridTo.Year())
		}
		s.sources.all[n].mark, s.sources.all[n].told = mark, mark
	}
	if least := s.sources.least(); least != schemas.Null && (least < earliest || s.horizon < s.set.grid.Start(least-s.set.retention)) {
		return damaged("its horizon does not follow from its marks")
	}
	if s.contacts != nil {
		s.contacts.horizon = s.horizon
		r.words1(in, &s.contacts.channels)
	} else {
		s.agents.horizon = s.horizon
		r.words1(in, &s.agents.words)
	}
	r.streams(in)
	if in.short || !in.done() {
		return damaged("its header has a field that cannot be")
	}
	return nil
}

func (r *restoring) words1(in *fields, w *words) {
	for i := range in.number(maxWords + 1) {
		if n, ok := w.number(in.text()); !ok || int(n) != i {
			in.short = true
			return
		}
	}
}

func (r *restoring) streams(in *fields) {
	n := in.number(maxWords + 1)
	f := r.shard.contacts
	if f == nil {
		in.short = in.short || n != 0
		return
	}
	for range n {
		f.streams = append(f.streams, stream{uint16(in.number(len(r.shard.sources.all))), uint16(in.number(len(f.channels.texts)))})
	}
}

func (r *restoring) names1(in *fields) {
	names := r.names()
	for !in.done() {
		id := in.text()
		r.pairs = append(r.pairs, names.use(id, in.text()))
	}
}

func (r *restoring) names() *names {
	if r.shard.contacts != nil {
		return r.shard.contacts.names
	}
	return r.shard.agents.names
}

// facts1 reads a section of facts.
func (r *restoring) facts1(in *fields) error {
	fact := r.state1
	if r.shard.contacts != nil {
		fact = r.contact1
	}
	for r.last = 0; !in.done(); r.facts++ {
		if err := fact(in); err != nil {
			return err
		}
	}
	return nil
}

// pair is a pair of names, in use once more.
func (r *restoring) pair(in *fields) uint32 {
	n := in.number(len(r.pairs))
	if in.short {
		return 0
	}
	r.names().retain(r.pairs[n])
	return r.pairs[n]
}

// finish is for what only holds once everything is there.
func (r *restoring) finish() {
	for _, pair := range r.pairs {
		r.names().release(pair) // the snapshot's own use
	}
	if r.shard.agents != nil {
		r.shard.agents.arrange()
	}
	r.shard.settle()
}
