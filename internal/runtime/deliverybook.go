package runtime

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/quarterhour/quarterhour/internal/broker"
	"github.com/quarterhour/quarterhour/internal/clock"
	"github.com/quarterhour/quarterhour/internal/identity"
	"github.com/quarterhour/quarterhour/internal/quota"
	"github.com/quarterhour/quarterhour/pipelines"
	"github.com/quarterhour/quarterhour/schemas"
	"github.com/quarterhour/quarterhour/sinks"
	"github.com/quarterhour/quarterhour/sinks/delivery"
	"github.com/quarterhour/quarterhour/transform"
)

// DeliveryState is what became of the newest revision of a record that a sink is to deliver.
type DeliveryState string

// The states.
const (
	StateDelivered DeliveryState = "delivered"
	StatePassed    DeliveryState = "passed" // final for the first time, where only corrections are sent
	StatePending   DeliveryState = "pending"
	StateDead      DeliveryState = "dead"
	StateDiscarded DeliveryState = "discarded" // it was dead, and a person is done with it
	StateMissing   DeliveryState = "missing"   // none of these, though it should be: an imbalance
	StateAhead     DeliveryState = "ahead"     // settled in a revision that the log does not have: an imbalance
)

// Delivered is one record that a sink is to deliver.
type Delivered struct {
	Item  delivery.Item // its newest revision
	State DeliveryState
	Last  schemas.Delivery // the last attempt that was written down; zero where none was
}

// DeliverySinks are the pipeline's sinks that deliver by requests.
func (l *Ledger) DeliverySinks() (list []pipelines.Sink) {
	for _, s := range l.p.file.Sinks {
		if s.Registration.Deliver != nil {
			list = append(list, s)
		}
	}
	return list
}

// OpenSink opens the destination of a sink, to be asked; close it.
func (l *Ledger) OpenSink(ctx context.Context, s pipelines.Sink, w clock.Watch) (sinks.Delivering, error) {
	d, err := s.Registration.Deliver(ctx, s.Options, sinks.Deps{
		Tenant: l.p.file.Tenant, Pipeline: l.p.file.Name, Name: s.Name, Log: l.p.log.With("sink", s.Name), Zone: l.p.file.Zone,
		Aliases: identity.Of(l.p.file.Identity), Workers: l.Workers, Interval: l.p.file.Interval, Retention: l.p.file.Retention, Watch: w,
		Keyring: &quota.Keyring{Watch: w},
	})
	if err != nil {
		return d, fmt.Errorf("sink %q: %w", s.Name, err)
	}
	return d, nil
}

// Deliveries hands over every record of the log that a sink is to deliver, in its newest revision, and what became of it: exactly, by
// what the log of deliveries and the commits of the lanes say. wanted, where given, sees the start of the interval or the instant of
// the fact first. A run may be at work meanwhile. In memory is what is wanted of one partition at a time.
func (l *Ledger) Deliveries(ctx context.Context, s pipelines.Sink, d *sinks.Delivering, wanted func(at int64) bool, each func(*Delivered) error) error {
	return l.deliveries(ctx, s, d, &deliveryBook{wanted: wanted}, each)
}

func (l *Ledger) deliveries(ctx context.Context, s pipelines.Sink, d *sinks.Delivering, b *deliveryBook, each func(*Delivered) error) error {
	if _, err := l.p.cluster.EnsureTopic(ctx, broker.Topic{Name: l.p.topics.deliveries(), Partitions: l.p.file.Partitions, Compact: true}); err != nil {
		return err
	}
	b.Ledger, b.sink, b.kinds, b.when, b.zeros, b.name = l, s.Name, map[string]bool{}, delivery.When(d.Options.When), wantsZeros(d), d.Plan.Key
	for _, kind := range d.Plan.Kinds {
		b.kinds[kind] = len(d.Options.Kinds) == 0 || slices.Contains(d.Options.Kinds, kind)
	}
	if l.p.file.Via(&s) != nil {
		if err := b.readQueued(ctx); err != nil {
			return err
		}
	}
	for _, topic := range l.p.deliveredTopics(s) {
		committed, err := l.p.cluster.Committed(ctx, l.p.topics.sinkGroup(s.Name), topic)
		if err != nil {
			return err
		}
		for n := range committed {
			if err := b.partition(ctx, topic, n, committed[n], each); err != nil {
				return err
			}
		}
	}
	return nil
}

type deliveryBook struct {
	*Ledger
	sink   string
	kinds  map[string]bool
	when   delivery.When
	zeros  bool
	wanted func(int64) bool
	bare   bool                                 // the records themselves are of no interest
	held   int                                  // records and attempts of one partition in memory, at most
	name   func(*delivery.Item) (string, int64) // as in delivery.Plan.Key
	queued map[string]*attempted                // of a sink that posts from a queue: its attempts are in any partition; nil: it reads the log
}

func (b *deliveryBook) readQueued(ctx context.Context) error {
	b.queued = map[string]*attempted{}
	ranges, err := b.p.cluster.Offsets(ctx, b.p.topics.deliveries())
	if err != nil {
		return err
	}
	for n := range b.p.file.Partitions {
		if err := b.attempts(ctx, n, ranges[n], b.queued, b.concerns); err != nil {
			return err
		}
	}
	return nil
}

// concerns says whether attempts of a key may be wanted: the key of a row says when it is.
func (b *deliveryBook) concerns(key string) bool {
	if b.wanted == nil {
		return true
	}
	row, err := transform.ParseKey(key)
	return err != nil || b.wanted(row.Start)
}

// partition balances one partition. What was committed was read before how far the deliveries had come, and that before the rows: what is
// committed has its delivery. Deliveries of which there is no row here are not kept.
func (b *deliveryBook) partition(ctx context.Context, topic string, n int, committed int64, each func(*Delivered) error) error {
	tried, err := b.p.cluster.Offsets(ctx, b.p.topics.deliveries())
	if err != nil {
		return err
	}
	ranges, err := b.p.cluster.Offsets(ctx, topic)
	if err != nil {
		return err
	}
	rows := topic == b.p.topics.rows()
	reader := &items{newReader(ctx, b.p.registry), rows}
	newest := map[string]*Delivered{}
	places := map[string]int64{}
	err = b.read(ctx, topic, n, ranges[n].First, ranges[n].Next, func(r *broker.Record) error {
		var i delivery.Item
		key := r.Key
		if rows {
			if row, again := redriven(key); again {
				return b.redriven(r, row, places)
			}
			key, i.Zero = zeroKey(key)
		} else if isRedrive(r) {
			return nil
		}
		ok, err := reader.fill(&i, r, key)
		if err != nil || !ok || !b.takes(&i) {
			return err
		}
		if b.name != nil {
			i.Key, i.Revision = b.name(&i)
		}
		if old := newest[i.Key]; old == nil || old.Item.Revision < i.Revision {
			if b.bare {
				i = delivery.Item{Key: i.Key, Revision: i.Revision, Start: i.Start}
			}
			newest[i.Key], places[i.Key] = &Delivered{Item: i}, r.Offset
		}
		return nil
	})
	if err != nil {
		return err
	}
	attempts := b.queued
	if attempts == nil {
		attempts = map[string]*attempted{}
		if err := b.attempts(ctx, n, tried[n], attempts, func(key string) bool { return newest[key] != nil }); err != nil {
			return err
		}
	}
	b.held = max(b.held, len(newest)+len(attempts))
	for key, d := range newest {
		d.judge(attempts[key], places[key] < committed)
		if a := attempts[key]; a != nil && b.name == nil && a.settled.Revision > d.Item.Revision {
			d.State = StateAhead // of other names the newest may be one that is not wanted here
		}
		if err := each(d); err != nil {
			return err
		}
	}
	return nil
}

// redriven notes that a row stands further on once more, for the sink alone: it is pending until that is committed. What had become of it before
// may be gone from the log of deliveries, which keeps the last attempt of each.
func (b *deliveryBook) redriven(r *broker.Record, row []byte, places map[string]int64) error {
	if !bytes.HasPrefix(r.Key[1:], append([]byte(b.sink), 0)) {
		return nil
	}
	row, _ = zeroKey(row)
	key, err := transform.DecodeKey(row)
	if err != nil {
		return err
	}
	if b.wanted != nil && !b.wanted(key.Start) {
		return nil
	}
	if name := transform.FormatKey(key); places[name] < r.Offset {
		places[name] = r.Offset
	}
	return nil
}

// takes says whether the sink is to deliver an item.
func (b *deliveryBook) takes(i *delivery.Item) bool {
	if !b.kinds[i.Kind()] || i.Zero && (!b.zeros || b.when == delivery.Corrected) || b.wanted != nil && !b.wanted(i.Start) {
		return false
	}
	return i.Seconds == 0 || b.when == delivery.Provisional || i.Final
}

// attempted is what the log of deliveries says of one key.
type attempted struct {
	settled, last schemas.Delivery
}

// attempts reads what the log of deliveries says of the keys that are wanted.
func (b *deliveryBook) attempts(ctx context.Context, n int, at broker.Range, all map[string]*attempted, wanted func(key string) bool) error {
	reader := newReader(ctx, b.p.registry)
	return b.read(ctx, b.p.topics.deliveries(), n, at.First, at.Next, func(r *broker.Record) error {
		var d schemas.Delivery
		e, payload, err := reader.open(append([]byte(nil), r.Value...))
		if err == nil {
			err = decode(e, payload, &d)
		}
		if err != nil || d.Sink != b.sink || !wanted(d.RowKey) {
			return err
		}
		a := all[d.RowKey]
		if a == nil {
			a = &attempted{}
			all[d.RowKey] = a
		}
		a.last = d
		if d.Outcome != delivery.Retry && d.Revision >= a.settled.Revision {
			a.settled = d
		}
		return nil
	})
}

func (d *Delivered) judge(a *attempted, committed bool) {
	settled := false
	if a != nil {
		d.Last = a.last
		settled = a.settled.Outcome != "" && a.settled.Revision >= d.Item.Revision
	}
	switch {
	case settled && a.settled.Outcome == delivery.Delivered:
		d.State = StateDelivered
	case settled && a.settled.Outcome == delivery.Passed:
		d.State = StatePassed
	case settled && a.settled.Outcome == delivery.Discarded:
		d.State = StateDiscarded
	case settled:
		d.State = StateDead
	case committed:
		d.State = StateMissing
	default:
		d.State = StatePending
	}
}

// VerifyOptions choose what is read back.
type VerifyOptions struct {
	Wanted func(at int64) bool // sees the start of the interval, or the instant of the fact, milliseconds
	Watch  clock.Watch
}

// Difference is a record that a destination does not have as it should.
type Difference struct {
	Key      string `json:"row_key"`
	Revision int64  `json:"revision"`
	How      string `json:"how"`
}

// Verified is what reading back found.
type Verified struct {
	Sink        string       `json:"sink"`
	Verifiable  bool         `json:"verifiable"` // false: the destination cannot be read back
	Records     int          `json:"records"`    // that were delivered
	Same        int          `json:"same"`       // that were read back, and are as they should be
	Unread      int          `json:"unread"`     // that cannot be read back
	Differences []Difference `json:"differences"`
	// Error is why the destination could not be asked, or not for all: then Unread counts what was not asked for, too.
	Error     string `json:"error,omitempty"`
	differing int
}

// verifyBatch is how many records are looked for at a time.
const verifyBatch = 5_000

// Verify reads back what a sink has delivered, and lists what the destination does not have as it should. A destination that cannot be asked is
// no error, but said in Verified.
func (l *Ledger) Verify(ctx context.Context, s pipelines.Sink, o VerifyOptions) (v *Verified, err error) {
	d, err := l.OpenSink(ctx, s, o.Watch)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, d.Destination.Close()) }()
	v = &Verified{Sink: s.Name, Differences: []Difference{}}
	verifier, ok := d.Destination.(delivery.Verifier)
	v.Verifiable = ok
	var batch []delivery.Item
	look := func() error {
		slices.SortFunc(batch, func(a, b delivery.Item) int {
			return cmp.Or(cmp.Compare(a.Start, b.Start), strings.Compare(a.Key, b.Key))
		})
		v.Records += len(batch)
		if v.Verifiable && v.Error == "" {
			if err := v.look(ctx, verifier, batch); ctx.Err() != nil {
				return err
			} else if err != nil {
				v.Error = err.Error()
			}
		}
		batch = batch[:0]
		return nil
	}
	err = l.Deliveries(ctx, s, &d, o.Wanted, func(d *Delivered) error {
		if d.State != StateDelivered {
			return nil
		}
		if batch = append(batch, d.Item); len(batch) < verifyBatch {
			return nil
		}
		return look()
	})
	if err == nil && len(batch) > 0 {
		err = look()
	}
	if err != nil {
		return nil, fmt.Errorf("sink %q: %w", s.Name, err)
	}
	v.Unread = v.Records - v.Same - v.differing
	slices.SortFunc(v.Differences, func(a, b Difference) int { return strings.Compare(a.Key, b.Key) })
	return v, nil
}

// look asks for some records. Where the destination cannot be asked, what it had said until then counts.
func (v *Verified) look(ctx context.Context, verifier delivery.Verifier, batch []delivery.Item) error {
	differs := map[string]bool{} // by key
	err := verifier.Verify(ctx, batch, func(i delivery.Item, how string) {
		if differs[i.Key] = differs[i.Key] || how != ""; how != "" {
			v.Differences = append(v.Differences, Difference{i.Key, i.Revision, how})
		}
	})
	for _, d := range differs {
		if d {
			v.differing++
		} else {
			v.Same++
		}
	}
	return err
}

// DeliveryDay is how the deliveries of one sink stand for one day of the pipeline's time zone.
type DeliveryDay struct {
	Sink        string `json:"sink"`
	Day         string `json:"day"` // of the intervals, as 2026-03-02
	Records     int64  `json:"records"`
	Delivered   int64  `json:"delivered"`
	Passed      int64  `json:"passed,omitempty"`
	Pending     int64  `json:"pending"`
	Dead        int64  `json:"dead"`
	Discarded   int64  `json:"discarded,omitempty"` // that were dead, and that a person is done with
	Missing     int64  `json:"missing,omitempty"`
	LatencyMs   int64  `json:"latency_ms"` // of the requests of what is delivered, on average by record
	LongestMs   int64  `json:"longest_ms"`
	LastError   string `json:"last_error,omitempty"` // of what is pending or dead
	LastErrorAt string `json:"last_error_at,omitempty"`
	latencies   int64
	errorAt     int64
}

// DeliveryDays adds up the deliveries of a sink, day by day; of one day only, as 2026-03-02, where it is given.
func (l *Ledger) DeliveryDays(ctx context.Context, s pipelines.Sink, w clock.Watch, only string) (list []*DeliveryDay, err error) {
	d, err := l.OpenSink(ctx, s, w)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, d.Destination.Close()) }()
	zone := l.p.file.Zone
	if zone == nil {
		zone = time.UTC
	}
	b := &deliveryBook{bare: true}
	if only != "" {
		from, err := time.ParseInLocation(time.DateOnly, only, zone)
		if err != nil {
			return nil, fmt.Errorf("day %q: write it as 2026-03-02", only)
		}
		to := from.AddDate(0, 0, 1).UnixMilli()
		b.wanted = func(at int64) bool { return at >= from.UnixMilli() && at < to }
	}
	days := map[string]*DeliveryDay{}
	err = l.deliveries(ctx, s, &d, b, func(d *Delivered) error {
		name := time.UnixMilli(d.Item.Start).In(zone).Format(time.DateOnly)
		if days[name] == nil {
			days[name] = &DeliveryDay{Sink: s.Name, Day: name}
		}
		days[name].add(d)
		return nil
	})
	for _, day := range days {
		if day.Delivered > 0 {
			day.LatencyMs = day.latencies / day.Delivered
		}
		list = append(list, day)
	}
	slices.SortFunc(list, func(a, b *DeliveryDay) int { return strings.Compare(a.Day, b.Day) })
	return list, err
}

func (y *DeliveryDay) add(d *Delivered) {
	y.Records++
	switch d.State {
	case StateDelivered:
		y.Delivered++
		y.latencies += d.Last.LatencyMs
		y.LongestMs = max(y.LongestMs, d.Last.LatencyMs)
		return
	case StatePassed:
		y.Passed++
		return
	case StateDiscarded:
		y.Discarded++
		return
	case StatePending:
		y.Pending++
	case StateDead:
		y.Dead++
	case StateMissing, StateAhead:
		y.Missing++
	}
	if d.Last.Error != "" && d.Last.AttemptedAt >= y.errorAt {
		y.LastError, y.errorAt = d.Last.Error, d.Last.AttemptedAt
		y.LastErrorAt = time.UnixMilli(y.errorAt).UTC().Format(time.RFC3339)
	}
}
