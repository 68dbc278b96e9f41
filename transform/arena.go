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

// slot is an index entry: half a hash, which tells most keys apart without a look at the entry, and the entry's number.
type slot struct{ tag, n uint32 }

// table is an arena with an index by key: open addressing, linear probing, at most 7/8 full.
type table[T any, K comparable] struct {
	arena[T]
	slots []slot
	hash  func(K) uint64
	key   func(*T) K
}

// find returns the number of the entry with the key, or 0.
func (t *table[T, K]) find(k K) uint32 {
	if len(t.slots) == 0 {
		return 0
	}
	h := t.hash(k)
	tag, mask := uint32(h>>32), uint64(len(t.slots)-1)
	for p := h & mask; ; p = (p + 1) & mask {
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
	if size := len(t.slots); t.len() > size-size/8 || size == 0 {
		t.grow()
	}
	t.put(t.hash(t.key(t.at(n))), n)
}

func (t *table[T, K]) put(h uint64, n uint32) {
	mask := uint64(len(t.slots) - 1)
	p := h & mask
	for t.slots[p].n != 0 {
		p = (p + 1) & mask
	}
	t.slots[p] = slot{uint32(h >> 32), n}
}

func (t *table[T, K]) grow() {
	old := t.slots
	t.slots = make([]slot, max(16, 2*len(old)))
	for _, s := range old {
		if s.n != 0 {
			t.put(t.hash(t.key(t.at(s.n))), s.n)
		}
	}
}

// remove takes an entry out of the index and frees it. Entries behind it move up, so that no probe meets a hole.
func (t *table[T, K]) remove(n uint32) {
	mask := uint64(len(t.slots) - 1)
	hole := t.hash(t.key(t.at(n))) & mask
	for t.slots[hole].n != n {
		hole = (hole + 1) & mask
	}
	for p := (hole + 1) & mask; t.slots[p].n != 0; p = (p + 1) & mask {
		home := t.hash(t.key(t.at(t.slots[p].n))) & mask
		if (p-home)&mask >= (p-hole)&mask {
			t.slots[hole], hole = t.slots[p], p
		}
	}
	t.slots[hole] = slot{}
	t.drop(n)
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
