package pipkins

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/quarterhour/quarterhour/internal/wholefile"
	"github.com/quarterhour/quarterhour/sinks"
	"github.com/quarterhour/quarterhour/sinks/delivery"
	"github.com/quarterhour/quarterhour/sinks/horizon"
)

// requestItems is how many rows a request has at most: those of a few intervals, so that a file is not written again and again.
const requestItems = 10_000

// drop is where files go.
type drop interface {
	// put brings a file there as a whole, in the place of one of the same name.
	put(ctx context.Context, name string, content []byte) error
	close() error
}

// reader is a place whose files can be read back.
type reader interface {
	drop
	// get reads a file; there is false where there is none of that name.
	get(ctx context.Context, name string) (content []byte, there bool, err error)
}

// largestFile is how much of a file is read back, in bytes.
const largestFile = 256 << 20

// destination writes the files. Safe for concurrent use.
type destination struct {
	drop    drop
	names   names
	state   string
	sheets  map[string]*sheet
	horizon *horizon.Horizon
	log     *slog.Logger
}

func open(_ context.Context, options any, d sinks.Deps) (sinks.Delivering, error) {
	c, ok := options.(*Config)
	if !ok {
		return sinks.Delivering{}, fmt.Errorf("options are %T, not those of pipkins", options)
	}
	to := &destination{
		names: names{pattern: c.Name, dates: c.Dates, times: c.Times, pipeline: d.Pipeline, zone: cmp.Or(c.Zone, time.UTC), day: c.Files == "day"},
		state: c.State, sheets: map[string]*sheet{}, log: d.Log,
	}
	var err error
	if to.horizon, err = horizon.New(c.Keep, d.Retention, to.names.zone, d.Watch); err != nil {
		return sinks.Delivering{}, err
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
	var destination delivery.Destination = to
	if files, ok := to.drop.(reader); ok {
		destination = &verifier{to, files}
	}
	return sinks.Delivering{
		Destination: destination, Plan: delivery.Plan{Kinds: kinds, Items: requestItems, Concurrency: 2, ZeroRows: true}, Options: c.Options,
	}, nil
}

// Close implements delivery.Destination.
func (d *destination) Close() error { return d.drop.close() }

// file is one file that a request changes.
type file struct {
	sheet *sheet
	name  string // {sequence} left open
	set   string // folder of the state of its set's files
	day   string
	items []delivery.Item
	at    []int // their places in the request
}

// folder is that of the state, for all files of the day.
func (f *file) folder() string { return filepath.Join(f.set, f.day) }

// state is where what the file holds is remembered.
func (f *file) state() string { return filepath.Join(f.folder(), f.name+".json") }

// files tells which files items are in. wrong is called with those that cannot be in any.
func (d *destination) files(items []delivery.Item, wrong func(n int, err error)) ([]*file, error) {
	files := map[string]*file{}
	for n := range items {
		i := &items[n]
		s := d.sheets[kindOf(i)]
		if s == nil {
			return nil, fmt.Errorf("%s is no interval row", i.Key)
		}
		if err := s.check(i); err != nil {
			wrong(n, err)
			continue
		}
		f := &file{sheet: s, name: d.names.name(s.set, i.Tenant, i.Start), set: filepath.Join(d.state, clean(s.set)), day: d.horizon.Day(i.Start)}
		if have := files[f.state()]; have != nil {
			f = have
		} else {
			files[f.state()] = f
		}
		f.items, f.at = append(f.items, *i), append(f.at, n)
	}
	var list []*file
	for _, at := range slices.Sorted(maps.Keys(files)) {
		list = append(list, files[at])
	}
	return list, nil
}

// Send implements delivery.Destination.
func (d *destination) Send(ctx context.Context, items []delivery.Item) error {
	if err := d.forget(ctx); err != nil {
		return err
	}
	refused := &delivery.Refused{}
	files, err := d.files(items, func(n int, err error) {
		refused.Items = append(refused.Items, delivery.RefusedItem{Index: n, Reason: reason(err), Detail: err.Error()})
	})
	if err != nil {
		return err
	}
	for _, f := range files {
		err := d.update(ctx, f)
		if errors.Is(err, errForgotten) {
			for _, n := range f.at {
				refused.Items = append(refused.Items, delivery.RefusedItem{Index: n, Reason: horizon.Reason, Detail: d.horizon.Refusal(f.day, f.set)})
			}
			continue
		}
		if err != nil {
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
	if errors.Is(err, errRepeated) {
		return "repeated_hour"
	}
	return "column"
}

// errForgotten is the error of a file whose other rows are not remembered any more.
var errForgotten = errors.New("what the file holds is forgotten")

// lock locks the folder of a file's state, of which a day that is forgotten has none.
func (d *destination) lock(ctx context.Context, f *file) (unlock func() error, err error) {
	for {
		forgotten, err := horizon.Load(f.set)
		if err != nil {
			return nil, err
		}
		if forgotten.Has(f.day) {
			return nil, errForgotten
		}
		if err := os.MkdirAll(f.folder(), 0o750); err != nil {
			return nil, err
		}
		if unlock, err = wholefile.Lock(ctx, f.folder()); !errors.Is(err, fs.ErrNotExist) {
			return unlock, err
		} // it was removed meanwhile
	}
}

// update brings rows into a file. What it holds is remembered after it was written: rows that the other side refuses are not, and a
// crash in between leaves rows that nobody acknowledged, which come again.
func (d *destination) update(ctx context.Context, f *file) (err error) {
	unlock, err := d.lock(ctx, f)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, unlock()) }()
	h, err := load(f.state())
	if err != nil {
		return err
	}
	if !h.put(f.items) {
		return nil
	}
	content, err := f.sheet.content(h.Rows)
	if err != nil {
		return err
	}
	if len(content.lines) > 0 || h.Sequence > 0 { // a file without rows takes back those that it had
		h.Sequence++
		if err := d.drop.put(ctx, numbered(f.name, h.Sequence), f.sheet.render(content)); err != nil {
			return err
		}
	}
	return h.save(f.state())
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
