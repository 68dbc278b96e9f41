package transform

import "math"

// merged are the rows of one kind: K is the key, V the values that merge.
type merged[K comparable, V any] struct {
	rows    map[K]*mergedRow[K, V]
	starts  map[int64]*mergedStart[K, V]
	dirty   []*mergedRow[K, V]
	startOf func(K) int64
	grid    *Grid
	through int64     // intervals that end by this instant are final
	own     func(K) K // copies the texts of a key, which alias a buffer
	add     func(to *V, v *V)
}

type mergedRow[K comparable, V any] struct {
	key   K
	dirty bool
	parts []partial[V]
}

// partial is the newest partial of one shard.
type partial[V any] struct {
	shard    uint16
	revision int64
	facts    int64
	names    [2]string
	values   V
}

// mergedStart are the rows of one interval.
type mergedStart[K comparable, V any] struct {
	rows  []*mergedRow[K, V]
	final bool
}

func newMerged[K comparable, V any](grid *Grid, startOf func(K) int64, own func(K) K, add func(to, v *V)) *merged[K, V] {
	return &merged[K, V]{rows: map[K]*mergedRow[K, V]{}, starts: map[int64]*mergedStart[K, V]{}, grid: grid, through: math.MinInt64, startOf: startOf, own: own, add: add}
}

// slot finds where the shard's partial of a row goes; nil where the same or a newer one is there.
func (m *merged[K, V]) slot(k K, shard uint16, revision int64) *partial[V] {
	row := m.rows[k]
	if row == nil {
		row = &mergedRow[K, V]{key: m.own(k)}
		m.rows[row.key] = row
		start := m.startOf(k)
		at := m.starts[start]
		if at == nil {
			_, end := m.grid.Bounds(start)
			at = &mergedStart[K, V]{final: end <= m.through}
			m.starts[start] = at
		}
		at.rows = append(at.rows, row)
	}
	var p *partial[V]
	for i := range row.parts {
		if row.parts[i].shard == shard {
			if p = &row.parts[i]; p.revision >= revision {
				return nil
			}
		}
	}
	if p == nil {
		row.parts = append(row.parts, partial[V]{shard: shard})
		p = &row.parts[len(row.parts)-1]
	}
	p.revision = revision
	m.soil(row)
	return p
}

func (m *merged[K, V]) soil(row *mergedRow[K, V]) {
	if !row.dirty {
		row.dirty = true
		m.dirty = append(m.dirty, row)
	}
}

// close makes the rows final of every interval that ends before the instant or at it; those that were not are to be emitted.
func (m *merged[K, V]) close(through int64) {
	m.through = through
	for start, at := range m.starts {
		if _, end := m.grid.Bounds(start); !at.final && end <= through {
			at.final = true
			for _, row := range at.rows {
				m.soil(row)
			}
		}
	}
}

// sum merges the partials of a row. The greatest name of partials that have facts names it.
func (m *merged[K, V]) sum(row *mergedRow[K, V], values *V) (names [2]string, facts, revision int64, final bool) {
	for i := range row.parts {
		p := &row.parts[i]
		m.add(values, &p.values)
		facts += p.facts
		revision += p.revision
		for n := range names {
			if p.facts > 0 {
				names[n] = max(names[n], p.names[n])
			}
		}
	}
	final = m.starts[m.startOf(row.key)].final
	revision *= 2
	if final {
		revision++
	}
	return names, facts, revision, final
}

func (m *merged[K, V]) settle(horizon int64) {
	for _, row := range m.dirty {
		row.dirty = false
	}
	m.dirty = m.dirty[:0]
	if horizon == math.MinInt64 {
		return
	}
	for start, at := range m.starts {
		if start < horizon {
			for _, row := range at.rows {
				delete(m.rows, row.key)
			}
			delete(m.starts, start)
		}
	}
}
