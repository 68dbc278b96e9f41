package books

import (
	"bytes"
	"context"
	"sync"

	"golang.org/x/sync/errgroup"

	"github.com/quarterhour/quarterhour/internal/runtime"
)

// newest is what the topic of rows says about one row.
type newest struct {
	content  uint64 // of the greatest revision, see Row.content
	revision int64
	final    bool
	offset   int64
}

// newestRows are the newest revisions of the rows of a range, by key.
func newestRows(ctx context.Context, l *runtime.Ledger, r Range) (map[string]newest, error) {
	all := map[string]newest{}
	var mu sync.Mutex
	err := eachRevision(ctx, l, func(key []byte) bool { start, ok := startOf(key); return ok && r.has(start) }, func(m *runtime.RowMessage, row Row) error {
		mu.Lock()
		defer mu.Unlock()
		if old, ok := all[string(m.Key)]; !ok || row.Revision >= old.revision {
			all[string(m.Key)] = newest{row.content(), row.Revision, row.Final, m.Offset}
		}
		return nil
	})
	return all, err
}

// newestOf are whole rows, the newest revision of each, of the keys wanted.
func newestOf(ctx context.Context, l *runtime.Ledger, wanted func(key []byte) bool) (map[string]Row, error) {
	all := map[string]Row{}
	var mu sync.Mutex
	err := eachRevision(ctx, l, wanted, func(m *runtime.RowMessage, row Row) error {
		mu.Lock()
		defer mu.Unlock()
		if old, ok := all[string(m.Key)]; !ok || row.Revision >= old.Revision {
			all[string(m.Key)] = own(row)
		}
		return nil
	})
	return all, err
}

// eachRevision hands over every revision that the topic of rows still holds, from several partitions at a time.
func eachRevision(ctx context.Context, l *runtime.Ledger, wanted func(key []byte) bool, each func(*runtime.RowMessage, Row) error) error {
	ranges, err := l.Rows(ctx)
	if err != nil {
		return err
	}
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(4)
	for n, r := range ranges {
		group.Go(func() error {
			return l.ReadRows(ctx, n, r.First, r.Next, wanted, func(m *runtime.RowMessage) error {
				if row, ok := rowOf(m); ok {
					return each(m, row)
				}
				return nil
			})
		})
	}
	return group.Wait()
}

// own copies the texts of a row that belong to a buffer.
func own(r Row) Row {
	for _, s := range []*string{&r.Key.Kind, &r.Key.Tenant, &r.Key.AgentID, &r.Key.QueueID, &r.Key.Channel, &r.Names[0], &r.Names[1]} {
		*s = string(bytes.Clone([]byte(*s)))
	}
	for i := range r.Reasons {
		r.Reasons[i].Name = string(bytes.Clone([]byte(r.Reasons[i].Name)))
	}
	return r
}
