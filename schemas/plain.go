package schemas

import (
	"fmt"
	"reflect"
	"slices"
	"strings"

	"github.com/quarterhour/quarterhour/schemas/internal/avsc"
)

// goKinds is the Go kind that holds each Avro type in a record.
var goKinds = map[avsc.Kind]reflect.Kind{
	avsc.Null: reflect.Int64, avsc.Boolean: reflect.Bool, avsc.Int: reflect.Int32, avsc.Long: reflect.Int64,
	avsc.Float: reflect.Float32, avsc.Double: reflect.Float64, avsc.Bytes: reflect.Slice, avsc.String: reflect.String,
	avsc.Enum: reflect.Uint8, avsc.Map: reflect.Slice,
}

// plain reads a value where neither side is a union: the same type, or one that the specification promotes.
func (c *compiler) plain(w, r *avsc.Type, to target) error {
	if to.typ == nil || goKinds[r.Kind] != to.typ.Kind() {
		return fmt.Errorf("the Go record has no field for %s", r)
	}
	switch {
	case r.Kind == avsc.Enum && w.Kind == avsc.Enum:
		return c.enum(w, r, to)
	case r.Kind == avsc.Map && w.Kind == avsc.Map:
		return c.longMap(w, r, to)
	case w.Logical == "decimal" && (r.Kind == avsc.Long || r.Kind == avsc.Double):
		c.decimal(w, r, to)
		return nil
	case strings.HasPrefix(w.Logical, "local-timestamp-") && r.Logical == "timestamp-millis":
		return fmt.Errorf("the writer's %s has no time zone, and the reader's is an instant", w)
	}
	o := op{code: number(w, r), off: to.off}
	switch o.code {
	case opLong:
		o.code, o.k = unit(w, r, to.name)
	case opSetLong: // null
		o.k = Null
	case opFail:
		return fmt.Errorf("the writer's %s cannot be read as %s", w, r)
	}
	c.emit(o)
	return nil
}

// number is the operation that reads one primitive type as another, opFail where there is none.
func number(w, r *avsc.Type) opcode {
	type pair struct{ w, r avsc.Kind }
	switch (pair{w.Kind, r.Kind}) {
	case pair{avsc.Null, avsc.Null}:
		return opSetLong
	case pair{avsc.Boolean, avsc.Boolean}:
		return opBool
	case pair{avsc.Int, avsc.Int}:
		return opInt
	case pair{avsc.Int, avsc.Long}, pair{avsc.Long, avsc.Long}:
		return opLong
	case pair{avsc.Int, avsc.Float}, pair{avsc.Long, avsc.Float}:
		return opLongToFloat
	case pair{avsc.Int, avsc.Double}, pair{avsc.Long, avsc.Double}:
		return opLongToDouble
	case pair{avsc.Float, avsc.Float}:
		return opFloat
	case pair{avsc.Float, avsc.Double}:
		return opFloatToDouble
	case pair{avsc.Double, avsc.Double}:
		return opDouble
	case pair{avsc.String, avsc.String}, pair{avsc.Bytes, avsc.String}:
		return opString
	case pair{avsc.String, avsc.Bytes}, pair{avsc.Bytes, avsc.Bytes}:
		return opBytes
	}
	return opFail
}

// unit is how a long of the writer becomes a long of the reader where their logical types differ in unit: opLong as it is,
// else a division or multiplication by k. Avro leaves this to implementations; reading microseconds as milliseconds
// would be wrong a thousandfold.
//
// A time of day has no logical type on our side: the field's name says its unit, so time-micros is divided for a name that
// ends in _ms.
func unit(w, r *avsc.Type, name string) (opcode, int64) {
	instant := r.Logical == "timestamp-millis"
	switch {
	case instant && w.Logical == "timestamp-micros", w.Logical == "time-micros" && strings.HasSuffix(name, "_ms"):
		return opLongDivide, 1e3
	case instant && w.Logical == "timestamp-nanos":
		return opLongDivide, 1e6
	case instant && w.Logical == "date":
		return opLongTimes, 24 * 60 * 60 * 1000
	}
	return opLong, 0
}

// nullableLong is the numeric branch of a union of null and a whole number, in either order; nil for any other type.
func nullableLong(t *avsc.Type) *avsc.Type {
	if t.Kind != avsc.Union || len(t.Branches) != 2 {
		return nil
	}
	a, b := t.Branches[0], t.Branches[1]
	if b.Kind == avsc.Null {
		a, b = b, a
	}
	if a.Kind == avsc.Null && (b.Kind == avsc.Long || b.Kind == avsc.Int) {
		return b
	}
	return nil
}

// enum reads a symbol by its name: the writer's order does not matter, and a symbol the reader does not know becomes the
// default of the reader's enum.
func (c *compiler) enum(w, r *avsc.Type, to target) error {
	if !avsc.SameName(w, r) {
		return fmt.Errorf("the writer's enum %q is neither %q nor an alias of it", w.Name, r.Name)
	}
	fallback := int16(slices.Index(r.Symbols, r.Default)) // -1 where it has none
	table := make([]int16, len(w.Symbols))
	for i, s := range w.Symbols {
		if table[i] = int16(slices.Index(r.Symbols, s)); table[i] < 0 {
			table[i] = fallback
		}
	}
	c.p.tables = append(c.p.tables, table)
	c.emit(op{code: opEnum, off: to.off, arg: int32(len(c.p.tables) - 1)})
	return nil
}

// longMap reads a map with a program of its own for the values.
func (c *compiler) longMap(w, r *avsc.Type, to target) error {
	if to.typ != reflect.TypeFor[[]NamedValue]() {
		return fmt.Errorf("the Go record has no field for %s", r)
	}
	sub := compiler{p: &program{record: c.p.record}, known: c.known}
	sub.at(to.name)
	if err := sub.value(w.Items, r.Items, target{typ: reflect.TypeFor[int64](), name: to.name}); err != nil {
		return fmt.Errorf("map values: %w", err)
	}
	c.p.subs = append(c.p.subs, sub.p)
	c.emit(op{code: opMap, off: to.off, arg: int32(len(c.p.subs) - 1)})
	return nil
}

// decimal reads a decimal into a long, rounded half to even, or into a double.
func (c *compiler) decimal(w, r *avsc.Type, to target) {
	o := op{code: opDecimal, off: to.off, arg: int32(w.Scale) << 1, k: int64(w.Size)}
	if r.Kind == avsc.Double {
		o.arg++
	}
	if w.Kind == avsc.Fixed {
		o.code = opDecimalFixed
	}
	c.emit(o)
}
