package books

import (
	"context"
	goruntime "runtime"
	"sync/atomic"

	"github.com/cespare/xxhash/v2"
	"golang.org/x/sync/errgroup"

	"github.com/quarterhour/quarterhour/internal/runtime"
	"github.com/quarterhour/quarterhour/schemas"
	"github.com/quarterhour/quarterhour/transform"
)

// concerned finds, shard by shard, the facts that can have to do with a range: those of which some revision lies in it. A fold of
// them alone makes the same rows there as a fold of all, and holds no more in memory than the range needs.
func concerned(ctx context.Context, l FactLog, o transform.Options, shards []runtime.ShardLog, r Range, p Progress, what string) ([]map[uint64]bool, error) {
	session := o.MaxSession.Milliseconds()
	if session == 0 {
		session = transform.DefaultMaxSession.Milliseconds()
	}
	var total int64
	for _, s := range shards {
		total += s.Next - s.First
	}
	all := make([]map[uint64]bool, len(shards))
	var done atomic.Int64
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(goruntime.GOMAXPROCS(0))
	for i, s := range shards {
		group.Go(func() error {
			longest, err := concernedOf(ctx, l, s, r, session, &all[i], func(n int64) { p.Report(what, done.Add(n), total, "records") })
			if longest > session && err == nil { // a state ends those that began up to so long before it
				_, err = concernedOf(ctx, l, s, r, longest, &all[i], func(int64) {})
			}
			return err
		})
	}
	err := group.Wait()
	p.Report(what, total, total, "records")
	return all, err
}

// concernedOf looks through one shard. A state counts as long as it may hold or end another, reach; longest is the longest there is.
func concernedOf(ctx context.Context, l FactLog, s runtime.ShardLog, r Range, reach int64, into *map[uint64]bool, progress func(int64)) (longest int64, err error) {
	found, reported := map[uint64]bool{}, s.First
	*into = found
	err = l.ReadFacts(ctx, s, s.First, s.Next, nil, func(m *runtime.FactMessage) error {
		if m.Offset-reported >= reportEvery {
			progress(m.Offset - reported)
			reported = m.Offset
		}
		first, last := int64(schemas.Null), int64(schemas.Null)
		switch {
		case m.Contact != nil:
			first, last = span(m.Contact)
		case m.State != nil:
			first, last = m.State.StartedAt, m.State.EndedAt
		case m.Shift != nil:
			first, last = m.Shift.StartsAt, m.Shift.EndsAt
		}
		if m.State != nil && first != schemas.Null {
			if last != schemas.Null {
				longest = max(longest, last-first)
			}
			last = max(last, first+reach)
		}
		if first != schemas.Null && first < r.To && last >= r.From {
			found[hashOf(m)] = true
		}
		return nil
	})
	return longest, err
}

// hashOf tells identities apart. Two that share a hash only mean that one more is folded.
func hashOf(m *runtime.FactMessage) uint64 {
	switch {
	case m.Contact != nil:
		h := xxhash.Sum64String(m.Contact.InteractionID)
		return h*31 + xxhash.Sum64String(m.Contact.Segment)
	case m.State != nil:
		return transform.StateIdentity(m.State)[0]
	case m.Shift != nil:
		return transform.ShiftIdentity(m.Shift)[0]
	}
	return 0
}
