package transform

// slot is an index entry: the upper half of a hash, which says where the entry belongs and tells most keys apart without a look
// at the entry, and the entry's number.
type slot struct{ tag, n uint32 }

// index finds the numbers of entries by hash: open addressing, linear probing. It grows by a sixth when it is 7/8 full, so that
// it takes 9 to 11 bytes an entry; growing reads the old slots in order and no entry.
type index struct {
	slots []slot
	used  int
}

// home is the slot that a tag belongs in.
func (x *index) home(tag uint32) int { return int(uint64(tag) * uint64(len(x.slots)) >> 32) }

func (x *index) after(p int) int {
	if p++; p < len(x.slots) {
		return p
	}
	return 0
}

// put adds a slot, whose entry is not there.
func (x *index) put(s slot) {
	if size := len(x.slots); x.used >= size-size/8-1 {
		old := x.slots
		x.slots = make([]slot, max(16, size+size/6))
		for _, s := range old {
			if s.n != 0 {
				x.place(s)
			}
		}
	}
	x.place(s)
	x.used++
}

func (x *index) place(s slot) {
	p := x.home(s.tag)
	for x.slots[p].n != 0 {
		p = x.after(p)
	}
	x.slots[p] = s
}

// cut takes a slot out. Those behind it move up, so that no probe meets a hole.
func (x *index) cut(s slot) {
	hole := x.home(s.tag)
	for x.slots[hole].n != s.n {
		hole = x.after(hole)
	}
	for p := x.after(hole); x.slots[p].n != 0; p = x.after(p) {
		if x.distance(x.home(x.slots[p].tag), p) >= x.distance(hole, p) {
			x.slots[hole], hole = x.slots[p], p
		}
	}
	x.slots[hole] = slot{}
	x.used--
}

// distance is how many steps lead from one slot to another.
func (x *index) distance(from, to int) int {
	if to >= from {
		return to - from
	}
	return to - from + len(x.slots)
}
