package transform

import (
	"strings"

	"github.com/quarterhour/quarterhour/schemas"
)

// source is what a shard knows of one source.
type source struct {
	name string
	seed digest   // identities of the source are hashed on from here
	mark int64    // complete through; Null before the first mark
	told int64    // the mark that was handed on
	open []uint32 // contacts without an end
}

// sources are few, and found by comparing names.
type sources struct{ all []source }

func (s *sources) find(name string) (int, bool) {
	for i := range s.all {
		if s.all[i].name == name {
			return i, true
		}
	}
	if len(s.all) == maxWords {
		return 0, false
	}
	name = strings.Clone(name)
	s.all = append(s.all, source{name: name, seed: digest{}.add(name), mark: schemas.Null, told: schemas.Null})
	return len(s.all) - 1, true
}

// least is the least mark of the sources that have one; Null where none has.
func (s *sources) least() int64 {
	least := int64(schemas.Null)
	for i := range s.all {
		if m := s.all[i].mark; m != schemas.Null && (least == schemas.Null || m < least) {
			least = m
		}
	}
	return least
}
