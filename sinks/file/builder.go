package file

import (
	"bytes"
	"cmp"
	"hash/maphash"
	"slices"
)

// builder notes what the parts of a file are while its rows pass by.
type builder struct {
	layout *layout
	hashed bool // keys are noted
	part   part // that is open, where it has rows
	fresh  []uint64
}

func (b *builder) add(r *row) {
	if b.part.rows == 0 {
		b.layout.ids++
		b.part.id = b.layout.ids
		b.part.first = mark{r.at, bytes.Clone(r.key)}
	}
	b.part.rows++
	b.part.last.set(r)
	if b.hashed {
		b.fresh = append(b.fresh, hash(r.key)|uint64(b.part.id))
	}
}

// end ends the part that is open.
func (b *builder) end() {
	if b.part.rows > 0 {
		b.layout.parts = append(b.layout.parts, b.part)
	}
	b.part = part{}
}

// close puts the keys in order: those of old that are in parts that were copied, and those that are new.
func (b *builder) close(old *layout, copied map[uint32]bool) {
	if !b.hashed {
		return
	}
	slices.Sort(b.fresh)
	var kept []uint64
	if old != nil {
		kept = slices.DeleteFunc(slices.Clone(old.keys), func(k uint64) bool { return !copied[uint32(k)] })
	}
	b.layout.keys = merged(kept, b.fresh)
}

// merged is one ordered list of two.
func merged(a, b []uint64) []uint64 {
	list := make([]uint64, 0, len(a)+len(b))
	for len(a) > 0 && len(b) > 0 {
		if a[0] < b[0] {
			list, a = append(list, a[0]), a[1:]
		} else {
			list, b = append(list, b[0]), b[1:]
		}
	}
	return append(append(list, a...), b...)
}

var seed = maphash.MakeSeed()

// hash is that of a key, in the upper 32 bits.
func hash(key []byte) uint64 { return maphash.Bytes(seed, key) &^ (1<<32 - 1) }

// holding are the parts that may have a row of one of the keys: all that have, and now and then another.
func (l *layout) holding(byKey map[string]*row) []int {
	ids := map[uint32]bool{}
	for key := range byKey {
		h := hash([]byte(key))
		n, _ := slices.BinarySearchFunc(l.keys, h, cmp.Compare[uint64])
		for ; n < len(l.keys) && l.keys[n]&^(1<<32-1) == h; n++ {
			ids[uint32(l.keys[n])] = true
		}
	}
	var list []int
	for n := range l.parts {
		if ids[l.parts[n].id] {
			list = append(list, n)
		}
	}
	return list
}
