package file

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/quarterhour/quarterhour/internal/expression"
	"github.com/quarterhour/quarterhour/internal/wholefile"
	"github.com/quarterhour/quarterhour/sinks"
	"github.com/quarterhour/quarterhour/sinks/delivery"
)

// requestItems is how many rows a request has at most: each puts a new file in the place of the day's, so few and large ones cost least.
const requestItems = 50_000

// destination writes the files. Safe for concurrent use.
type destination struct {
	paths  paths
	tables map[string]*table
}

func open(_ context.Context, options any, d sinks.Deps) (sinks.Delivering, error) {
	c, ok := options.(*Config)
	if !ok {
		return sinks.Delivering{}, fmt.Errorf("options are %T, not those of file", options)
	}
	zone := d.Zone
	if zone == nil {
		zone = time.UTC
	}
	to := &destination{
		paths: paths{pattern: c.Path, pipeline: d.Pipeline, zone: zone}, tables: map[string]*table{},
	}
	for _, kind := range kinds {
		t, err := newTable(kind, c)
		if err != nil {
			return sinks.Delivering{}, fmt.Errorf("columns.%s: %w", kind, err)
		}
		to.tables[kind] = t
	}
	plan := delivery.Plan{Kinds: kinds, Items: requestItems, Joint: true}
	return sinks.Delivering{Destination: to, Plan: plan, Options: c.Options}, nil
}

// Close implements delivery.Destination.
func (d *destination) Close() error {
	for _, t := range d.tables {
		t.known.close()
	}
	return nil
}

// Send implements delivery.Destination.
func (d *destination) Send(ctx context.Context, items []delivery.Item) error {
	if len(items) == 0 {
		return nil
	}
	kind := kindOf(&items[0])
	t := d.tables[kind]
	refused := &delivery.Refused{}
	byPlace := map[place][]*row{}
	var values []expression.Value
	for n := range items {
		r, used, err := t.row(&items[n], values)
		if values = used; err != nil {
			refused.Items = append(refused.Items, delivery.RefusedItem{Index: n, Reason: "column", Detail: err.Error()})
			continue
		}
		to := d.paths.place(kind, &items[n])
		byPlace[to] = append(byPlace[to], r)
	}
	places := slices.SortedFunc(maps.Keys(byPlace), func(a, b place) int { return strings.Compare(d.paths.path(a), d.paths.path(b)) })
	for _, to := range places {
		rows := byPlace[to]
		slices.SortFunc(rows, (*row).compare)
		if err := d.put(ctx, t, to, rows); err != nil {
			return err
		}
	}
	if len(refused.Items) > 0 {
		return refused
	}
	return nil
}

// put brings rows into the file of their day.
func (d *destination) put(ctx context.Context, t *table, to place, rows []*row) (err error) {
	path := d.paths.path(to)
	var elsewhere []string
	if t.moves {
		for _, n := range d.paths.neighbours(to) {
			if _, err := os.Stat(d.paths.path(n)); err == nil {
				elsewhere = append(elsewhere, d.paths.path(n))
			}
		}
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	unlock, err := wholefile.LockAll(ctx, folders(append(elsewhere, path)...))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, unlock()) }()
	if t.moves {
		return t.move(ctx, path, elsewhere, rows)
	}
	old, err := t.layout(ctx, path)
	if err != nil {
		return err
	}
	return t.rewrite(ctx, &change{path: path, old: old, rows: rows})
}

// folders are those of files, in order.
func folders(paths ...string) []string {
	var dirs []string
	for _, path := range paths {
		dirs = append(dirs, filepath.Dir(path))
	}
	slices.Sort(dirs)
	return slices.Compact(dirs)
}
