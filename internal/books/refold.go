package books

import (
	"cmp"
	"context"
	"fmt"
	"math"
	goruntime "runtime"
	"slices"
	"strings"
	"sync/atomic"

	"golang.org/x/sync/errgroup"

	"github.com/quarterhour/quarterhour/internal/runtime"
	"github.com/quarterhour/quarterhour/schemas"
	"github.com/quarterhour/quarterhour/transform"
)

// Progress shows how far a long piece of work is. Safe for concurrent use.
type Progress interface {
	Report(what string, done, total int64, unit string)
}

// FactLog is what a fold reads: a runtime.Ledger, or what a benchmark puts in its place.
type FactLog interface {
	ReadFacts(ctx context.Context, s runtime.ShardLog, from, to int64, wanted func(key []byte) bool, each func(*runtime.FactMessage) error) error
}

// folded is one shard, folded again from its log.
type folded struct {
	*transform.Shard
	log        runtime.ShardLog
	to         int64 // the offset behind what was folded
	tenants    map[string]*tenantBook
	last       *tenantBook
	unreadable int64                                  // facts that never reached the shard
	emitter    transform.Emitter                      // where given, takes the partials that change before each mark
	only       map[uint64]bool                        // where given, the facts to fold: others are only counted
	skip       func(offset int64, r transform.Result) // where given, sees every fact
}

// tenantBook is the bookkeeping of one tenant in one partition.
type tenantBook struct {
	Outcomes
	tenant  string
	read    int64
	refused []refusal // the facts that are too late or rejected
}

type refusal struct {
	offset int64
	reason string
}

// Outcomes is what became of the facts of one tenant in one partition.
type Outcomes struct {
	Applied    int64 `json:"applied"`
	Duplicate  int64 `json:"duplicate"`
	Superseded int64 `json:"superseded"`
	TooLate    int64 `json:"too_late"`
	Rejected   int64 `json:"rejected"` // those that cannot be decoded, or that an expression fails on, too
}

func (o *Outcomes) add(outcome transform.Outcome) {
	switch outcome {
	case transform.Applied:
		o.Applied++
	case transform.Duplicate:
		o.Duplicate++
	case transform.Superseded:
		o.Superseded++
	case transform.TooLate:
		o.TooLate++
	default:
		o.Rejected++
	}
}

func (o Outcomes) sum() int64 { return o.Applied + o.Duplicate + o.Superseded + o.TooLate + o.Rejected }

// refold folds the logs of all shards, as many at a time as there are processors, the longest first. to is how far each is
// read; prepare, where not nil, may set what a fold does besides.
func refold(ctx context.Context, l FactLog, o transform.Options, shards []runtime.ShardLog, to func(runtime.ShardLog) int64, p Progress, what string, prepare func(*folded)) ([]*folded, error) {
	all := make([]*folded, len(shards))
	order := make([]int, len(shards))
	var total int64
	for i, s := range shards {
		shard, err := transform.NewShard(s.Name, o)
		if err != nil {
			return nil, err
		}
		order[i], all[i] = i, &folded{Shard: shard, log: s, to: to(s), tenants: map[string]*tenantBook{}}
		if prepare != nil {
			prepare(all[i])
		}
		total += max(0, all[i].to-s.First)
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(all[b].to-all[b].log.First, all[a].to-all[a].log.First) })
	var done atomic.Int64
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(goruntime.GOMAXPROCS(0))
	for _, i := range order {
		group.Go(func() error {
			return all[i].run(ctx, l, func(n int64) { p.Report(what, done.Add(n), total, "records") })
		})
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	p.Report(what, total, total, "records")
	return all, nil
}

// reportEvery is how many records are folded between reports of progress.
const reportEvery = 1 << 14

func (f *folded) run(ctx context.Context, l FactLog, progress func(int64)) error {
	reported := f.log.First
	return l.ReadFacts(ctx, f.log, f.log.First, f.to, nil, func(m *runtime.FactMessage) error {
		if m.Offset-reported >= reportEvery {
			progress(m.Offset - reported)
			reported = m.Offset
		}
		return f.take(m)
	})
}

func (f *folded) take(m *runtime.FactMessage) error {
	if m.Mark != nil {
		if f.emitter != nil {
			if err := f.Emit(f.emitter); err != nil {
				return err
			}
		}
		f.Mark(m.Mark, m.Offset)
		return nil
	}
	book := f.book(m)
	book.read++
	if f.only != nil && !f.only[hashOf(m)] && m.Reason == "" {
		return nil
	}
	f.Arrived(m.Arrived)
	r := transform.Result{Outcome: transform.Rejected, Reason: m.Reason}
	switch {
	case m.Contact != nil:
		r = f.Contact(m.Contact, m.Offset)
	case m.State != nil:
		r = f.State(m.State, m.Offset)
	case m.Shift != nil:
		r = f.Shift(m.Shift, m.Offset)
	default:
		f.unreadable++
	}
	book.add(r.Outcome)
	if r.Outcome == transform.TooLate || r.Outcome == transform.Rejected {
		book.refused = append(book.refused, refusal{m.Offset, r.Reason})
	}
	if f.skip != nil {
		f.skip(m.Offset, r)
	}
	return nil
}

// book is that of the tenant whose fact a message is.
func (f *folded) book(m *runtime.FactMessage) *tenantBook {
	tenant := ""
	switch {
	case m.Contact != nil:
		tenant = m.Contact.Tenant
	case m.State != nil:
		tenant = m.State.Tenant
	case m.Shift != nil:
		tenant = m.Shift.Tenant
	default:
		tenant = tenantOf(m.Key)
	}
	if f.last == nil || f.last.tenant != tenant {
		if f.last = f.tenants[tenant]; f.last == nil {
			f.last = &tenantBook{tenant: strings.Clone(tenant)}
			f.tenants[f.last.tenant] = f.last
		}
	}
	return f.last
}

// tenantOf is the tenant in the key of a fact that says no more.
func tenantOf(key []byte) string {
	tenant, _, _ := cutZero(key)
	return string(tenant)
}

func cutZero(b []byte) (before, after []byte, found bool) {
	if i := slices.Index(b, 0); i >= 0 {
		return b[:i], b[i+1:], true
	}
	return b, nil, false
}

// Range is a stretch of intervals: those that start in [From, To), milliseconds since 1970.
type Range struct{ From, To int64 }

func (r Range) has(start int64) bool { return start >= r.From && start < r.To }

const dayMs = 24 * 3600 * 1000

// Always is every interval there can be.
var Always = Range{math.MinInt64, math.MaxInt64}

// chunk is how much time the rows are of that are held at once.
const chunk = dayMs / 4

// chunks cuts the stretch; what lies outside [first, last] is left out.
func (r Range) chunks(first, last int64) []Range {
	r.From, r.To = max(r.From, first), min(r.To, last+1)
	var all []Range
	for at := r.From; at < r.To; at += chunk {
		all = append(all, Range{at, min(at+chunk, r.To)})
	}
	return all
}

// tally merges partials into rows.
type tally struct {
	*transform.Merge
	rows Range
}

// newTally begins a merge that knows the marks of the shards.
func newTally(o transform.Options, feeds []transform.Feed, shards []*folded) *tally {
	t := &tally{Merge: transform.NewMerge(o.Unlimited(), feeds), rows: Always}
	for _, s := range shards {
		s.Marks(t.Merge.Mark)
	}
	return t
}

// of is the emitter for the partials of a shard.
func (t *tally) of(shard string) transform.Emitter { return tallied{t, shard} }

type tallied struct {
	t     *tally
	shard string
}

func (e tallied) Queue(r *schemas.QueueInterval) error {
	if e.t.rows.has(r.IntervalStart) {
		e.t.Merge.Queue(e.shard, r)
	}
	return nil
}

func (e tallied) AgentQueue(r *schemas.AgentQueueInterval) error {
	if e.t.rows.has(r.IntervalStart) {
		e.t.Merge.AgentQueue(e.shard, r)
	}
	return nil
}

func (e tallied) Agent(r *schemas.AgentInterval) error {
	if e.t.rows.has(r.IntervalStart) {
		e.t.Merge.Agent(e.shard, r)
	}
	return nil
}

func (tallied) Mark(*schemas.ShardMark) error { return nil }

// eachRow is a transform.RowEmitter that hands over rows of any kind.
type eachRow struct {
	row      func(key []byte, r Row) error
	complete func(*schemas.Completeness)
	key      []byte
}

func (e *eachRow) Queue(r *schemas.QueueInterval) error {
	e.key = transform.AppendQueueKey(e.key[:0], r)
	return e.row(e.key, queueRow(r))
}

func (e *eachRow) AgentQueue(r *schemas.AgentQueueInterval) error {
	e.key = transform.AppendAgentQueueKey(e.key[:0], r)
	return e.row(e.key, agentQueueRow(r))
}

func (e *eachRow) Agent(r *schemas.AgentInterval) error {
	e.key = transform.AppendAgentKey(e.key[:0], r)
	return e.row(e.key, agentRow(r))
}

func (e *eachRow) Completeness(c *schemas.Completeness) error {
	if e.complete != nil {
		e.complete(c)
	}
	return nil
}

// position is how a place in the log is written.
func position(topic string, partition int, offset int64) string {
	return fmt.Sprintf("%s/%d@%d", topic, partition, offset)
}
