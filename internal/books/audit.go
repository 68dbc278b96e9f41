package books

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/quarterhour/quarterhour/internal/runtime"
	"github.com/quarterhour/quarterhour/schemas"
	"github.com/quarterhour/quarterhour/transform"
)

// Report is what an audit of one pipeline found.
type Report struct {
	Pipeline   string            `json:"pipeline"`
	Tenant     string            `json:"tenant"`
	From       string            `json:"from,omitempty"` // of the rows compared; the bookkeeping is about the whole log
	To         string            `json:"to,omitempty"`
	Moving     bool              `json:"moving"` // the pipeline was at work: rows that changed meanwhile are unsettled
	Facts      []FactBalance     `json:"facts"`
	Reported   []ReportedBook    `json:"reported"` // rows that sources report themselves: no fact is behind them
	Sinks      []SinkBalance     `json:"sinks"`
	Tables     []TableBalance    `json:"tables"`
	Complete   []CompleteThrough `json:"complete_through"`
	Imbalances []string          `json:"imbalances"` // what does not balance; empty where all does
	Notes      []string          `json:"notes"`      // what is worth knowing, and is no imbalance
}

// Balanced says whether everything is where it belongs.
func (r *Report) Balanced() bool { return len(r.Imbalances) == 0 }

func (r *Report) wrong(format string, args ...any) {
	r.Imbalances = append(r.Imbalances, fmt.Sprintf(format, args...))
}

func (r *Report) note(format string, args ...any) {
	r.Notes = append(r.Notes, fmt.Sprintf(format, args...))
}

// FactBalance is the bookkeeping of one tenant in one partition: Read = Applied + Duplicate + Superseded + TooLate + Rejected.
type FactBalance struct {
	Topic     string `json:"topic"`
	Partition int    `json:"partition"`
	Tenant    string `json:"tenant"`
	Read      int64  `json:"read"`
	Outcomes
	DeadLetters int64 `json:"dead_letters"` // of those that are too late or rejected
	Pending     int64 `json:"pending"`      // records behind what was folded, of any tenant
}

// CompleteThrough is how far the pipeline is complete, as one of its books has it.
type CompleteThrough struct {
	Book    string `json:"book"` // facts, rows or the name of a sink
	Through string `json:"through"`
}

// AuditOptions are an audit's range and what it needs.
type AuditOptions struct {
	Range    Range
	Progress Progress
	Shelves  []Shelf // the pipeline's tables in ClickHouse, one for each sink that keeps them
}

// audit is an audit at work.
type audit struct {
	Report
	l       *runtime.Ledger
	o       AuditOptions
	shards  []runtime.ShardLog // as they were when it began
	lags    []runtime.Lag
	folded  []*folded
	told    *reported
	rows    map[string]Row // of the range, as the facts make them
	again   map[string]Row // the same, had no fact come too late; nil until it is asked for
	issued  map[string]newest
	horizon int64            // rows that start before it may be closed for good
	dead    map[string]bool  // places of facts that have dead letters
	refused map[string]int64 // rows that a sink has dead letters of, by sink
}

// Audit folds the log again and checks the books of a pipeline: that every fact was applied or refused with a reason, that every
// row has reached every sink, and that the tables are what the facts make. It compares with what the pipeline had committed
// when the audit began.
func Audit(ctx context.Context, l *runtime.Ledger, o AuditOptions) (*Report, error) {
	a := &audit{l: l, o: o, dead: map[string]bool{}, refused: map[string]int64{}}
	a.Pipeline, a.Tenant = l.Pipeline().Name, l.Pipeline().Tenant
	a.Imbalances, a.Notes = []string{}, []string{}
	if o.Range != Always {
		a.From, a.To = instant(o.Range.From), instant(o.Range.To)
	}
	for _, step := range []func(context.Context) error{a.begin, a.gatherReported, a.fold, a.letters, a.facts, a.tables, a.sinks, a.complete} {
		if err := step(ctx); err != nil {
			return nil, err
		}
	}
	return &a.Report, nil
}

// begin notes how far everything is.
func (a *audit) begin(ctx context.Context) (err error) {
	if a.shards, err = a.l.Shards(ctx); err != nil {
		return err
	}
	if a.lags, err = a.l.Lags(ctx); err != nil {
		return err
	}
	for _, lag := range a.lags {
		if n := lag.Behind(); n > 0 {
			a.Moving = true
			a.note("stage %q has %d records of topic %q still to take", lag.Stage, n, lag.Topic)
		}
	}
	for _, s := range a.shards {
		if s.First > 0 {
			a.note("the log of shard %q begins at offset %d: what was before cannot be counted again", s.Name, s.First)
		}
	}
	return nil
}

// fold counts the facts again, through what the running shards had committed, and computes the rows.
func (a *audit) fold(ctx context.Context) error {
	rows, folded, err := a.recompute(ctx, a.l.Options(), "audit "+a.Pipeline)
	a.rows, a.folded = rows, folded
	a.horizon = a.closedBefore()
	return err
}

// recompute folds the logs with the options. Partials are taken before each mark, as a running shard hands them on, so that
// rows which are closed for good keep what they were then.
func (a *audit) recompute(ctx context.Context, o transform.Options, what string) (map[string]Row, []*folded, error) {
	t := newTally(a.l.Options(), a.l.Feeds(), nil)
	t.rows = a.o.Range
	shared := &locked{t: t}
	folded, err := refold(ctx, a.l, o, a.shards, func(s runtime.ShardLog) int64 { return s.Committed }, a.o.Progress, what, func(f *folded) {
		f.emitter = shared.of(f.Name())
	})
	if err != nil {
		return nil, nil, err
	}
	for _, f := range folded {
		if err := f.Emit(f.emitter); err != nil {
			return nil, nil, err
		}
		f.Marks(t.Merge.Mark)
	}
	if err := a.told.tell(t, a.o.Range); err != nil {
		return nil, nil, err
	}
	rows := map[string]Row{}
	err = t.Emit(&eachRow{row: func(key []byte, r Row) error { rows[string(key)] = own(r); return nil }})
	return rows, folded, err
}

// letters finds the places of the facts that were put aside.
func (a *audit) letters(ctx context.Context) error {
	return a.l.DeadLetters(ctx, func(d *schemas.DeadLetter) error {
		switch d.Stage {
		case "transform":
			a.dead[string([]byte(d.Location))] = true
		case "sink":
			if where := d.Source + "\x00" + d.Location; !a.dead[where] {
				a.dead[where] = true
				a.refused[string([]byte(d.Source))]++
			}
		}
		return nil
	})
}

// facts balances what was read with what became of it.
func (a *audit) facts(context.Context) error {
	for _, f := range a.folded {
		counts := f.Counts()
		var sum, refused, missing, edge int64
		for _, t := range slices.Sorted(maps.Keys(f.tenants)) {
			book := f.tenants[t]
			b := FactBalance{Topic: f.log.Topic, Partition: f.log.Partition, Tenant: t, Read: book.read, Outcomes: book.Outcomes, Pending: f.log.Next - f.to}
			unlettered := int64(0)
			for _, r := range book.refused {
				switch {
				case a.dead[position(f.log.Topic, f.log.Partition, r.offset)]:
					b.DeadLetters++
				case r.reason == transform.ReasonRetention:
					edge++
				default:
					unlettered++
				}
			}
			missing += unlettered
			if b.Read != b.sum() {
				a.wrong("%s/%d, tenant %q: %d facts were read, and %d are applied, duplicate, superseded, too late or rejected", b.Topic, b.Partition, t, b.Read, b.sum())
			}
			sum, refused = sum+b.sum(), refused+b.TooLate+b.Rejected
			a.Facts = append(a.Facts, b)
		}
		if n := counts.Read + f.unreadable; n != sum {
			a.wrong("shard %q counts %d facts, and by tenant they are %d", f.Name(), n, sum)
		}
		if counts.Applied+counts.Duplicate+counts.Superseded+counts.TooLate+counts.Rejected != counts.Read {
			a.wrong("shard %q has read %d facts, which is not the sum of what became of them: %+v", f.Name(), counts.Read, counts)
		}
		if edge > 0 {
			a.note("%s/%d: %d facts older than the retention have no dead letter: they are corrections of facts that were still in memory", f.log.Topic, f.log.Partition, edge)
		}
		if missing > 0 {
			a.wrong("%s/%d: %d facts were refused, and %d of them have no dead letter", f.log.Topic, f.log.Partition, refused, missing)
		}
		if len(f.tenants) == 0 {
			a.Facts = append(a.Facts, FactBalance{Topic: f.log.Topic, Partition: f.log.Partition, Tenant: a.Tenant, Pending: f.log.Next - f.to})
		}
	}
	return nil
}

func instant(ms int64) string {
	if ms == schemas.Null {
		return ""
	}
	return time.UnixMilli(ms).UTC().Format(time.RFC3339)
}
