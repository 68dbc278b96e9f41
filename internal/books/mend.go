package books

import (
	"context"
	"fmt"

	"github.com/quarterhour/quarterhour/internal/runtime"
)

// mendings is how often a partial that a running shard writes again and again is put right.
const mendings = 5

// mend makes the newest partial of a shard the last one in the log. A shard at work may have handed on a newer partial of a
// row while its rebuilt one was on the way; a merge keeps the greater revision, but compaction keeps the last message.
func (b *Rebuilt) mend(ctx context.Context, l *runtime.Ledger) error {
	changed := map[string]bool{}
	for i := range b.Changed {
		changed[string(appendKey(nil, b.Changed[i].row.Key))] = true
	}
	for range mendings {
		n, err := mendOnce(ctx, l, func(key []byte) bool { return changed[string(key)] })
		if n == 0 || err != nil {
			return err
		}
	}
	return fmt.Errorf("shards write partials of rebuilt rows faster than these can be put in order: rebuild again when fewer facts come")
}

// mendOnce writes the partials again that stand before an older one of their shard and row, and returns how many there were.
func mendOnce(ctx context.Context, l *runtime.Ledger, wanted func(key []byte) bool) (mended int, err error) {
	ranges, err := l.Partials(ctx)
	if err != nil {
		return 0, err
	}
	for n, r := range ranges {
		greatest, overtaken := map[string]Row{}, map[string]string{}
		err := l.ReadPartials(ctx, n, r.First, r.Next, wanted, func(m *runtime.RowMessage) error {
			row, ok := rowOf(m)
			if !ok {
				return nil
			}
			id := m.Shard + "\x00" + string(m.Key)
			if before, ok := greatest[id]; ok && before.Revision > row.Revision {
				overtaken[id] = m.Shard
				return nil
			}
			greatest[id] = own(row)
			delete(overtaken, id)
			return nil
		})
		if err != nil {
			return mended, err
		}
		for id, shard := range overtaken {
			out := l.Reissue(shard)
			if err := emitRow(out, greatest[id]); err != nil {
				return mended, err
			}
			if err := out.Flush(ctx); err != nil {
				return mended, err
			}
			mended++
		}
	}
	return mended, nil
}
