package schemas

import (
	"encoding/binary"
	"math"
	"reflect"
	"slices"
	"unsafe"

	"github.com/quarterhour/quarterhour/schemas/internal/avsc"
)

// Encoder writes records with our own schema, the one that Of gives. Safe for concurrent use.
type Encoder[T Record] struct {
	ops []encodeOp
}

// NewEncoder makes the encoder of a record type.
func NewEncoder[T Record]() *Encoder[T] {
	return &Encoder[T]{ops: compileEncoder(Of[T]().typ, reflect.TypeFor[T]())}
}

// Append adds the record's Avro payload to dst. It allocates nothing where dst has the capacity.
//
// An enum value that the schema does not have is written as the enum's default: readers could not decode it.
func (e *Encoder[T]) Append(dst []byte, rec *T) []byte {
	return appendRecord(dst, e.ops, unsafe.Pointer(rec))
}

// AppendWire adds the record in the Confluent wire format, under the id that the registry gave Of's schema.
func (e *Encoder[T]) AppendWire(dst []byte, id int, rec *T) []byte {
	return appendRecord(appendWire(dst, id), e.ops, unsafe.Pointer(rec))
}

// encodeOp writes one field.
type encodeOp struct {
	kind     avsc.Kind
	nullable bool // a union with null as its first branch
	symbols  uint8
	fallback uint8 // symbol written for a value outside the enum
	off      uint32
}

func compileEncoder(schema *avsc.Type, record reflect.Type) []encodeOp {
	var ops []encodeOp
	for _, f := range schema.Fields {
		o := encodeOp{kind: f.Type.Kind}
		if f.Type.Kind == avsc.Union {
			o.kind, o.nullable = f.Type.Branches[1].Kind, true
		}
		if o.kind == avsc.Enum {
			o.symbols = uint8(len(f.Type.Symbols))
			o.fallback = uint8(max(0, slices.Index(f.Type.Symbols, f.Type.Default)))
		}
		for _, g := range reflect.VisibleFields(record) {
			if g.Tag.Get("avro") == f.Name {
				o.off = uint32(g.Offset)
			}
		}
		ops = append(ops, o)
	}
	return ops
}

func appendRecord(dst []byte, ops []encodeOp, base unsafe.Pointer) []byte {
	for i := range ops {
		o := &ops[i]
		at := unsafe.Add(base, o.off)
		switch o.kind {
		case avsc.String, avsc.Bytes: // a slice starts with the same two words as a string
			s := *(*string)(at)
			dst = append(appendLong(dst, int64(len(s))), s...)
		case avsc.Long:
			v := *(*int64)(at)
			if o.nullable {
				if v == Null {
					dst = append(dst, 0)
					continue
				}
				dst = append(dst, 2)
			}
			dst = appendLong(dst, v)
		case avsc.Boolean:
			dst = append(dst, *(*byte)(at))
		case avsc.Enum:
			v := *(*uint8)(at)
			if v >= o.symbols {
				v = o.fallback
			}
			dst = appendLong(dst, int64(v))
		case avsc.Int:
			dst = appendLong(dst, int64(*(*int32)(at)))
		case avsc.Map:
			dst = appendMap(dst, *(*[]NamedValue)(at))
		case avsc.Float:
			dst = binary.LittleEndian.AppendUint32(dst, math.Float32bits(*(*float32)(at)))
		case avsc.Double:
			dst = binary.LittleEndian.AppendUint64(dst, math.Float64bits(*(*float64)(at)))
		}
	}
	return dst
}

// appendMap writes a map as one block and the block that ends it.
func appendMap(dst []byte, entries []NamedValue) []byte {
	if len(entries) > 0 {
		dst = appendLong(dst, int64(len(entries)))
		for i := range entries {
			e := &entries[i]
			dst = append(appendLong(dst, int64(len(e.Name))), e.Name...)
			dst = appendLong(dst, e.Value)
		}
	}
	return append(dst, 0)
}
