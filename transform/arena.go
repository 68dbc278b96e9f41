package transform

// chunk is how many entries an arena allocates at once: growing never copies entries.
const chunk = 1 << 12

// arena holds entries by number. Number 0 is no entry.
type arena[T any] struct {
	chunks []*[chunk]T
	free   []uint32
	top    uint32 // the greatest number ever given out
}

func (a *arena[T]) at(n uint32) *T { return &a.chunks[n/chunk][n%chunk] }

// add gives out a number; its entry is zero.
func (a *arena[T]) add() uint32 {
	if k := len(a.free); k > 0 {
		n := a.free[k-1]
		a.free = a.free[:k-1]
		return n
	}
	a.top++
	if int(a.top/chunk) >= len(a.chunks) {
		a.chunks = append(a.chunks, new([chunk]T))
	}
	return a.top
}

func (a *arena[T]) drop(n uint32) {
	var zero T
	*a.at(n) = zero
	a.free = append(a.free, n)
}

func (a *arena[T]) len() int { return int(a.top) - len(a.free) }

// slot is an index entry: the upper half of a hash, which says where the entry belongs and tells most keys apart without a look
// at the entry, and the entry's number.
type slot struct{ tag, n uint32 }

// table is an arena with an index by key: open addressing, linear probing. It grows by a quarter when it is 7/8 full, so that
// the index takes 9 to 12 bytes an entry; growing reads the old index in order and no entry.
type table[T any, K comparable] struct {
	arena[T]
	slots []slot
	hash  func(K) uint64
	key   func(*T) K
}

// home is the slot that a tag belongs in.
func (t *table[T, K]) home(tag uint32) int { return int(uint64(tag) * uint64(len(t.slots)) >> 32) }

func (t *table[T, K]) after(p int) int {
	if p++; p < len(t.slots) {
		return p
	}
	return 0
}

// find returns the number of the entry with the key, or 0.
func (t *table[T, K]) find(k K) uint32 {
	if len(t.slots) == 0 {
		return 0
	}
	tag := uint32(t.hash(k) >> 32)
	for p := t.home(tag); ; p = t.after(p) {
		s := t.slots[p]
		if s.n == 0 {
			return 0
		}
		if s.tag == tag && t.key(t.at(s.n)) == k {
			return s.n
		}
	}
}

// enter puts an added entry, whose key is set, into the index.
func (t *table[T, K]) enter(n uint32) {
	if size := len(t.slots); t.len() > size-size/8-1 {
		old := t.slots
		t.slots = make([]slot, max(16, size+size/4))
		for _, s := range old {
			if s.n != 0 {
				t.put(s)
			}
		}
	}
	t.put(slot{uint32(t.hash(t.key(t.at(n))) >> 32), n})
}

func (t *table[T, K]) put(s slot) {
	p := t.home(s.tag)
	for t.slots[p].n != 0 {
		p = t.after(p)
	}
	t.slots[p] = s
}

// remove takes an entry out of the index and frees it. Entries behind it move up, so that no probe meets a hole.
func (t *table[T, K]) remove(n uint32) {
	hole := t.home(uint32(t.hash(t.key(t.at(n))) >> 32))
	for t.slots[hole].n != n {
		hole = t.after(hole)
	}
	for p := t.after(hole); t.slots[p].n != 0; p = t.after(p) {
		if t.distance(t.home(t.slots[p].tag), p) >= t.distance(hole, p) {
			t.slots[hole], hole = t.slots[p], p
		}
	}
	t.slots[hole] = slot{}
	t.drop(n)
}

// distance is how many steps lead from one slot to another.
func (t *table[T, K]) distance(from, to int) int {
	if to >= from {
		return to - from
	}
	return to - from + len(t.slots)
}

// each visits every entry; the visit may remove the entry it is at.
func (t *table[T, K]) each(visit func(n uint32, e *T)) {
	freed := make(map[uint32]bool, len(t.free))
	for _, n := range t.free {
		freed[n] = true
	}
	for n := uint32(1); n <= t.top; n++ {
		if !freed[n] {
			visit(n, t.at(n))
		}
	}
}
