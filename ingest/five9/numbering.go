package five9

import (
	"slices"
	"strconv"

	"github.com/cespare/xxhash/v2"

	"github.com/quarterhour/quarterhour/schemas"
)

// numbering tells legs apart whose keys are the same: the second and further ones get a number. A row that says what another says,
// cell by cell, is the same row twice. Which of two gets the number does not matter, as they are in the same window always: they
// start in the same second. Not safe for concurrent use.
type numbering struct {
	first   map[half]uint32   // by hash of the key: that of its first row, the lower half
	further map[half][]uint32 // those of the further ones
	hash    xxhash.Digest
}

// half is a hash of 64 bits in halves: an entry of the map has 12 bytes so, not 16.
type half [2]uint32

func newNumbering() numbering {
	return numbering{first: map[half]uint32{}, further: map[half][]uint32{}}
}

// number sets the contact's segment; false where the row was there before.
func (n *numbering) number(c *schemas.Contact, segment []byte, cells []string) bool {
	n.hash.Reset()
	for _, cell := range cells {
		_, _ = n.hash.WriteString(cell)
		_, _ = n.hash.Write(zero)
	}
	row := uint32(n.hash.Sum64()) //nolint:gosec // the lower half
	n.hash.Reset()
	_, _ = n.hash.WriteString(c.InteractionID)
	_, _ = n.hash.Write(zero)
	_, _ = n.hash.Write(segment)
	sum := n.hash.Sum64()
	key := half{uint32(sum >> 32), uint32(sum)} //nolint:gosec // the lower half
	if first, ok := n.first[key]; !ok {
		n.first[key] = row
	} else {
		if row == first || slices.Contains(n.further[key], row) {
			return false
		}
		n.further[key] = append(n.further[key], row)
		segment = append(segment, '#')
		segment = strconv.AppendInt(segment, int64(len(n.further[key])+1), 10)
	}
	c.Segment = string(segment)
	return true
}

var zero = []byte{0}
