package runtime

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/quarterhour/quarterhour/ingest"
	"github.com/quarterhour/quarterhour/internal/broker"
	"github.com/quarterhour/quarterhour/internal/registry"
	"github.com/quarterhour/quarterhour/schemas"
	"github.com/quarterhour/quarterhour/sinks/delivery"
	"github.com/quarterhour/quarterhour/transform"
)

// doneHeader is on a dead letter that was written again to say that it is done with, and how: "redriven" or "discarded".
const doneHeader = "done"

// isRedrive says whether a record was written again for one sink.
func isRedrive(r *broker.Record) bool {
	return slices.ContainsFunc(r.Headers, func(h broker.Header) bool { return h.Key == redriveHeader })
}

// Redriven is what became of a dead letter that was to be sent again.
type Redriven string

// The outcomes.
const (
	RedriveSent       Redriven = "sent"       // it is in the log again, for its sink
	RedriveSuperseded Redriven = "superseded" // a newer revision has taken its place, and goes its own way
	RedriveGone       Redriven = "gone"       // the log no longer has it
)

// Morgue works on dead letters.
type Morgue struct {
	Cluster  *broker.Cluster
	Registry *registry.Client
	Now      func() time.Time
	Progress ingest.Progress // nil: nobody looks
}

// ErrNotRedrivable is the error of Redrive about a letter that no delivering sink has written.
var ErrNotRedrivable = errors.New("only what a delivering sink could not deliver can be sent again: inputs of sources come again when they are " +
	"read again, and rows follow from `quarterhour rebuild`")

// Redrive is RedriveAll of one letter.
func (m *Morgue) Redrive(ctx context.Context, d *schemas.DeadLetter) (outcome Redriven, err error) {
	err = m.RedriveAll(ctx, []*schemas.DeadLetter{d}, func(_ *schemas.DeadLetter, r Redriven) { outcome = r })
	return outcome, err
}

// RedriveAll writes what dead letters are about to the log again, for their sinks alone, lists the letters no more, and says of each what became of it.
// Doing so twice sends it twice, and does no harm. Each partition of the log is read once, however many the letters.
func (m *Morgue) RedriveAll(ctx context.Context, letters []*schemas.DeadLetter, each func(*schemas.DeadLetter, Redriven)) error {
	byTopic := map[string][]*summons{}
	for _, d := range letters {
		s, err := summon(d)
		if err != nil {
			return err
		}
		byTopic[s.topic] = append(byTopic[s.topic], s)
	}
	done := 0
	for _, topic := range slices.Sorted(maps.Keys(byTopic)) {
		list := byTopic[topic]
		look := m.rows
		if list[0].row == nil {
			look = m.facts
		}
		if err := look(ctx, topic, list); err != nil {
			return fmt.Errorf("redrive what is in %s: %w", topic, err)
		}
		for part := range slices.Chunk(list, redriveBatch) {
			if err := m.again(ctx, topic, part); err != nil {
				return fmt.Errorf("redrive to %s: %w", topic, err)
			}
			for _, s := range part {
				each(s.letter, s.outcome())
			}
			done += len(part)
			m.report("redrive", int64(done), int64(len(letters)), "letters")
		}
	}
	return nil
}

// redriveBatch is how many letters are done with at a time.
const redriveBatch = 500

// summons is a dead letter whose record is looked for.
type summons struct {
	letter    *schemas.DeadLetter
	topic     string
	key       string
	revision  int64
	row       []byte // key of the row in its topic; nil of a fact
	partition int
	found     *broker.Record // the newest revision, as it is to be written again
	greatest  int64          // the revision that was found
	newer     bool
}

func summon(d *schemas.DeadLetter) (*summons, error) {
	if d.Stage != "sink" {
		return nil, ErrNotRedrivable
	}
	key, revision, err := located(d.Location)
	if err != nil {
		return nil, err
	}
	t := topics{d.Pipeline}
	s := &summons{letter: d, key: key, revision: revision, topic: t.rows()}
	if !strings.HasSuffix(d.Fact, "_interval") {
		s.topic = t.fact(d.Fact)
		return s, nil
	}
	k, err := transform.ParseKey(key)
	if err != nil {
		return nil, err
	}
	s.row = appendRowKey(nil, &k)
	return s, nil
}

func (s *summons) outcome() Redriven {
	switch {
	case s.found == nil:
		return RedriveGone
	case s.newer || s.row != nil && s.greatest > s.revision:
		return RedriveSuperseded
	}
	return RedriveSent
}

func (m *Morgue) report(what string, done, total int64, unit string) {
	if m.Progress != nil {
		m.Progress.Report(what, done, total, unit)
	}
}

// rows finds the newest revisions of rows.
func (m *Morgue) rows(ctx context.Context, topic string, list []*summons) error {
	ranges, err := m.Cluster.Offsets(ctx, topic)
	if err != nil {
		return err
	}
	wanted := map[int]map[string][]*summons{}
	for _, s := range list {
		s.partition = broker.Partition(s.row, len(ranges))
		if wanted[s.partition] == nil {
			wanted[s.partition] = map[string][]*summons{}
		}
		wanted[s.partition][string(s.row)] = append(wanted[s.partition][string(s.row)], s)
	}
	reader := &items{newReader(ctx, m.Registry), true}
	for _, n := range slices.Sorted(maps.Keys(wanted)) {
		at := ranges[n]
		err := m.Cluster.ReadAll(ctx, topic, n, at.First, at.Next, func(b *broker.Batch) error {
			for i := range b.Records {
				if err := newestOf(wanted[n], reader, &b.Records[i]); err != nil {
					return err
				}
			}
			m.report("read "+topic, b.Next-at.First, at.Next-at.First, "records")
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// newestOf takes a record that is about one of the rows.
func newestOf(wanted map[string][]*summons, reader *items, r *broker.Record) error {
	original, _ := redriven(r.Key)
	original, zero := zeroKey(original)
	list := wanted[string(original)]
	if len(list) == 0 {
		return nil
	}
	item := delivery.Item{Zero: zero}
	if ok, err := reader.fill(&item, r, original); err != nil || !ok {
		return err
	}
	var value []byte
	for _, s := range list {
		if s.found != nil && item.Revision < s.greatest {
			continue
		}
		again := s.row
		if zero {
			again = append([]byte{zeroMark}, s.row...)
		}
		if value == nil {
			value = append([]byte(nil), r.Value...)
		}
		s.greatest, s.found = item.Revision, &broker.Record{Key: redriveKey(s.letter.Source, again), Value: value}
	}
	return nil
}

// facts finds facts at their offsets, in whichever partitions they are, and sees whether newer ones follow.
func (m *Morgue) facts(ctx context.Context, topic string, list []*summons) error {
	ranges, err := m.Cluster.Offsets(ctx, topic)
	if err != nil {
		return err
	}
	reader := &items{newReader(ctx, m.Registry), false}
	for n, at := range ranges {
		wanted := map[int64][]*summons{} // by offset
		from := at.Next
		for _, s := range list {
			if offset := s.revision - 1; offset >= at.First && offset < at.Next {
				wanted[offset] = append(wanted[offset], s)
				from = min(from, offset)
			}
		}
		if len(wanted) == 0 {
			continue
		}
		found := map[string][]*summons{} // by the fact's key
		err := m.Cluster.ReadAll(ctx, topic, n, from, at.Next, func(b *broker.Batch) error {
			for i := range b.Records {
				r := &b.Records[i]
				var item delivery.Item
				if ok, err := reader.fill(&item, r, nil); err != nil {
					return err
				} else if !ok || r.Offset < from {
					continue
				}
				for _, s := range found[item.Key] {
					s.newer = s.newer || !isRedrive(r)
				}
				for _, s := range wanted[r.Offset] {
					if s.key == item.Key {
						s.partition, s.found = n, &broker.Record{Key: append([]byte(nil), r.Key...), Value: append([]byte(nil), r.Value...)}
						found[s.key] = append(found[s.key], s)
					}
				}
			}
			m.report("read "+topic, b.Next-from, at.Next-from, "records")
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// again writes what was found to the log, and then that its letters are done with.
func (m *Morgue) again(ctx context.Context, topic string, list []*summons) error {
	records := map[int][]broker.Record{}
	var letters []*schemas.DeadLetter
	for _, s := range list {
		letters = append(letters, s.letter)
		if s.outcome() == RedriveSent {
			s.found.Time, s.found.Headers = m.Now(), []broker.Header{{Key: redriveHeader, Value: []byte(s.letter.Source)}}
			records[s.partition] = append(records[s.partition], *s.found)
		}
	}
	producer := m.Cluster.NewProducer(broker.ProducerOptions{})
	for _, n := range slices.Sorted(maps.Keys(records)) {
		if _, err := producer.Produce(ctx, topic, n, records[n]); err != nil {
			return err
		}
	}
	return m.done(ctx, letters, "redriven")
}

// done lists letters no more.
func (m *Morgue) done(ctx context.Context, letters []*schemas.DeadLetter, how string) error {
	w, err := newWriter[schemas.DeadLetter](ctx, m.Registry)
	if err != nil {
		return err
	}
	records := map[string][]broker.Record{}
	for _, d := range letters {
		record := letterRecord(d, w)
		record.Time, record.Headers = m.Now(), []broker.Header{{Key: doneHeader, Value: []byte(how)}}
		topic := topics{d.Pipeline}.deadLetters()
		records[topic] = append(records[topic], record)
	}
	producer := m.Cluster.NewProducer(broker.ProducerOptions{})
	for _, topic := range slices.Sorted(maps.Keys(records)) {
		if _, err := producer.Produce(ctx, topic, 0, records[topic]); err != nil {
			return err
		}
	}
	return nil
}

// located takes a letter's location apart: the key of what could not be delivered, and its revision.
func located(location string) (key string, revision int64, err error) {
	at := strings.LastIndexByte(location, '@')
	if at >= 0 {
		revision, err = strconv.ParseInt(location[at+1:], 10, 64)
	}
	if at < 0 || err != nil {
		return "", 0, fmt.Errorf("the letter's location %q is no row and revision", location)
	}
	return location[:at], revision, nil
}

// appendRowKey is the key of a row as merges write it.
func appendRowKey(dst []byte, k *transform.Key) []byte {
	switch k.Kind {
	case transform.KindQueue:
		return transform.AppendQueueKey(dst, &schemas.QueueInterval{Tenant: k.Tenant, IntervalStart: k.Start, QueueID: k.QueueID, Channel: k.Channel})
	case transform.KindAgentQueue:
		return transform.AppendAgentQueueKey(dst, &schemas.AgentQueueInterval{
			Tenant: k.Tenant, IntervalStart: k.Start, AgentID: k.AgentID, QueueID: k.QueueID, Channel: k.Channel,
		})
	default:
		return transform.AppendAgentKey(dst, &schemas.AgentInterval{Tenant: k.Tenant, IntervalStart: k.Start, AgentID: k.AgentID})
	}
}
