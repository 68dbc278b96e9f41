package books

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/quarterhour/quarterhour/internal/runtime"
	"github.com/quarterhour/quarterhour/schemas"
	"github.com/quarterhour/quarterhour/transform"
)

// Rebuilt is what a rebuild found, and wrote.
type Rebuilt struct {
	Pipeline string      `json:"pipeline"`
	Facts    int64       `json:"facts"`    // read from the log
	TooLate  int64       `json:"too_late"` // of them, refused as too late by the pipeline, and counted here
	Rows     int64       `json:"rows"`     // of the range, that hold anything
	Changed  []RowChange `json:"changed"`  // in order of their keys
	Written  bool        `json:"written"`  // the changed rows were issued again; not so where it was only a try
	Pending  int64       `json:"pending"`  // facts that the pipeline had not folded yet when a try began
	shards   []*folded
	told     *reported // left alone: what sources report is not made of facts
	complete int64
}

// RowChange is a row that a rebuild changes.
type RowChange struct {
	Key      string   `json:"row_key"`
	Revision int64    `json:"revision"` // the one it is issued again with
	Cells    []Change `json:"cells"`
	row      Row
}

// RebuildOptions are a rebuild's range and what it needs.
type RebuildOptions struct {
	Range    Range
	Try      bool // only list what would change
	Progress Progress
	Many     int64 // how many records of a log are folded without finding out first which of them matter; 0: 20 million
	// Settle returns once all stages of the pipeline have taken what its topics hold. It is called before the log is read,
	// and again after the changed rows were written.
	Settle func(context.Context) error
}

// Rebuild folds the whole log again as if no fact had come too late, compares the rows of a range with the newest the pipeline
// has issued, and issues those that differ again, each with a greater revision. It may be repeated at any time: what an
// interrupted one has written is right.
func Rebuild(ctx context.Context, l *runtime.Ledger, o RebuildOptions) (*Rebuilt, error) {
	shards, err := l.Shards(ctx)
	if err != nil {
		return nil, err
	}
	b := &Rebuilt{Pipeline: l.Pipeline().Name}
	if o.Try {
		for _, s := range shards {
			b.Pending += s.Next - s.Committed
		}
	} else if shards, err = prepare(ctx, l, shards, o.Settle); err != nil {
		return nil, err
	}
	late, err := tooLate(ctx, l)
	if err != nil {
		return nil, err
	}
	only, err := b.narrow(ctx, l, shards, o)
	if err != nil {
		return nil, err
	}
	if err := b.fold(ctx, l, l.Options(), shards, late, only, o.Progress); err != nil {
		return nil, err
	}
	if b.told, err = readReported(ctx, l, wholeLog, o.Range); err != nil {
		return nil, err
	}
	issued, err := newestRows(ctx, l, o.Range)
	if err != nil {
		return nil, err
	}
	if err := b.compare(l.Options(), l.Feeds(), o.Range, issued, o.Progress); err != nil {
		return nil, err
	}
	if err := b.describe(ctx, l); err != nil || o.Try || len(b.Changed) == 0 {
		return b, err
	}
	if err := b.issue(ctx, l); err != nil {
		return nil, fmt.Errorf("issue the changed rows again: %w", err)
	}
	b.Written = true
	if err := o.Settle(ctx); err != nil {
		return nil, err
	}
	return b, b.mend(ctx, l)
}

// prepare repeats a promise in the log of every shard. What is issued again then has a revision of its own, greater than all
// that went before, and a running shard has folded as much as the rebuild will.
func prepare(ctx context.Context, l *runtime.Ledger, shards []runtime.ShardLog, settle func(context.Context) error) ([]runtime.ShardLog, error) {
	for i, s := range shards {
		if s.First > 0 {
			return nil, fmt.Errorf("the log of shard %q begins at offset %d: the facts before it are gone, and rows made of them would be lost; "+
				"keep the topics of facts for ever (retention.ms=-1)", s.Name, s.First)
		}
		source, through, err := lastPromise(ctx, l, s)
		if err != nil {
			return nil, err
		}
		if shards[i].Next, err = l.Note(ctx, s, source, through); err != nil {
			return nil, err
		}
	}
	if err := settle(ctx); err != nil {
		return nil, err
	}
	return shards, nil
}

// markKey is what follows the tenant in the key of a promise.
const markKey = "\x00mark\x00"

// lastPromise is the greatest promise of some source in the log; where none has made one, the least there can be.
func lastPromise(ctx context.Context, l *runtime.Ledger, s runtime.ShardLog) (source string, through int64, err error) {
	source, through = l.Pipeline().Sources[0].Name, schemas.Null
	err = l.ReadFacts(ctx, s, s.First, s.Next, func(key []byte) bool {
		_, rest, _ := cutZero(key)
		return strings.HasPrefix(string(rest), markKey)
	}, func(m *runtime.FactMessage) error {
		if m.Mark != nil && m.Mark.Fact == s.Fact && m.Mark.CompleteThrough > through {
			source, through = strings.Clone(m.Mark.Source), m.Mark.CompleteThrough
		}
		return nil
	})
	return source, through, err
}

// tooLate are the places of the facts that the pipeline refused because they came too late.
func tooLate(ctx context.Context, l *runtime.Ledger) (map[string]bool, error) {
	all := map[string]bool{}
	err := l.DeadLetters(ctx, func(d *schemas.DeadLetter) error {
		switch d.Reason {
		case transform.ReasonRetention, transform.ReasonLateSide, transform.ReasonLateDrop:
			all[strings.Clone(d.Location)] = true
		}
		return nil
	})
	return all, err
}

// manyFacts is how many records of a log are folded as they come, since they fit into memory. Of longer ones it is first found
// out which facts have to do with the range.
const manyFacts = 20_000_000

// narrow finds the facts that have to do with the range, by shard; nil where all of them are folded.
func (b *Rebuilt) narrow(ctx context.Context, l *runtime.Ledger, shards []runtime.ShardLog, o RebuildOptions) ([]map[uint64]bool, error) {
	var total int64
	for _, s := range shards {
		total += s.Next - s.First
	}
	if total <= cmp.Or(o.Many, manyFacts) || o.Range == Always {
		return nil, nil
	}
	return concerned(ctx, l, l.Options(), shards, o.Range, o.Progress, "look through the log of "+b.Pipeline)
}

// fold folds the log. late are the places of the facts that came too late; only, where not nil, the facts to fold, by shard.
func (b *Rebuilt) fold(ctx context.Context, l FactLog, o transform.Options, shards []runtime.ShardLog, late map[string]bool, only []map[uint64]bool, p Progress) (err error) {
	counted := make(map[*folded]*int64, len(shards))
	b.shards, err = refold(ctx, l, o.Unlimited(), shards, func(s runtime.ShardLog) int64 { return s.Next }, p, "rebuild "+b.Pipeline, func(f *folded) {
		n := new(int64)
		counted[f] = n
		for i := range only {
			if shards[i].Name == f.log.Name {
				f.only = only[i]
			}
		}
		if len(late) > 0 {
			f.skip = func(offset int64, r transform.Result) {
				if r.Outcome == transform.Applied && late[position(f.log.Topic, f.log.Partition, offset)] {
					*n++
				}
			}
		}
	})
	for _, f := range b.shards {
		b.TooLate += *counted[f]
		for _, o := range f.tenants {
			b.Facts += o.read
		}
	}
	return err
}

// describe puts the changed rows in order, and says what changes in each.
func (b *Rebuilt) describe(ctx context.Context, l *runtime.Ledger) error {
	changed := map[string]int{}
	slices.SortFunc(b.Changed, func(x, y RowChange) int {
		return cmp.Or(cmp.Compare(x.row.Key.Start, y.row.Key.Start), cmp.Compare(transform.FormatKey(x.row.Key), transform.FormatKey(y.row.Key)))
	})
	for i := range b.Changed {
		changed[string(appendKey(nil, b.Changed[i].row.Key))] = i
	}
	before, err := newestOf(ctx, l, func(key []byte) bool { _, ok := changed[string(key)]; return ok })
	if err != nil {
		return err
	}
	for key, i := range changed {
		c := &b.Changed[i]
		c.Key, c.Revision = transform.FormatKey(c.row.Key), b.revision(c.row)
		c.row.Revision = c.Revision
		was, ok := before[key]
		if !ok {
			c.Cells = diff(nil, &c.row)
		} else {
			c.Cells = diff(&was, &c.row)
		}
	}
	return nil
}

// feeds says whether facts of the shard may contribute to rows of the kind.
func feeds(shard *folded, kind string) bool {
	return shard.log.Fact == "contact" || kind == transform.KindAgent
}

// revision is the one that a merge gives to a row when every shard has issued its partial again.
func (b *Rebuilt) revision(r Row) (revision int64) {
	for _, s := range b.shards {
		if feeds(s, r.Key.Kind) {
			revision += 2 * s.to
		}
	}
	revision += 2 * b.told.revision(appendKey(nil, r.Key))
	if r.Final {
		revision++
	}
	return revision
}
