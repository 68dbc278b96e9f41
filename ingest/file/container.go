package file

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/quarterhour/quarterhour/internal/expression"
	"github.com/quarterhour/quarterhour/schemas"
)

// container reads an Avro object container file.
type container struct {
	rows  *schemas.Container
	paths [][]string
	nulls []string
	row   map[string]any
}

func (c *container) read(e *expression.Env) error {
	var err error
	c.row, err = c.rows.Next()
	var bad *schemas.RowError
	if errors.As(err, &bad) {
		return &rowError{"avro", bad}
	}
	if err != nil {
		return err
	}
	for slot, path := range c.paths {
		if e.Values[slot], err = c.value(path); err != nil {
			return &rowError{"avro", err}
		}
	}
	return nil
}

func (c *container) value(path []string) (expression.Value, error) {
	var v any = c.row
	for _, name := range path {
		m, ok := v.(map[string]any)
		if !ok {
			return expression.Value{}, nil
		}
		v = m[name]
	}
	switch v := v.(type) {
	case nil:
		return expression.Value{}, nil
	case string:
		if v == "" || slices.Contains(c.nulls, v) {
			return expression.Value{}, nil
		}
		return expression.TextOf(v), nil
	case []byte:
		return expression.TextOf(string(v)), nil
	case bool:
		return expression.BoolOf(v), nil
	case int64:
		return expression.IntOf(v), nil
	case float64:
		return expression.FloatOf(v), nil
	case time.Time:
		return expression.InstantOf(v.UnixMilli()), nil
	case time.Duration:
		return expression.DurationOf(v.Milliseconds()), nil
	}
	nested, err := json.Marshal(v)
	return expression.JSONOf(string(nested)), err
}

func (c *container) position() string { return fmt.Sprintf("record %d", c.rows.Row()) }

// raw is the row as JSON: what it was before decoding is compressed together with its neighbours.
func (c *container) raw() []byte {
	row, _ := json.Marshal(c.row) // without it the dead letter still says where the row stands
	return row
}
