package pipkins

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/quarterhour/quarterhour/internal/wholefile"
	"github.com/quarterhour/quarterhour/sinks"
	"github.com/quarterhour/quarterhour/sinks/delivery"
)

// requestItems is how many rows a request has at most: those of a few intervals, so that a file is not written again and again.
const requestItems = 10_000

// drop is where files go.
type drop interface {
	// put brings a file there as a whole, in the place of one of the same name.
	put(ctx context.Context, name string, content []byte) error
	close() error
}

// destination writes the files. Safe for concurrent use.
type destination struct {
	drop   drop
	names  names
	state  string
	sheets map[string]*sheet
}

func open(_ context.Context, options any, d sinks.Deps) (sinks.Delivering, error) {
	c, ok := options.(*Config)
	if !ok {
		return sinks.Delivering{}, fmt.Errorf("options are %T, not those of pipkins", options)
	}
	to := &destination{
		names: names{pattern: c.Name, dates: c.Dates, times: c.Times, pipeline: d.Pipeline, zone: cmp.Or(c.Zone, time.UTC), day: c.Files == "day"},
		state: c.State, sheets: map[string]*sheet{},
	}
	if to.state == "" {
		to.state = filepath.Join(c.Folder, ".quarterhour")
	}
	for _, kind := range kinds {
		s, err := newSheet(kind, c)
		if err != nil {
			return sinks.Delivering{}, fmt.Errorf("sets.%s: %w", defaults[kind].option, err)
		}
		to.sheets[kind] = s
	}
	if err := os.MkdirAll(to.state, 0o750); err != nil {
		return sinks.Delivering{}, fmt.Errorf("state: %w", err)
	}
	var err error
	switch {
	case c.SFTP != nil:
		to.drop, err = c.SFTP.open(d)
	case c.HTTPS != nil:
		to.drop, err = c.HTTPS.open(d)
	default:
		to.drop = folder(c.Folder)
	}
	if err != nil {
		return sinks.Delivering{}, err
	}
	return sinks.Delivering{
		Destination: to, Plan: delivery.Plan{Kinds: kinds, Items: requestItems, Concurrency: 2, ZeroRows: true}, Options: c.Options,
	}, nil
}

// Close implements delivery.Destination.
func (d *destination) Close() error { return d.drop.close() }

// file is one file that a request changes.
type file struct {
	sheet *sheet
	name  string // {sequence} left open
	state string // where what it holds is remembered
	items []delivery.Item
}

// Send implements delivery.Destination.
func (d *destination) Send(ctx context.Context, items []delivery.Item) error {
	refused := &delivery.Refused{}
	files := map[string]*file{}
	for n := range items {
		i := &items[n]
		s := d.sheets[kindOf(i)]
		if s == nil {
			return fmt.Errorf("%s is no interval row", i.Key)
		}
		if err := s.check(i); err != nil {
			refused.Items = append(refused.Items, delivery.RefusedItem{Index: n, Reason: reason(err), Detail: err.Error()})
			continue
		}
		name := d.names.name(s.set, i.Tenant, i.Start)
		state := filepath.Join(d.state, d.names.folder(s.set, i.Start), name+".json")
		f := files[state]
		if f == nil {
			f = &file{sheet: s, name: name, state: state}
			files[state] = f
		}
		f.items = append(f.items, *i)
	}
	for _, at := range slices.Sorted(maps.Keys(files)) {
		if err := d.update(ctx, files[at]); err != nil {
			return err
		}
	}
	if len(refused.Items) > 0 {
		return refused
	}
	return nil
}

func reason(err error) string {
	if errors.Is(err, errEncoding) {
		return "encoding"
	}
	return "column"
}

// update brings rows into a file. What it holds is remembered after it was written: rows that the other side refuses are not, and a
// crash in between leaves rows that nobody acknowledged, which come again.
func (d *destination) update(ctx context.Context, f *file) (err error) {
	dir := filepath.Dir(f.state)
	if err := os.MkdirAll(dir, 0o750); err != nil {
		return err
	}
	unlock, err := wholefile.Lock(ctx, dir)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, unlock()) }()
	h, err := load(f.state)
	if err != nil {
		return err
	}
	if !h.put(f.items) {
		return nil
	}
	content, n, err := f.sheet.render(h.Rows)
	if err != nil {
		return err
	}
	if n > 0 || h.Sequence > 0 { // a file without rows takes back those that it had
		h.Sequence++
		if err := d.drop.put(ctx, numbered(f.name, h.Sequence), content); err != nil {
			return err
		}
	}
	return h.save(f.state)
}

func kindOf(i *delivery.Item) string {
	switch {
	case i.Queue != nil:
		return "queue_interval"
	case i.AgentQueue != nil:
		return "agent_queue_interval"
	case i.Agent != nil:
		return "agent_interval"
	}
	return ""
}
