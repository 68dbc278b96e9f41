package schemas

import (
	"encoding/json"
	"fmt"
	"math"
	"slices"

	"github.com/quarterhour/quarterhour/schemas/internal/avsc"
)

// constant is the operation that writes a field's default. Of a union, the default is of the first branch that it suits.
func (c *compiler) constant(f *avsc.Field, to target) (op, error) {
	branches := []*avsc.Type{f.Type}
	if f.Type.Kind == avsc.Union {
		branches = f.Type.Branches
	}
	for _, t := range branches {
		if to.typ == nil || goKinds[t.Kind] != to.typ.Kind() {
			continue
		}
		if o, ok := c.literal(t, f.Default); ok {
			return o, nil
		}
	}
	return op{}, fmt.Errorf("default %s does not suit %s", f.Default, f.Type)
}

// literal reads a default as JSON of the type.
func (c *compiler) literal(t *avsc.Type, raw json.RawMessage) (op, bool) {
	switch t.Kind {
	case avsc.Null:
		return op{code: opSetLong, k: Null}, string(raw) == "null"
	case avsc.Map:
		var m map[string]json.RawMessage
		err := json.Unmarshal(raw, &m)
		return op{code: opSetMap}, err == nil && m != nil && len(m) == 0
	case avsc.Boolean:
		var v *bool
		if json.Unmarshal(raw, &v) != nil || v == nil {
			return op{}, false
		}
		o := op{code: opSetBool}
		if *v {
			o.k = 1
		}
		return o, true
	case avsc.String, avsc.Bytes, avsc.Enum:
		return c.literalText(t, raw)
	}
	return literalNumber(t, raw)
}

func (c *compiler) literalText(t *avsc.Type, raw json.RawMessage) (op, bool) {
	var v *string
	if json.Unmarshal(raw, &v) != nil || v == nil {
		return op{}, false
	}
	switch t.Kind {
	case avsc.Enum:
		i := slices.Index(t.Symbols, *v)
		return op{code: opSetEnum, k: int64(i)}, i >= 0
	case avsc.Bytes: // written as text whose code points are the bytes
		b := make([]byte, 0, len(*v))
		for _, r := range *v {
			if r > math.MaxUint8 {
				return op{}, false
			}
			b = append(b, byte(r))
		}
		return op{code: opSetBytes, arg: c.text(string(b))}, true
	}
	return op{code: opSetString, arg: c.text(*v)}, true
}

func literalNumber(t *avsc.Type, raw json.RawMessage) (op, bool) {
	switch t.Kind {
	case avsc.Int:
		var v *int32
		if json.Unmarshal(raw, &v) != nil || v == nil {
			return op{}, false
		}
		return op{code: opSetInt, k: int64(*v)}, true
	case avsc.Long:
		var v *int64
		if json.Unmarshal(raw, &v) != nil || v == nil {
			return op{}, false
		}
		return op{code: opSetLong, k: *v}, true
	case avsc.Float, avsc.Double:
		var v *float64
		if json.Unmarshal(raw, &v) != nil || v == nil {
			return op{}, false
		}
		if t.Kind == avsc.Float {
			return op{code: opSetFloat, k: int64(math.Float32bits(float32(*v)))}, true
		}
		return op{code: opSetDouble, k: int64(math.Float64bits(*v))}, true
	}
	return op{}, false
}
