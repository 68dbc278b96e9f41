package calabrio

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/quarterhour/quarterhour/internal/spec"
	"github.com/quarterhour/quarterhour/sinks"
	"github.com/quarterhour/quarterhour/sinks/delivery"
	"github.com/quarterhour/quarterhour/sinks/horizon"
)

// rowsOfAFile is how many rows are written at once: an interval's files are written anew each time.
const rowsOfAFile = 5000

// logServer writes the three files of each interval.
type logServer struct {
	o       *LogServer
	folder  *folder
	fillers map[string]*filler // by kind
	horizon *horizon.Horizon
	log     *slog.Logger
	strange int // rows against the importer's rules so far; within folder.alone
}

func (o *Options) openLogServer(_ context.Context, d sinks.Deps) (sinks.Delivering, error) {
	l := o.LogServer
	to := &logServer{o: l, fillers: map[string]*filler{}, log: d.Log}
	for kind, given := range map[string]spec.Exprs{kindQueue: l.Queue, kindAgentQueue: l.AgentQueue, kindAgent: l.Agent} {
		t, err := newTable(kind, sheets[kind].columns, given)
		if err != nil {
			return sinks.Delivering{}, fmt.Errorf("sink %q: %w", d.Name, err)
		}
		to.fillers[kind] = &filler{sheet: sheets[kind], table: t, times: l.Times}
	}
	var err error
	if to.horizon, err = horizon.New(l.Keep, d.Retention, l.zone(), d.Watch); err != nil {
		return sinks.Delivering{}, fmt.Errorf("sink %q: %w", d.Name, err)
	}
	if to.folder, err = openFolder(&l.Times); err != nil {
		return sinks.Delivering{}, fmt.Errorf("sink %q: %w", d.Name, err)
	}
	return sinks.Delivering{
		Destination: to, Plan: delivery.Plan{Kinds: o.kinds(), Items: rowsOfAFile, Concurrency: 1, ZeroRows: true}, Options: o.Options,
	}, nil
}

// interval is what is kept of a file, to write it anew when a row of it is corrected.
type interval struct {
	Start int64           `json:"start"`
	Rows  map[string]kept `json:"rows"` // by key
}

type kept struct {
	Revision int64    `json:"revision"`
	Cells    []string `json:"cells"`
}

// Send writes the files of the items' intervals.
func (l *logServer) Send(ctx context.Context, items []delivery.Item) error {
	f := l.fillers[kindOf(&items[0])]
	out := &delivery.Refused{}
	err := l.folder.alone(ctx, func() error {
		if err := l.forget(); err != nil {
			return err
		}
		byStart := map[int64][]int{}
		for n := range items {
			byStart[items[n].Start] = append(byStart[items[n].Start], n)
		}
		for _, start := range slices.Sorted(maps.Keys(byStart)) {
			if err := ctx.Err(); err != nil {
				return err
			}
			if err := l.write(f, start, items, byStart[start], out); err != nil {
				return fmt.Errorf("write %s: %w", f.fileName(start, l.o.FileDate), err)
			}
		}
		return nil
	})
	if err == nil && len(out.Items) > 0 {
		return out
	}
	return err
}

// write brings one file up to date. What is kept is written first: a crash in between leaves an older file, which the items that
// were not acknowledged write anew.
func (l *logServer) write(f *filler, start int64, items []delivery.Item, which []int, out *delivery.Refused) error {
	name := f.fileName(start, l.o.FileDate)
	why, err := l.remembered(start)
	if err != nil {
		return err
	}
	if why != "" {
		for _, n := range which {
			out.Items = append(out.Items, delivery.RefusedItem{Index: n, Reason: horizon.Reason, Detail: why})
		}
		return nil
	}
	held, err := l.held(name, start)
	if err != nil {
		return err
	}
	ids := map[string]string{} // whose each id is
	for key, row := range held.Rows {
		ids[f.identity(row.Cells)] = key
	}
	for _, n := range which {
		i := &items[n]
		cells, err := f.cells(i)
		if err == nil && cells != nil {
			if other, taken := ids[f.identity(cells)]; taken && other != i.Key {
				err = &wrongField{f.table.columns[0].name, fmt.Sprintf("makes the row of %s another of %s: give it an expression that tells them apart, as queue_id + \"-\" + channel", i.Key, other)}
			}
		}
		if err != nil {
			out.Items = append(out.Items, refused(n, err))
			continue
		}
		if cells == nil {
			continue
		}
		if old, ok := held.Rows[i.Key]; ok {
			if old.Revision > i.Revision && !i.Again {
				continue
			}
			delete(ids, f.identity(old.Cells))
		}
		ids[f.identity(cells)] = i.Key
		held.Rows[i.Key] = kept{max(i.Revision, held.Rows[i.Key].Revision), cells}
		l.check(f, i.Key, cells)
	}
	if len(held.Rows) == 0 {
		return nil
	}
	text, err := json.Marshal(held)
	if err != nil {
		return err
	}
	if err := l.folder.replace(filepath.Join(l.folder.state, name+".json"), text); err != nil {
		return err
	}
	rows := make([][]string, 0, len(held.Rows))
	for _, row := range held.Rows {
		rows = append(rows, row.Cells)
	}
	return l.folder.replace(filepath.Join(l.folder.dir, name), f.render(rows))
}

// held is what is kept of a file.
func (l *logServer) held(name string, start int64) (*interval, error) {
	held := &interval{Start: start}
	path := filepath.Join(l.folder.state, name+".json")
	text, err := os.ReadFile(path)
	if err == nil {
		if err = json.Unmarshal(text, held); err != nil {
			err = fmt.Errorf("%s is not what was written there: %w; remove it, and the interval's rows are to be sent again", path, err)
		}
	} else if errors.Is(err, fs.ErrNotExist) {
		err = nil
	}
	if held.Rows == nil {
		held.Rows = map[string]kept{}
	}
	for key, row := range held.Rows {
		if len(row.Cells) < len(leading) {
			delete(held.Rows, key)
		}
	}
	return held, err
}

// check logs what the importer will complain about. The row is written: its figures are the sources'.
func (l *logServer) check(f *filler, key string, cells []string) {
	if what := f.sanity(cells); what != "" {
		l.strange++
		l.log.Warn("a row is against the importer's rules", "row", key, "rule", what, "rows_so_far", l.strange)
	}
}

// Verify compares rows with the files. An importer may have taken a file away: then what is kept of it is looked at, and where that is
// forgotten nothing.
func (l *logServer) Verify(ctx context.Context, items []delivery.Item, found func(item delivery.Item, how string)) error {
	return l.folder.alone(ctx, func() error {
		files := map[string]map[string]string{} // rows by identity, by name
		gone := map[string]bool{}               // of which only what is kept is looked at
		for n := range items {
			i := &items[n]
			f := l.fillers[kindOf(i)]
			want, err := f.cells(i)
			if err != nil {
				found(*i, err.Error())
				continue
			}
			if want == nil {
				continue
			}
			name := f.fileName(i.Start, l.o.FileDate)
			if _, read := files[name]; !read {
				if files[name], gone[name], err = l.rows(f, name, i.Start); err != nil {
					return err
				}
			}
			got, ok := files[name][f.identity(want)]
			switch row := strings.Join(want, ";"); {
			case files[name] == nil:
			case !ok:
				found(*i, "is not in "+name)
			case got != row:
				found(*i, fmt.Sprintf("is %s in %s, and should be %s", got, name, row))
			case !gone[name]:
				found(*i, "")
			}
		}
		return nil
	})
}

// rows are the rows of a file by their ids, or what is kept of one that is gone; nil: that is forgotten.
func (l *logServer) rows(f *filler, name string, start int64) (list map[string]string, gone bool, err error) {
	list = map[string]string{}
	text, err := os.ReadFile(filepath.Join(l.folder.dir, name))
	if errors.Is(err, fs.ErrNotExist) {
		if why, err := l.remembered(start); why != "" || err != nil {
			return nil, true, err
		}
		held, err := l.held(name, start)
		for _, row := range held.Rows {
			list[f.identity(row.Cells)] = strings.Join(row.Cells, ";")
		}
		return list, true, err
	}
	if err != nil {
		return nil, false, err
	}
	for n, line := range strings.Split(string(text), "\r\n") {
		if cells := strings.Split(line, ";"); n > 2 && len(cells) == len(leading)+len(f.table.columns) {
			list[f.identity(cells)] = line
		}
	}
	return list, false, nil
}

// Close implements delivery.Destination.
func (l *logServer) Close() error { return nil }

var _ delivery.Verifier = (*logServer)(nil)
