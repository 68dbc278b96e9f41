package schemas

import (
	"math/big"
	"strings"

	"github.com/quarterhour/quarterhour/schemas/internal/avsc"
)

// plainValue turns what goavro gives into plain Go values: union wrappers go, numbers become int64 or float64.
func plainValue(t *avsc.Type, v any) any {
	t, v = unwrap(t, v)
	switch v := v.(type) {
	case int32:
		return int64(v)
	case float32:
		return float64(v)
	case *big.Rat:
		f, _ := v.Float64()
		return f
	case []any:
		for i := range v {
			v[i] = plainValue(t.Items, v[i])
		}
	case map[string]any:
		if t.Kind == avsc.Map {
			for k := range v {
				v[k] = plainValue(t.Items, v[k])
			}
			return v
		}
		for _, f := range t.Fields {
			v[f.Name] = plainValue(f.Type, v[f.Name])
		}
	}
	return v
}

// unwrap finds the branch that goavro chose of a union, which it gives as a map from the branch's name to the value.
func unwrap(t *avsc.Type, v any) (*avsc.Type, any) {
	if t.Kind != avsc.Union {
		return t, v
	}
	for name, inner := range single(v) {
		for _, b := range t.Branches {
			if name == b.Name || name == b.Kind.String() || strings.HasPrefix(name, b.Kind.String()+".") {
				return b, inner
			}
		}
	}
	return &avsc.Type{Kind: avsc.Null}, nil
}

func single(v any) map[string]any {
	m, _ := v.(map[string]any)
	return m
}
