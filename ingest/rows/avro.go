package rows

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/quarterhour/quarterhour/internal/expression"
	"github.com/quarterhour/quarterhour/schemas"
)

// Avro reads an Avro object container file.
type Avro struct {
	rows  *schemas.Container
	paths [][]string
	nulls []string
	row   map[string]any
}

// NewAvro reads the values at paths, each into the slot of its number.
func NewAvro(c *schemas.Container, paths [][]string, nulls []string) *Avro {
	return &Avro{rows: c, paths: paths, nulls: nulls}
}

// Next is the number of rows read.
func (c *Avro) Next() int64 { return c.rows.Row() }

func (c *Avro) Read(e *expression.Env) error {
	var err error
	c.row, err = c.rows.Next()
	var bad *schemas.RowError
	if errors.As(err, &bad) {
		return &Error{"avro", bad}
	}
	if err != nil {
		return err
	}
	for slot, path := range c.paths {
		if e.Values[slot], err = treeValue(c.row, path, c.nulls); err != nil {
			return &Error{"avro", err}
		}
	}
	return nil
}

// treeValue is the value at a path of nested maps.
func treeValue(v any, path, nulls []string) (expression.Value, error) {
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
		if v == "" || slices.Contains(nulls, v) {
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

// Position is the number of the last row.
func (c *Avro) Position() string { return fmt.Sprintf("record %d", c.rows.Row()) }

// Raw is the row as JSON: what it was before decoding is compressed together with its neighbours.
func (c *Avro) Raw() []byte {
	row, _ := json.Marshal(c.row) // without it the dead letter still says where the row stands
	return row
}
