package warehouse

import (
	"math/bits"

	chcolumn "github.com/ClickHouse/clickhouse-go/v2/lib/column"
	"github.com/cespare/xxhash/v2"

	"github.com/quarterhour/quarterhour/schemas"
)

// column is how one column of a table is taken out of records, as a slice that the driver appends at once: a row at a time
// would box and convert every value.
type column[T any] struct {
	name string
	// wire is the type that values have on their way over HTTP, where the server converts them. It is the table's own, save that
	// LowCardinality(String) goes as String: building its dictionary here costs more than there.
	wire string
	// gather appends the column of all rows to the slot's memory, mixes the values into its fingerprint and returns the slice.
	gather func(rows []T, s *slot) any
}

// slot is the memory of one column of one batch, kept for the next.
type slot struct {
	texts       []string
	longs       []int64
	uints       []uint64
	words       []uint32
	shorts      []int32
	bytes       []int8
	flags       []bool
	nullable    []*int64
	maps        []namedValues
	fingerprint uint64
}

// forget lets go of strings, which belong to the batch.
func (s *slot) forget() {
	clear(s.texts)
	clear(s.maps)
}

func (s *slot) mix(v uint64) {
	s.fingerprint = bits.RotateLeft64((s.fingerprint^v)*0x9e3779b97f4a7c15, 29)
}

func text[T any](name string, get func(*T) string) column[T] {
	return column[T]{name, "String", func(rows []T, s *slot) any {
		s.texts = s.texts[:0]
		for i := range rows {
			v := get(&rows[i])
			s.texts = append(s.texts, v)
			s.mix(xxhash.Sum64String(v))
		}
		return s.texts
	}}
}

func long[T any](name string, get func(*T) int64) column[T] {
	return column[T]{name, "Int64", func(rows []T, s *slot) any {
		s.longs = s.longs[:0]
		for i := range rows {
			v := get(&rows[i])
			s.longs = append(s.longs, v)
			s.mix(uint64(v))
		}
		return s.longs
	}}
}

// unsigned is for revisions and offsets; less than nothing counts as nothing.
func unsigned[T any](name string, get func(*T) int64) column[T] {
	return column[T]{name, "UInt64", func(rows []T, s *slot) any {
		s.uints = s.uints[:0]
		for i := range rows {
			v := uint64(max(get(&rows[i]), 0))
			s.uints = append(s.uints, v)
			s.mix(v)
		}
		return s.uints
	}}
}

// short is a number of 32 bits that may be negative.
func short[T any](name string, get func(*T) int32) column[T] {
	return column[T]{name, "Int32", func(rows []T, s *slot) any {
		s.shorts = s.shorts[:0]
		for i := range rows {
			v := get(&rows[i])
			s.shorts = append(s.shorts, v)
			s.mix(uint64(v))
		}
		return s.shorts
	}}
}

func word[T any](name string, get func(*T) int) column[T] {
	return column[T]{name, "UInt32", func(rows []T, s *slot) any {
		s.words = s.words[:0]
		for i := range rows {
			v := get(&rows[i])
			s.words = append(s.words, uint32(v))
			s.mix(uint64(v))
		}
		return s.words
	}}
}

func flag[T any](name string, get func(*T) bool) column[T] {
	return column[T]{name, "Bool", func(rows []T, s *slot) any {
		s.flags = s.flags[:0]
		for i := range rows {
			v := get(&rows[i])
			s.flags = append(s.flags, v)
			if v {
				s.mix(1)
			} else {
				s.mix(0)
			}
		}
		return s.flags
	}}
}

// symbol is for enums, whose values go by number.
func symbol[T any, E ~uint8](name, wire string, get func(*T) E) column[T] {
	return column[T]{name, wire, func(rows []T, s *slot) any {
		s.bytes = s.bytes[:0]
		for i := range rows {
			v := get(&rows[i])
			s.bytes = append(s.bytes, int8(v))
			s.mix(uint64(v))
		}
		return s.bytes
	}}
}

// start is the start of an interval: milliseconds in the record, whole seconds in the table.
func start[T any](get func(*T) int64) column[T] {
	return column[T]{"interval_start", "DateTime('UTC')", func(rows []T, s *slot) any {
		s.longs = s.longs[:0]
		for i := range rows {
			v := get(&rows[i])
			s.longs = append(s.longs, v/1000)
			s.mix(uint64(v))
		}
		return s.longs
	}}
}

func instant[T any](name string, get func(*T) int64) column[T] {
	c := long(name, get)
	c.wire = "DateTime64(3, 'UTC')"
	return c
}

func optionalInstant[T any](name string, get func(*T) int64) column[T] {
	c := optional(name, get)
	c.wire = "Nullable(DateTime64(3, 'UTC'))"
	return c
}

// optional is NULL where the record says schemas.Null.
func optional[T any](name string, get func(*T) int64) column[T] {
	return column[T]{name, "Nullable(Int64)", func(rows []T, s *slot) any {
		// The pointers point into longs, so it must not move while it fills.
		if cap(s.longs) < len(rows) {
			s.longs = make([]int64, len(rows))
		}
		s.longs, s.nullable = s.longs[:len(rows)], s.nullable[:0]
		for i := range rows {
			v := get(&rows[i])
			s.longs[i] = v
			s.mix(uint64(v))
			if v == schemas.Null {
				s.nullable = append(s.nullable, nil)
			} else {
				s.nullable = append(s.nullable, &s.longs[i])
			}
		}
		return s.nullable
	}}
}

// named keeps the order of the record: through a Go map, one row written twice could differ in it.
func named[T any](name string, get func(*T) []schemas.NamedValue) column[T] {
	return column[T]{name, "Map(String, Int64)", func(rows []T, s *slot) any {
		s.maps = s.maps[:0]
		for i := range rows {
			values := get(&rows[i])
			for _, v := range values {
				s.mix(xxhash.Sum64String(v.Name))
				s.mix(uint64(v.Value))
			}
			s.mix(uint64(len(values)))
			s.maps = append(s.maps, namedValues(values))
		}
		return s.maps
	}}
}

// namedValues shows the driver a slice as a map.
type namedValues []schemas.NamedValue

// Put implements chcolumn.IterableOrderedMap; the driver calls it when it reads, which it does not do here.
func (v namedValues) Put(any, any) {}

// Iterator implements chcolumn.IterableOrderedMap.
func (v namedValues) Iterator() chcolumn.MapIterator { return &valueIterator{values: v, at: -1} }

type valueIterator struct {
	values namedValues
	at     int
}

func (i *valueIterator) Next() bool { i.at++; return i.at < len(i.values) }
func (i *valueIterator) Key() any   { return i.values[i.at].Name }
func (i *valueIterator) Value() any { return i.values[i.at].Value }
