package transform

import (
	"encoding/binary"

	"github.com/quarterhour/quarterhour/schemas"
)

// saving is the facts of a snapshot under way, as a fold sees them: before it changes or frees an entry, it calls before.
type saving struct {
	names   *names
	put     func(*saving, uint32) // appends an entry to facts
	settled []uint64              // a bit per entry: it is written, or was not there when the snapshot began
	top     uint32                // the greatest entry there was
	at      uint32                // the walk comes to it next
	written int                   // facts
	named   int                   // names

	known       []nameKey // by number in the snapshot
	numbers     []uint32  // by pair: 1 + its number in the snapshot; a pair may since have become another's
	facts, text []byte    // the open sections of facts and of names
	last        int64     // an instant of the fact before, in the open section

	push func(kind byte, payload []byte)
}

func (p *Snapshot) begin(n *names, top uint32, free []uint32, put func(*saving, uint32)) {
	p.saving = saving{names: n, put: put, top: top, at: 1, settled: make([]uint64, top/64+1), push: func(kind byte, payload []byte) {
		p.ready = append(p.ready, p.seal(snapshotVersion, kind, payload))
	}}
	for _, n := range free {
		p.settled[n/64] |= 1 << (n % 64)
	}
}

// before writes an entry that is about to change or go, unless it is written already or is newer than the snapshot. It may be
// called where no snapshot is under way.
func (s *saving) before(n uint32) {
	if s == nil || n > s.top || s.settled[n/64]&(1<<(n%64)) != 0 {
		return
	}
	s.write(n)
}

func (s *saving) write(n uint32) {
	s.settled[n/64] |= 1 << (n % 64)
	s.put(s, n)
	s.written++
	if len(s.facts) >= sectionLen || len(s.text) >= sectionLen {
		s.close()
	}
}

// walk writes up to as many facts as given, of those that nothing has written.
func (s *saving) walk(facts int) {
	for ; s.at <= s.top && facts > 0; s.at++ {
		if s.settled[s.at/64]&(1<<(s.at%64)) == 0 {
			s.write(s.at)
			facts--
		}
	}
}

// close ends the open sections: the names go before the facts that use them.
func (s *saving) close() {
	if len(s.text) > 0 {
		s.push(sectionNames, s.text)
	}
	if len(s.facts) > 0 {
		s.push(sectionFacts, s.facts)
	}
	s.text, s.facts, s.last = s.text[:0], s.facts[:0], 0
}

// number is the number of a pair in the snapshot, which gets to know it at its first use.
func (s *saving) number(pair uint32) uint64 {
	key := s.names.pairs.at(pair).nameKey
	if int(pair) < len(s.numbers) {
		if n := s.numbers[pair]; n > 0 && s.known[n-1] == key {
			return uint64(n - 1)
		}
	} else {
		s.numbers = append(s.numbers, make([]uint32, int(s.names.pairs.top)+1-len(s.numbers))...)
	}
	s.known = append(s.known, key)
	s.named++
	s.numbers[pair] = uint32(len(s.known))
	s.text = appendText(appendText(s.text, key.id), key.text)
	return uint64(len(s.known) - 1)
}

// savedFlags are the flags that are part of a contact; the others say how it is linked, and are found anew.
const savedFlags = directionMask | outcomeMask<<outcomeShift | flagRetracted | flagWide | flagDatedByMark

func (f *contactFold) saveContact(s *saving, n uint32) {
	c := f.contacts.at(n)
	queue, agent := s.number(c.queue), s.number(c.agent)
	b := binary.LittleEndian.AppendUint64(s.facts, c.id[0])
	b = binary.LittleEndian.AppendUint64(b, c.id[1])
	b = binary.AppendVarint(b, c.revision)
	b = binary.AppendUvarint(b, uint64(c.flags&savedFlags))
	b = binary.AppendUvarint(b, uint64(c.stream))
	b = binary.AppendUvarint(b, queue)
	b = binary.AppendUvarint(b, agent)
	b = binary.AppendVarint(b, c.base-s.last)
	s.last = c.base
	if c.flags&flagWide == 0 {
		for _, v := range c.short {
			b = binary.AppendUvarint(b, uint64(v))
		}
	} else {
		t := f.wideOnes[n]
		for _, v := range [...]int64{t.offered, t.answered, t.ended, t.wrapEnded, t.talk, t.hold, t.wrap} {
			b = binary.LittleEndian.AppendUint64(b, uint64(v))
		}
	}
	s.facts = b
}

// The flags of a saved agent state, above its state.
const (
	savedRetracted  = 1 << 4
	savedDated      = 1 << 5
	savedStateMask  = savedRetracted - 1
	savedStateFlags = savedStateMask | savedRetracted | savedDated
)

func (f *agentFold) saveState(s *saving, n uint32) {
	a := f.states.at(n)
	name := s.number(a.name)
	came, dated := f.dated[n]
	flags := uint64(a.state) & savedStateMask
	if a.retracted {
		flags |= savedRetracted
	}
	if dated {
		flags |= savedDated
	}
	b := binary.LittleEndian.AppendUint64(s.facts, a.id[0])
	b = binary.LittleEndian.AppendUint64(b, a.id[1])
	b = binary.AppendVarint(b, a.revision)
	b = binary.AppendUvarint(b, flags)
	b = binary.AppendVarint(b, a.started-s.last) // wraps where one is absent, and back again
	s.last = a.started
	if a.ended == schemas.Null {
		b = binary.AppendUvarint(b, 0)
	} else {
		b = binary.AppendVarint(binary.AppendUvarint(b, 1), a.ended-a.started)
	}
	b = binary.AppendVarint(b, a.sequence)
	b = binary.AppendUvarint(b, name)
	b = binary.AppendUvarint(b, uint64(a.channel))
	b = binary.AppendUvarint(b, uint64(a.reason))
	b = binary.AppendUvarint(b, uint64(a.source))
	if dated {
		b = binary.LittleEndian.AppendUint64(b, uint64(came))
	}
	s.facts = b
}
