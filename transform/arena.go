package transform

// chunk is how many entries an arena allocates at once: growing never copies entries. So many of any size fill whole pages.
const chunk = 1 << 10

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

// each visits every entry; the visit may remove the entry it is at.
func (a *arena[T]) each(visit func(n uint32, e *T)) {
	freed := make(map[uint32]bool, len(a.free))
	for _, n := range a.free {
		freed[n] = true
	}
	for n := uint32(1); n <= a.top; n++ {
		if !freed[n] {
			visit(n, a.at(n))
		}
	}
}

// table is an arena with an index by key.
type table[T any, K comparable] struct {
	arena[T]
	index
	hash func(K) uint64
	key  func(*T) K
}

func tagOf(hash uint64) uint32 { return uint32(hash >> 32) }

// find returns the number of the entry with the key, or 0.
func (t *table[T, K]) find(k K) uint32 {
	if len(t.slots) == 0 {
		return 0
	}
	tag := tagOf(t.hash(k))
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
func (t *table[T, K]) enter(n uint32) { t.put(slot{tagOf(t.hash(t.key(t.at(n)))), n}) }

// remove takes an entry out of the index and frees it.
func (t *table[T, K]) remove(n uint32) {
	t.cut(slot{tagOf(t.hash(t.key(t.at(n)))), n})
	t.drop(n)
}
