package clickhouse

import (
	"encoding/binary"
	"fmt"
)

// column passes one column of a Native block through: first what comes before the values (of all nested types), then the values.
type column interface {
	prefix(b *blocks) error
	values(b *blocks, rows uint64) error
}

// newColumn builds the program that passes a column of the type.
func newColumn(text string) (column, error) {
	t, err := parseType(text)
	if err != nil {
		return nil, err
	}
	if alias, ok := aliases[t.name]; ok {
		return newColumn(alias)
	}
	width, err := t.width()
	if err != nil {
		return nil, fmt.Errorf("type %q: %w", text, err)
	}
	if width > 0 {
		return fixed(width), nil
	}
	switch {
	case t.name == "String":
		return texts{}, nil
	case len(t.arguments) == 0:
	case t.name == "Nullable":
		return wrap(t.arguments[0], func(inner column) column { return nullable{inner} })
	case t.name == "Array":
		return wrap(t.arguments[0], func(inner column) column { return array{inner} })
	case t.name == "LowCardinality":
		return newDictionary(t.arguments[0])
	case t.name == "SimpleAggregateFunction" && len(t.arguments) > 1:
		return newColumn(t.arguments[len(t.arguments)-1])
	case t.name == "Tuple":
		return newTuple(elements(t.arguments))
	case t.name == "Map" && len(t.arguments) == 2, t.name == "Nested":
		inner, err := newTuple(elements(t.arguments))
		return array{inner}, err
	case t.name == "Variant":
		inner, err := newTuple(t.arguments)
		return variant(inner), err
	}
	return nil, raise(codeUnknownType, "a column of type %s cannot be sent with client_protocol_version: convert it in the query, with toString for example", text)
}

func wrap(inner string, outer func(column) column) (column, error) {
	c, err := newColumn(inner)
	if err != nil {
		return nil, err
	}
	return outer(c), nil
}

// fixed is a column whose values all have that many bytes.
type fixed int

func (fixed) prefix(*blocks) error                  { return nil }
func (f fixed) values(b *blocks, rows uint64) error { return b.copy(rows * uint64(f)) }

// texts is String: a length and its bytes, for each value.
type texts struct{}

func (texts) prefix(*blocks) error                { return nil }
func (texts) values(b *blocks, rows uint64) error { return b.copyTexts(rows) }

// nullable has a byte for each value, then all values.
type nullable struct{ inner column }

func (n nullable) prefix(b *blocks) error { return n.inner.prefix(b) }
func (n nullable) values(b *blocks, rows uint64) error {
	if err := b.copy(rows); err != nil {
		return err
	}
	return n.inner.values(b, rows)
}

// array has the end of each row's elements, then all elements.
type array struct{ inner column }

func (a array) prefix(b *blocks) error { return a.inner.prefix(b) }
func (a array) values(b *blocks, rows uint64) error {
	if rows == 0 {
		return a.inner.values(b, 0)
	}
	if err := b.copy((rows - 1) * 8); err != nil {
		return err
	}
	total, err := b.number()
	if err != nil {
		return err
	}
	return a.inner.values(b, total)
}

// tuple is its elements, one after the other.
type tuple []column

func newTuple(types []string) (tuple, error) {
	list := make(tuple, len(types))
	for i, text := range types {
		inner, err := newColumn(text)
		if err != nil {
			return nil, err
		}
		list[i] = inner
	}
	return list, nil
}

func (t tuple) prefix(b *blocks) error {
	for _, inner := range t {
		if err := inner.prefix(b); err != nil {
			return err
		}
	}
	return nil
}

func (t tuple) values(b *blocks, rows uint64) error {
	for _, inner := range t {
		if err := inner.values(b, rows); err != nil {
			return err
		}
	}
	return nil
}

// dictionary is LowCardinality: the distinct values, then an index of 1 to 8 bytes for each row.
type dictionary struct{ inner column }

func newDictionary(text string) (column, error) {
	if t, err := parseType(text); err == nil && t.name == "Nullable" && len(t.arguments) == 1 {
		text = t.arguments[0] // NULL is the first distinct value, so the values need no null bytes
	}
	return wrap(text, func(inner column) column { return dictionary{inner} })
}

func (d dictionary) prefix(b *blocks) error {
	if _, err := b.number(); err != nil {
		return err
	}
	return d.inner.prefix(b)
}

func (d dictionary) values(b *blocks, rows uint64) error {
	const indexWidth, sharedDictionary = 0xff, 0x100
	if rows == 0 {
		return nil
	}
	flags, err := b.number()
	if err != nil {
		return err
	}
	if flags&sharedDictionary != 0 || flags&indexWidth > 3 {
		return fmt.Errorf("dictionary of a LowCardinality column has unknown flags %#x", flags)
	}
	keys, err := b.number()
	if err != nil {
		return err
	}
	if err := d.inner.values(b, keys); err != nil {
		return err
	}
	indexes, err := b.number()
	if err != nil {
		return err
	}
	return b.copy(indexes << (flags & indexWidth))
}

// variant has the number of its type for each row, then the values of each type.
type variant tuple

func (v variant) prefix(b *blocks) error {
	mode, err := b.number()
	if err != nil {
		return err
	}
	if mode != 0 {
		return fmt.Errorf("column of type Variant has unknown mode %d", mode)
	}
	return tuple(v).prefix(b)
}

func (v variant) values(b *blocks, rows uint64) error {
	counts := make([]uint64, len(v))
	for range rows {
		kind, err := b.byte()
		if err != nil {
			return err
		}
		if int(kind) < len(counts) { // 255 is NULL
			counts[kind]++
		}
	}
	for i, inner := range v {
		if err := inner.values(b, counts[i]); err != nil {
			return err
		}
	}
	return nil
}

// number passes eight bytes and gives them as a number.
func (b *blocks) number() (uint64, error) {
	head, err := b.src.Peek(8)
	if err != nil {
		return 0, unexpectedEnd(err)
	}
	n := binary.LittleEndian.Uint64(head)
	return n, b.copy(8)
}
