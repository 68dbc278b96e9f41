package five9

import (
	"strconv"

	"github.com/cespare/xxhash/v2"

	"github.com/quarterhour/quarterhour/schemas"
)

// numbering tells legs apart whose keys are the same: the second and further ones get a number. A row that says what another says,
// cell by cell, is the same row twice. Which of two gets the number does not matter, as they are in the same window always: they
// start in the same second. Not safe for concurrent use.
type numbering struct {
	rows map[uint64]struct{} // hashes of whole rows
	keys map[uint64]int32    // how many rows have a key
	hash xxhash.Digest
}

func newNumbering() numbering {
	return numbering{rows: map[uint64]struct{}{}, keys: map[uint64]int32{}}
}

// number sets the contact's segment; false where the row was there before.
func (n *numbering) number(c *schemas.Contact, segment []byte, cells []string) bool {
	n.hash.Reset()
	for _, cell := range cells {
		_, _ = n.hash.WriteString(cell)
		_, _ = n.hash.Write(zero)
	}
	row := n.hash.Sum64()
	if _, ok := n.rows[row]; ok {
		return false
	}
	n.rows[row] = struct{}{}
	n.hash.Reset()
	_, _ = n.hash.WriteString(c.InteractionID)
	_, _ = n.hash.Write(zero)
	_, _ = n.hash.Write(segment)
	key := n.hash.Sum64()
	n.keys[key]++
	if k := n.keys[key]; k > 1 {
		segment = append(segment, '#')
		segment = strconv.AppendInt(segment, int64(k), 10)
	}
	c.Segment = string(segment)
	return true
}

var zero = []byte{0}
