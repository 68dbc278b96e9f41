package schemas

import (
	"fmt"
	"reflect"
	"unsafe"

	"github.com/quarterhour/quarterhour/schemas/internal/avsc"
)

// Decoder reads records that a producer wrote with its own schema, which may be older, newer or differently ordered than
// ours. Everything that depends on the schemas is worked out in NewDecoder. Safe for concurrent use.
type Decoder[T Record] struct {
	p *program
}

// NewDecoder makes a decoder from a writer's schema to our record, by Avro's schema resolution: fields matched by name or
// alias, writer's other fields skipped, ours filled from their defaults, numbers promoted, unions resolved branch by
// branch, enum symbols matched by name. Beyond the specification, it converts the writer's time units to ours and decimals to
// numbers. The error names the field that cannot be read and why.
func NewDecoder[T Record](writerJSON string) (*Decoder[T], error) {
	w, err := avsc.Parse(writerJSON)
	if err != nil {
		return nil, fmt.Errorf("writer's schema: %w", err)
	}
	p, err := compile(w, Of[T]().typ, reflect.TypeFor[T]())
	if err != nil {
		return nil, err
	}
	return &Decoder[T]{p: p}, nil
}

// Decode sets every field of rec from a payload without the wire format's header. It allocates nothing, but for growing a
// []NamedValue beyond the capacity that rec brings: strings and bytes in rec alias the payload, and live as long as that is
// not changed. Copy what must outlive it.
//
// An error names the record, the field and the byte, and leaves rec in part set. Bytes left after the record are an error:
// they mean that the payload was written with another schema.
func (d *Decoder[T]) Decode(payload []byte, rec *T) error {
	n, err := d.p.run(payload, 0, unsafe.Pointer(rec))
	if err != nil {
		return err
	}
	if n != len(payload) {
		return d.p.trailing(n, len(payload))
	}
	return nil
}
