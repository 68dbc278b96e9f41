package transform

import (
	"strings"

	"github.com/quarterhour/quarterhour/schemas"
)

// source is what a shard knows of one source of one kind of fact.
type source struct {
	name   string   // of a source of shifts, behind shiftSource
	shifts bool     // it is one: a source that has states too is another, with marks of its own
	seed   digest   // identities of the source are hashed on from here
	mark   int64    // complete through; Null before the first mark
	told   int64    // the mark that was handed on
	open   []uint32 // contacts without an end
}

// shiftSource begins the names of sources of shifts. No pipeline can name a source so.
const shiftSource = "\x00shift\x00"

// plain is the name in the pipeline file.
func (s *source) plain() string { return strings.TrimPrefix(s.name, shiftSource) }

// sources are few, and found by comparing names.
type sources struct{ all []source }

func (s *sources) find(name string, shifts bool) (int, bool) {
	for i := range s.all {
		if o := &s.all[i]; o.shifts == shifts && o.plain() == name {
			return i, true
		}
	}
	if shifts {
		name = shiftSource + name
	}
	return s.add(name)
}

// add puts a source, named with what it begins with, behind the others.
func (s *sources) add(name string) (int, bool) {
	if len(s.all) == maxWords {
		return 0, false
	}
	name = strings.Clone(name)
	s.all = append(s.all, source{name: name, shifts: strings.HasPrefix(name, shiftSource), seed: digest{}.add(name), mark: schemas.Null, told: schemas.Null})
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
