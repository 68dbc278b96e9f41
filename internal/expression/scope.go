package expression

import (
	"slices"
	"strings"
)

// Columns says which names an expression may use and where their values stand in Env.Values.
type Columns interface {
	// Column finds a column by its path, which has one element but for nested data (a.b). Any is a right type for what is
	// known only when it runs.
	Column(path []string) (slot int, kind Kind, ok bool)
	// Names lists all columns, for the nearest right name. Nil where there is no such list.
	Names() []string
}

// Named is a fixed list of columns of one kind; a column's slot is its index.
type Named struct {
	List []string
	Kind Kind
}

// Column finds a column by name.
func (n Named) Column(path []string) (int, Kind, bool) {
	if len(path) != 1 {
		return 0, Nil, false
	}
	i := slices.Index(n.List, path[0])
	return i, n.Kind, i >= 0
}

// Names lists the columns.
func (n Named) Names() []string { return n.List }

// Open takes any path for a column, and gives out slots in the order they are first seen: for data that has no header.
type Open struct {
	Paths [][]string
	slots map[string]int
}

// Column finds or makes the column.
func (o *Open) Column(path []string) (int, Kind, bool) {
	key := strings.Join(path, "\x00")
	slot, ok := o.slots[key]
	if !ok {
		if o.slots == nil {
			o.slots = make(map[string]int)
		}
		slot = len(o.Paths)
		o.slots[key] = slot
		o.Paths = append(o.Paths, slices.Clone(path))
	}
	return slot, Any, true
}

// Names is nil: there is no wrong name.
func (o *Open) Names() []string { return nil }
