package runtime

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"strconv"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/quarterhour/quarterhour/internal/broker"
	"github.com/quarterhour/quarterhour/sinks"
	"github.com/quarterhour/quarterhour/transform"
)

// zerosPulse is how often a run looks whether intervals have become complete.
const zerosPulse = time.Second

// zeroRows writes, into the topic of rows, rows of zeros for those who want them: for each complete interval and each queue, agent, and agent
// in a queue, that had a row in the seven days before and has none in this one. The log is all it knows: what is there already, rows
// of zeros included, is not written again, so it may begin anew at any time, and two may be at work at once. A row that arrives late
// takes the place of its zeros by its revision, for theirs is 0.
type zeroRows struct {
	p       *pipeline
	grid    *transform.Grid
	sinks   sync.WaitGroup // that are still to be opened
	mu      sync.Mutex
	counted int // sinks that were opened
	wanted  bool
}

func newZeroRows(p *pipeline) (*zeroRows, error) {
	grid, err := transform.NewGrid(p.file.Zone, p.file.Interval)
	if err != nil {
		return nil, err
	}
	z := &zeroRows{p: p, grid: grid}
	for _, s := range p.file.Sinks {
		if s.Registration.Deliver != nil {
			z.sinks.Add(1)
			z.counted++
		}
	}
	return z, nil
}

// wantsZeros says whether a sink wants rows of zeros.
func wantsZeros(d *sinks.Delivering) bool {
	return d.Options.ZeroRows == "always" || d.Options.ZeroRows != "never" && d.Plan.ZeroRows
}

// opened says that one more sink is open, and whether it wants rows of zeros.
func (z *zeroRows) opened(wants bool) {
	z.mu.Lock()
	defer z.mu.Unlock()
	z.wanted = z.wanted || wants
	z.sinks.Done()
}

// awaitSinks returns once all sinks are open, and says whether one wants rows of zeros.
func (z *zeroRows) awaitSinks(ctx context.Context) bool {
	open := make(chan struct{})
	go func() { z.sinks.Wait(); close(open) }()
	select {
	case <-open:
	case <-ctx.Done():
		return false
	}
	z.mu.Lock()
	defer z.mu.Unlock()
	return z.wanted
}

// run fills until ctx ends. Of the processes that run the sinks one does: the one that has the topic of cursors.
func (z *zeroRows) run(ctx context.Context) error {
	if z.counted == 0 || !z.awaitSinks(ctx) {
		return nil
	}
	return z.p.consume(ctx, z.p.topics.zerosGroup(), []string{z.p.topics.cursors()}, func(ctx context.Context, _ *broker.Assigned) error {
		wait := zerosPulse
		for ctx.Err() == nil {
			err := z.follow(ctx)
			if err == nil || ctx.Err() != nil {
				return nil
			}
			z.p.log.Error("rows of zeros could not be written, beginning again", "err", err, "in", wait)
			pause(ctx, wait)
			wait = min(2*wait, time.Minute)
		}
		return nil
	})
}

func (z *zeroRows) follow(ctx context.Context) error {
	f := z.filling()
	for ctx.Err() == nil {
		if err := f.step(ctx); err != nil {
			return err
		}
		pause(ctx, zerosPulse)
	}
	return nil
}

// fillOnce fills what is complete.
func (z *zeroRows) fillOnce(ctx context.Context) error {
	if z.counted == 0 || !z.awaitSinks(ctx) {
		return nil
	}
	if err := z.filling().step(ctx); err != nil {
		return fmt.Errorf("write rows of zeros: %w", err)
	}
	return nil
}

// filling is what was read of the rows.
type filling struct {
	*zeroRows
	reader   *reader
	known    known
	next     []int64 // by partition: how far it is read
	complete []int64 // by partition: how far it says that rows are complete
	told     int64
	stored   *cursors
	kept     int64 // what is stored of told
}

func (z *zeroRows) filling() *filling {
	return &filling{zeroRows: z, known: known{}}
}

// errNoRow says that a record is not about a row.
var errNoRow = errors.New("not a row")

// step reads what is new, and writes what is missing.
func (f *filling) step(ctx context.Context) error {
	f.reader = newReader(ctx, f.p.registry)
	ranges, err := f.p.cluster.Offsets(ctx, f.p.topics.rows())
	if err != nil {
		return err
	}
	if f.next == nil {
		if err := f.begin(ctx, len(ranges)); err != nil {
			return err
		}
	}
	for n, r := range ranges {
		from := max(f.next[n], r.First)
		if from < r.Next {
			err := f.p.cluster.ReadAll(ctx, f.p.topics.rows(), n, from, r.Next, func(b *broker.Batch) error {
				for i := range b.Records {
					if b.Records[i].Offset >= from {
						if err := f.take(n, &b.Records[i]); err != nil {
							return fmt.Errorf("%s/%d@%d: %w", f.p.topics.rows(), n, b.Records[i].Offset, err)
						}
					}
				}
				return nil
			})
			if err != nil {
				return err
			}
			f.known.touched = true
		}
		f.next[n] = r.Next
	}
	through := f.complete[0]
	for _, c := range f.complete {
		through = min(through, c)
	}
	through -= f.p.file.Grace.Milliseconds()
	if through <= 0 || through == f.told && !f.known.touched {
		return nil
	}
	if err := f.fill(ctx, through); err != nil {
		return err
	}
	f.told, f.known.touched = through, false
	return f.keep(ctx)
}

// zerosKey is where it is kept how far rows of zeros are written.
const zerosKey = "run/zeros"

// zerosKeep is how far that may lag behind.
const zerosKeep = 6 * 3_600_000

// begin finds from where the rows have to be read: what is about the time in which something may still change was written in that
// time or after. Rows of a time that is yet to come, as of simulated vendors, are read from the beginning.
func (f *filling) begin(ctx context.Context, partitions int) (err error) {
	next := make([]int64, partitions)
	if f.stored, err = f.p.loadCursors(ctx); err != nil {
		return err
	}
	if text := f.stored.Load(zerosKey); len(text) > 0 {
		if f.kept, err = strconv.ParseInt(string(text), 10, 64); err != nil {
			return fmt.Errorf("what was kept of the rows of zeros is %q: %w", text, err)
		}
	}
	if since := time.UnixMilli(f.kept - keptFor); f.kept > 0 && time.UnixMilli(f.kept).Before(f.p.now()) {
		if next, err = f.p.cluster.OffsetsSince(ctx, f.p.topics.rows(), since); err != nil {
			return err
		}
	}
	f.next, f.complete = next, make([]int64, partitions)
	return nil
}

// keep stores how far rows of zeros are written. It only saves reading: no harm is done where it is lost.
func (f *filling) keep(ctx context.Context) error {
	if f.told < f.kept+zerosKeep {
		return nil
	}
	f.kept = f.told
	return f.stored.put(ctx, zerosKey, strconv.AppendInt(nil, f.told, 10))
}

// take takes one record of the rows.
func (f *filling) take(partition int, r *broker.Record) error {
	_, zero := zeroKey(r.Key)
	if _, again := redriven(r.Key); again {
		return nil
	}
	e, payload, err := f.reader.open(r.Value)
	if err != nil {
		return err
	}
	if e.kind == completenessKind {
		return f.takeComplete(partition, e, payload)
	}
	err = f.known.take(e, payload, zero)
	if errors.Is(err, errNoRow) {
		return nil
	}
	return err
}

// fill writes the rows of zeros that are missing before the instant.
func (f *filling) fill(ctx context.Context, through int64) error {
	batches := make([][]broker.Record, len(f.next))
	now := f.p.now()
	seen := make([][]byte, len(f.next))
	for n, at := range f.next {
		seen[n] = binary.BigEndian.AppendUint64(nil, uint64(at))
	}
	var key []byte
	f.known.missing(f.grid, through, func(t *subject, start, end int64) {
		row := t.row(start, int32((end-start)/1000))
		key = row.key(append(key[:0], zeroMark))
		partition := broker.Partition(key[1:], len(batches))
		batches[partition] = append(batches[partition], broker.Record{
			Key: append([]byte(nil), key...), Value: row.value(f.p.write), Time: now, Headers: []broker.Header{{Key: seenHeader, Value: seen[partition]}},
		})
	})
	group, ctx := errgroup.WithContext(ctx)
	for n, records := range batches {
		group.Go(func() error {
			for len(records) > 0 {
				some := records[:min(len(records), flushRecords)]
				records = records[len(some):]
				if _, err := f.p.producer.Produce(ctx, f.p.topics.rows(), n, some); err != nil {
					return err
				}
			}
			return nil
		})
	}
	return group.Wait()
}
