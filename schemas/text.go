package schemas

import (
	"encoding/json"
	"fmt"
	"math"
	"math/big"
	"slices"
	"time"
	"unicode/utf8"

	"github.com/quarterhour/quarterhour/schemas/internal/avsc"
)

// instantLayout is RFC 3339 with the milliseconds always there, so that lines align.
const instantLayout = "2006-01-02T15:04:05.000Z07:00"

// appendText adds a value of goavro's as JSON, records in their schema's field order.
func appendText(dst []byte, t *avsc.Type, v any) ([]byte, error) {
	t, v = unwrap(t, v)
	switch x := v.(type) {
	case []byte:
		if utf8.Valid(x) {
			v = string(x)
		}
	case float32:
		v = finite(float64(x))
	case float64:
		v = finite(x)
	case *big.Rat:
		return append(dst, x.FloatString(t.Scale)...), nil
	case time.Time:
		layout := instantLayout
		if t.Logical == "date" {
			layout = time.DateOnly
		}
		v = x.UTC().Format(layout)
	case time.Duration:
		v = x.String()
	case []any:
		return appendList(dst, t, x)
	case map[string]any:
		return appendObject(dst, t, x)
	}
	text, err := json.Marshal(v)
	if err != nil {
		return nil, fmt.Errorf("value %v: %w", v, err)
	}
	return append(dst, text...), nil
}

// finite is the number, or the name of one that JSON does not have.
func finite(f float64) any {
	if math.IsNaN(f) || math.IsInf(f, 0) {
		return fmt.Sprint(f)
	}
	return f
}

func appendList(dst []byte, t *avsc.Type, list []any) ([]byte, error) {
	dst = append(dst, '[')
	for i, v := range list {
		if i > 0 {
			dst = append(dst, ',')
		}
		var err error
		if dst, err = appendText(dst, t.Items, v); err != nil {
			return nil, err
		}
	}
	return append(dst, ']'), nil
}

func appendObject(dst []byte, t *avsc.Type, m map[string]any) ([]byte, error) {
	var keys []string
	typeOf := func(int) *avsc.Type { return t.Items }
	if t.Kind == avsc.Record {
		for _, f := range t.Fields {
			keys = append(keys, f.Name)
		}
		typeOf = func(i int) *avsc.Type { return t.Fields[i].Type }
	} else {
		for k := range m {
			keys = append(keys, k)
		}
		slices.Sort(keys)
	}
	dst = append(dst, '{')
	for i, k := range keys {
		if i > 0 {
			dst = append(dst, ',')
		}
		name, err := json.Marshal(k)
		if err != nil {
			return nil, err
		}
		dst = append(append(dst, name...), ':')
		if dst, err = appendText(dst, typeOf(i), m[k]); err != nil {
			return nil, err
		}
	}
	return append(dst, '}'), nil
}
