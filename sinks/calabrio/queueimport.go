package calabrio

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/quarterhour/quarterhour/internal/clock"
	"github.com/quarterhour/quarterhour/sinks"
	"github.com/quarterhour/quarterhour/sinks/delivery"
)

// importFields is how many fields a row of queue data has, all of which must be there.
const importFields = 21

// queueImport writes files for the import of queue data.
type queueImport struct {
	o      *QueueImport
	folder *folder
	filler *filler
	watch  clock.Watch
	last   string // name of the newest file, without its end; within folder.alone
	queues owners
}

func (o *Options) openQueueImport(d sinks.Deps) (sinks.Delivering, error) {
	q := o.QueueImport
	t, err := newTable(kindQueue, sheets[kindQueue].columns, q.Fields)
	if err != nil {
		return sinks.Delivering{}, fmt.Errorf("sink %q: %w", d.Name, err)
	}
	to := &queueImport{o: q, filler: &filler{sheet: sheets[kindQueue], table: t, times: q.Times}, watch: d.Watch}
	if to.folder, err = openFolder(&q.Times); err != nil {
		return sinks.Delivering{}, fmt.Errorf("sink %q: %w", d.Name, err)
	}
	return sinks.Delivering{
		Destination: to, Plan: delivery.Plan{Kinds: o.kinds(), Items: rowsOfAFile, Concurrency: 1, ZeroRows: true}, Options: o.Options,
	}, nil
}

// Send writes one file. A correction is a row of a later file: the import replaces what it had.
func (q *queueImport) Send(ctx context.Context, items []delivery.Item) error {
	type row struct {
		start    int64
		identity string
		line     string
	}
	var rows []row
	out := &delivery.Refused{}
	for n := range items {
		i := &items[n]
		cells, err := q.filler.cells(i)
		if err == nil {
			err = q.queues.claim("queue", q.filler.identity(cells), i.Queue.QueueID+"\x00"+i.Queue.Channel)
		}
		if err != nil {
			out.Items = append(out.Items, refused(n, err))
			continue
		}
		rows = append(rows, row{i.Start, q.filler.identity(cells), strings.Join(cells, ";")})
	}
	slices.SortFunc(rows, func(a, b row) int {
		return cmp.Or(cmp.Compare(a.start, b.start), strings.Compare(a.identity, b.identity))
	})
	var b strings.Builder
	for _, r := range rows {
		b.WriteString(r.line + "\r\n")
	}
	if len(rows) > 0 {
		if err := q.folder.alone(ctx, func() error { return q.write([]byte(b.String())) }); err != nil {
			return fmt.Errorf("write a file of queue data: %w", err)
		}
	}
	if len(out.Items) > 0 {
		return out
	}
	return nil
}

// write gives the file a name that none has had, and that comes after all others.
func (q *queueImport) write(text []byte) error {
	if q.last == "" {
		entries, err := os.ReadDir(q.folder.dir)
		if err != nil {
			return err
		}
		for _, e := range entries {
			if q.ours(e) {
				q.last = strings.TrimSuffix(e.Name(), "."+q.o.Extension)
			}
		}
	}
	base := q.o.Prefix + "_" + q.watch.Now().UTC().Format("20060102T150405.000000000")
	if last, _, _ := strings.Cut(q.last, "_n"); base < last { // the clock was set back
		base = last
	}
	for n := 0; ; n++ {
		name := fmt.Sprintf("%s_n%03d", base, n)
		if name <= q.last {
			continue
		}
		path := filepath.Join(q.folder.dir, name+"."+q.o.Extension)
		if _, err := os.Lstat(path); err == nil {
			continue
		} else if !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		q.last = name
		return q.folder.replace(path, text)
	}
}

// ours says whether a file in the folder is one of those that are written here. They are listed in the order of their names, which is
// that of their writing.
func (q *queueImport) ours(e fs.DirEntry) bool {
	return e.Type().IsRegular() && strings.HasPrefix(e.Name(), q.o.Prefix+"_") && filepath.Ext(e.Name()) == "."+q.o.Extension
}

// Verify looks for the rows in the files that are still in the folder, of which the last that has a row counts. Rows whose files are
// gone, as importers take them, cannot be looked at.
func (q *queueImport) Verify(ctx context.Context, items []delivery.Item, found func(item delivery.Item, how string)) error {
	held := map[string]string{}
	err := q.folder.alone(ctx, func() error {
		entries, err := os.ReadDir(q.folder.dir)
		for _, e := range entries {
			if !q.ours(e) {
				continue
			}
			text, err := os.ReadFile(filepath.Join(q.folder.dir, e.Name()))
			if errors.Is(err, fs.ErrNotExist) {
				continue // an importer took it just now
			} else if err != nil {
				return err
			}
			for line := range strings.SplitSeq(string(text), "\r\n") {
				if cells := strings.Split(line, ";"); len(cells) == importFields {
					held[strings.Join(cells[1:4], ";")] = line
				}
			}
		}
		return err
	})
	if err != nil {
		return fmt.Errorf("read the files of queue data: %w", err)
	}
	for n := range items {
		want, err := q.filler.cells(&items[n])
		if err != nil {
			found(items[n], err.Error())
			continue
		}
		got, ok := held[strings.Join(want[1:4], ";")]
		switch row := strings.Join(want, ";"); {
		case !ok:
		case got == row:
			found(items[n], "")
		default:
			found(items[n], fmt.Sprintf("is %s, and should be %s", got, row))
		}
	}
	return nil
}

// Close implements delivery.Destination.
func (q *queueImport) Close() error { return nil }

var _ delivery.Verifier = (*queueImport)(nil)
