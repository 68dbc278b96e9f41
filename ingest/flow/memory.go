package flow

import (
	"math"
	"time"

	"github.com/cespare/xxhash/v2"

	"github.com/quarterhour/quarterhour/schemas"
)

// memory is what was handed over of one kind of fact, as far back as a read can bring it again.
type memory struct {
	items map[uint64]item // by hash of the identity
	left  int             // how many were left when it was last gone through
	swept time.Time       // when that was
	crowd int             // how many are so many that a read under way forgets some
}

// item is what is kept of one identity: enough to tell a repetition and a withdrawal. What was withdrawn the log tells. It has 16 bytes:
// the numbers of reads are their last 16 bits, as nothing stays unseen for 65,536 reads.
type item struct {
	content print  // of what was handed over, without the revision
	seen    uint16 // number of the last read of its owner that handed it over
	second  uint32 // in which it begins, since 1970; 0: a thing without time
	touched uint16 // number of the last read of its flow that did
	flow    uint8  // that handed it over last, from 1
	owner   uint8  // that replaces it, from 1; 0: none
}

// print is 48 bits of a hash.
type print [3]uint16

func printOf(h uint64) print { return print{uint16(h), uint16(h >> 16), uint16(h >> 32)} } //nolint:gosec // cut on purpose

// subject is a fact in the form that all kinds share.
type subject struct {
	kind     string
	fact     any
	identity []byte // parts, each followed by a zero byte
	extra    int64
	at       int64
	content  print
	revision *int64
	retract  bool
}

// crowded is how many things of a kind are remembered without a thought.
const crowded = 200_000

func newMemory() *memory { return &memory{items: map[uint64]item{}, crowd: crowded} }

// shed drops what nothing replaces and begins well before an instant: a long stream told of it, and goes on in the order of time. Were it
// told again it would be written again, which changes nothing.
func (m *memory) shed(at int64) {
	if len(m.items) < m.crowd || at == schemas.Null {
		return
	}
	for k, it := range m.items {
		if it.owner == 0 && it.second != 0 && it.second < second(at-shedAge.Milliseconds()) {
			delete(m.items, k)
		}
	}
	m.crowd = max(crowded, 2*len(m.items))
}

// shedAge is how far back that is.
const shedAge = time.Hour

func hashOf(s *subject) uint64 {
	h := xxhash.Sum64(s.identity)
	if s.extra != 0 { // states without an id
		h ^= uint64(s.extra) * 0x9E3779B97F4A7C15
	}
	return h
}

// due says whether it is time to go through the memory: it has grown much, or a minute has gone by.
func (m *memory) due(now time.Time) bool {
	return len(m.items) > 2*m.left+1000 || now.Sub(m.swept) >= time.Minute || now.Before(m.swept)
}

// forget drops what begins before an instant, and was not handed over again by the last reads.
func (m *memory) forget(now time.Time, before uint32, reads func(flow uint8) uint16) {
	for k, it := range m.items {
		if it.second != 0 && it.second < before && reads(it.flow)-it.touched >= 2 {
			delete(m.items, k)
		}
	}
	m.left, m.swept = len(m.items), now
}

// first is the first that is not Null.
func first(instants ...int64) int64 {
	for _, at := range instants {
		if at != schemas.Null {
			return at
		}
	}
	return schemas.Null
}

func millis(t time.Time) int64 { return t.UnixMilli() }

// second is that of an instant since 1970, from 1; 0 of none.
func second(at int64) uint32 {
	if at == schemas.Null {
		return 0
	}
	return uint32(min(max(at/1000, 1), math.MaxUint32)) //nolint:gosec // it is within
}
