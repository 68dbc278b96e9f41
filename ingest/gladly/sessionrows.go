package gladly

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"slices"

	"github.com/quarterhour/quarterhour/schemas"
)

// sessionRows are the rows of a report, packed: the rows of a contact need not follow each other, and what one says depends on the others, so
// that all are held until the report has been read. A row takes its two ids and some 45 bytes: 90 of those that the vendor shows.
type sessionRows struct {
	chunks [][]byte
	places []uint64 // of the rows: chunk<<32 | offset
	words  []string // agents, queues, channels and states, which come again and again
	known  map[string]uint64
	base   int64 // milliseconds, to which instants are relative
}

// rowsChunk is the size in which memory is taken, in bytes; a row that is larger has a chunk of its own.
const rowsChunk = 64 << 10

func (s *sessionRows) len() int { return len(s.places) }

// add takes a row over; its strings are not kept.
func (s *sessionRows) add(row *session) {
	if s.known == nil {
		s.known, s.base = map[string]uint64{}, max(row.created, row.routed)
	}
	var room [8*binary.MaxVarintLen64 + 1]byte
	need := len(row.contact) + len(row.id) + 12*binary.MaxVarintLen64 + 2*binary.MaxVarintLen64
	last := len(s.chunks) - 1
	if last < 0 || cap(s.chunks[last])-len(s.chunks[last]) < need {
		s.chunks = append(s.chunks, make([]byte, 0, max(rowsChunk, need)))
		last++
	}
	b := s.chunks[last]
	s.places = append(s.places, uint64(last)<<32|uint64(len(b))) // both are less than 2³²: they are of one machine's memory
	b = append(binary.AppendUvarint(b, uint64(len(row.contact))), row.contact...)
	b = append(binary.AppendUvarint(b, uint64(len(row.id))), row.id...)
	for _, word := range []string{row.agent, row.queue, row.channel, row.status} {
		b = binary.AppendUvarint(b, s.word(word))
	}
	flags, numbers := byte(0), room[:0]
	if row.outbound {
		flags = 1
	}
	for n, at := range row.numbers() {
		if *at == schemas.Null {
			flags |= 2 << n
			continue
		}
		value := *at
		if n < instants {
			value -= s.base
		}
		numbers = binary.AppendVarint(numbers, value)
	}
	s.chunks[last] = append(append(b, flags), numbers...)
}

// instants are how many of a row's numbers are instants: the others are durations.
const instants = 5

func (s *session) numbers() [7]*int64 {
	return [7]*int64{&s.created, &s.routed, &s.accepted, &s.replied, &s.endedAt, &s.handle, &s.after}
}

func (s *sessionRows) word(text string) uint64 {
	n, ok := s.known[text]
	if !ok {
		n, text = uint64(len(s.words)), string(append([]byte(nil), text...))
		s.words, s.known[text] = append(s.words, text), n
	}
	return n
}

func (s *sessionRows) at(n int) []byte { return s.chunks[s.places[n]>>32][s.places[n]&(1<<32-1):] }

// bytesOf is a text with its length before it, and what comes after it.
func bytesOf(b []byte) (text, rest []byte) {
	n, width := binary.Uvarint(b)
	return b[width : width+int(n)], b[width+int(n):]
}

// sort puts the rows of each contact together.
func (s *sessionRows) sort() {
	slices.SortFunc(s.places, func(a, b uint64) int {
		x, _ := bytesOf(s.chunks[a>>32][a&(1<<32-1):])
		y, _ := bytesOf(s.chunks[b>>32][b&(1<<32-1):])
		return cmp.Or(bytes.Compare(x, y), cmp.Compare(a, b))
	})
}

// contact are the rows, from one on, that are of the same contact. They are appended to list.
func (s *sessionRows) contact(from int, list []session) []session {
	id, _ := bytesOf(s.at(from))
	name := string(id)
	for n := from; n < s.len(); n++ {
		text, rest := bytesOf(s.at(n))
		if string(text) != name {
			break
		}
		list = append(list, s.row(name, rest))
	}
	return list
}

// row unpacks what comes after the contact's id.
func (s *sessionRows) row(contact string, b []byte) session {
	id, b := bytesOf(b)
	row := session{contact: contact, id: string(id)}
	for _, into := range []*string{&row.agent, &row.queue, &row.channel, &row.status} {
		n, width := binary.Uvarint(b)
		*into, b = s.words[n], b[width:]
	}
	flags := b[0]
	b = b[1:]
	row.outbound = flags&1 != 0
	for n, at := range row.numbers() {
		if flags&(2<<n) != 0 {
			*at = schemas.Null
			continue
		}
		value, width := binary.Varint(b)
		if b = b[width:]; n < instants {
			value += s.base
		}
		*at = value
	}
	return row
}
