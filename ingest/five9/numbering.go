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
	first   map[uint64]uint64   // by key: the hash of its first row
	further map[uint64][]uint64 // by key: those of the further ones
	hash    xxhash.Digest
}

func newNumbering() numbering {
	return numbering{first: map[uint64]uint64{}, further: map[uint64][]uint64{}}
}

// number sets the contact's segment; false where the row was there before.
func (n *numbering) number(c *schemas.Contact, segment []byte, cells []string) bool {
	n.hash.Reset()
	for _, cell := range cells {
		_, _ = n.hash.WriteString(cell)
		_, _ = n.hash.Write(zero)
	}
	row := n.hash.Sum64()
	n.hash.Reset()
	_, _ = n.hash.WriteString(c.InteractionID)
	_, _ = n.hash.Write(zero)
	_, _ = n.hash.Write(segment)
	key := n.hash.Sum64()
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
