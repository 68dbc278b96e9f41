package schemas

import (
	"errors"
	"fmt"

	"github.com/linkedin/goavro/v2"

	"github.com/quarterhour/quarterhour/schemas/internal/avsc"
)

// GenericDecoder reads records whose schema is known only at run time: in dead letters, in files, in topics of others. It
// decodes with goavro, an order of magnitude slower than a Decoder. Safe for concurrent use.
type GenericDecoder struct {
	codec *goavro.Codec
	typ   *avsc.Type
	shape *shape
}

// Generic makes a decoder for any record schema.
func Generic(writerJSON string) (*GenericDecoder, error) {
	t, err := avsc.Parse(writerJSON)
	if err != nil {
		return nil, err
	}
	if t.Kind != avsc.Record {
		return nil, fmt.Errorf("schema defines %s, not a record", t)
	}
	codec, err := goavro.NewCodec(writerJSON)
	if err != nil {
		return nil, fmt.Errorf("schema %q: %w", t.Name, err)
	}
	check := shapes{known: map[*avsc.Type]*shape{}, full: true}
	return &GenericDecoder{codec: codec, typ: t, shape: check.of(t)}, nil
}

// Decode gives the record as plain Go values by field name: nil, bool, int64, float64, string, []byte, time.Time for dates
// and instants, time.Duration for times of day, []any and map[string]any. Unions appear as the value they hold.
func (d *GenericDecoder) Decode(payload []byte) (map[string]any, error) {
	native, err := d.native(payload)
	if err != nil {
		return nil, err
	}
	return plainValue(d.typ, native).(map[string]any), nil
}

// Text gives the record as one line of JSON in the schema's field order: instants in RFC 3339, bytes that are not text in
// base64, decimals in full.
func (d *GenericDecoder) Text(payload []byte) ([]byte, error) {
	native, err := d.native(payload)
	if err != nil {
		return nil, err
	}
	return appendText(nil, d.typ, native)
}

func (d *GenericDecoder) native(payload []byte) (any, error) {
	native, rest, err := d.next(payload)
	if err != nil {
		return nil, err
	}
	if len(rest) > 0 {
		return nil, fmt.Errorf("record %q: %d bytes are left after it: the payload was written with another schema", d.typ.ShortName(), len(rest))
	}
	return native, nil
}

// next decodes the record at the start of buf. The bytes are walked before goavro sees them: it reserves memory for as many
// array items as a corrupt count claims.
func (d *GenericDecoder) next(buf []byte) (native any, rest []byte, err error) {
	if d.shape.skip(buf, 0, 0) < 0 {
		return nil, nil, d.misfit(buf)
	}
	native, rest, err = d.codec.NativeFromBinary(buf)
	if err != nil {
		return nil, nil, fmt.Errorf("record %q: %w", d.typ.ShortName(), err)
	}
	if _, ok := native.(map[string]any); !ok {
		return nil, nil, errors.New("schema did not give a record")
	}
	return native, rest, nil
}

// misfit names the first field that the bytes do not fit.
func (d *GenericDecoder) misfit(buf []byte) error {
	pos := 0
	for i, part := range d.shape.parts {
		next := part.skip(buf, pos, 1)
		if next < 0 {
			return fmt.Errorf("record %q, field %q, byte %d: the bytes do not match the writer's schema", d.typ.ShortName(), d.typ.Fields[i].Name, pos)
		}
		pos = next
	}
	return fmt.Errorf("record %q: the bytes do not match the writer's schema", d.typ.ShortName())
}
