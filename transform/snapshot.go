package transform

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

// snapshotVersion is the version that is written. A change of the format raises it, and leaves the reader of the version before in
// snapshotReaders, so that a program reads its own snapshots and those of the one it replaces. What a reader finds is explicit
// fields, never the memory of structs: those may change freely.
const snapshotVersion uint16 = 1

// Snapshot is a snapshot of a shard under way. It holds the shard as it was when the snapshot began, while the shard goes on: an entry
// that is about to change is written first, all others by and by in Step. So each fact that was there is written once, as
// it was then. Rows are not written: they follow from the facts.
//
// Not safe for concurrent use, with the shard neither.
type Snapshot struct {
	shard *Shard
	next  int64
	saving
	sealing
	ready [][]byte
	ended bool
}

// Snapshot begins a snapshot. Everything must have been handed on: it is for the moment behind Emit or Discard, so that who goes on from
// the snapshot has nothing to hand on but what the log has behind Next. It takes about a millisecond for a million facts.
func (s *Shard) Snapshot() (*Snapshot, error) {
	if s.saving() != nil {
		return nil, fmt.Errorf("shard %q: a snapshot is under way", s.name)
	}
	if !s.clean() {
		return nil, fmt.Errorf("shard %q: a snapshot can begin only when everything is handed on", s.name)
	}
	header, err := s.header()
	if err != nil {
		return nil, err
	}
	p := &Snapshot{shard: s, next: s.next}
	if f := s.contacts; f != nil {
		p.begin(f.names, f.contacts.top, f.contacts.free, f.saveContact)
		f.saving = &p.saving
	} else {
		f := s.agents
		p.begin(f.names, f.states.top, f.states.free, f.saveState)
		f.saving = &p.saving
	}
	p.push(sectionHeader, header)
	return p, nil
}

// Next is the offset behind the last record of the log that the snapshot covers.
func (p *Snapshot) Next() int64 { return p.next }

// Step writes up to as many facts as given, and hands over the sections that are complete; each belongs to the callee. It reports whether the
// snapshot is complete. Between Steps the shard may fold, emit and discard as it likes. After an error the snapshot is of no
// use, and is to be abandoned.
func (p *Snapshot) Step(facts int, section func([]byte) error) (done bool, err error) {
	if p.ended {
		return false, errors.New("the snapshot has ended")
	}
	p.walk(facts)
	if p.at > p.top {
		p.close()
		end := binary.LittleEndian.AppendUint64(nil, uint64(p.written))
		p.push(sectionEnd, binary.LittleEndian.AppendUint64(end, uint64(p.named)))
		p.Abandon()
		done = true
	}
	for len(p.ready) > 0 {
		if err := section(p.ready[0]); err != nil {
			return false, err
		}
		p.ready = p.ready[1:]
	}
	return done, nil
}

// Abandon ends a snapshot; another can begin.
func (p *Snapshot) Abandon() {
	if p.ended {
		return
	}
	p.ended = true
	if p.shard.contacts != nil {
		p.shard.contacts.saving = nil
	} else {
		p.shard.agents.saving = nil
	}
}

// WriteTo writes the whole snapshot at once.
func (p *Snapshot) WriteTo(w io.Writer) (written int64, err error) {
	defer p.Abandon()
	for done := false; !done && err == nil; {
		done, err = p.Step(1<<14, func(section []byte) error {
			n, err := w.Write(section)
			written += int64(n)
			return err
		})
	}
	return written, err
}

func (s *Shard) saving() *saving {
	if s.contacts != nil {
		return s.contacts.saving
	}
	return s.agents.saving
}

// clean says whether everything is handed on.
func (s *Shard) clean() bool {
	for i := range s.sources.all {
		if s.sources.all[i].told != s.sources.all[i].mark {
			return false
		}
	}
	if f := s.contacts; f != nil {
		return len(f.dirtyQueues)+len(f.dirtyAgentQueues) == 0
	}
	return len(s.agents.dirty) == 0
}

// header is everything but the facts: who can use the snapshot, then the shard's own numbers, its sources and its words.
func (s *Shard) header() ([]byte, error) {
	print, err := s.set.fingerprint()
	if err != nil {
		return nil, err
	}
	b := appendText(nil, s.name)
	b = binary.LittleEndian.AppendUint64(b, print)
	c := &s.counts
	for _, v := range []int64{
		s.next, s.arrived, s.horizon, s.swept,
		c.Read, c.Applied, c.Duplicate, c.Superseded, c.TooLate, c.Rejected, c.Marks, c.MarksBackwards, c.Skewed,
	} {
		b = binary.LittleEndian.AppendUint64(b, uint64(v))
	}
	b = binary.AppendUvarint(b, uint64(len(s.sources.all)))
	for i := range s.sources.all {
		b = appendText(b, s.sources.all[i].name)
		b = binary.LittleEndian.AppendUint64(b, uint64(s.sources.all[i].mark))
	}
	var words *words
	var streams []stream
	if s.contacts != nil {
		words, streams = &s.contacts.channels, s.contacts.streams
	} else {
		words = &s.agents.words
	}
	b = binary.AppendUvarint(b, uint64(len(words.texts)))
	for _, text := range words.texts {
		b = appendText(b, text)
	}
	b = binary.AppendUvarint(b, uint64(len(streams)))
	for _, st := range streams {
		b = binary.AppendUvarint(binary.AppendUvarint(b, uint64(st.source)), uint64(st.channel))
	}
	return b, nil
}
