package runtime

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

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
}

// ErrNotRedrivable is the error of Redrive about a letter that no delivering sink has written.
var ErrNotRedrivable = errors.New("only what a delivering sink could not deliver can be sent again: inputs of sources come again when they are " +
	"read again, and rows follow from `quarterhour rebuild`")

// Redrive writes what a dead letter is about to the log again, for its sink alone, and lists the letter no more. Doing so twice
// sends it twice, and does no harm.
func (m *Morgue) Redrive(ctx context.Context, d *schemas.DeadLetter) (Redriven, error) {
	if d.Stage != "sink" {
		return "", ErrNotRedrivable
	}
	key, revision, err := located(d.Location)
	if err != nil {
		return "", err
	}
	t := topics{d.Pipeline}
	var outcome Redriven
	if strings.HasSuffix(d.Fact, "_interval") {
		outcome, err = m.redriveRow(ctx, t, d.Source, key, revision)
	} else {
		outcome, err = m.redriveFact(ctx, t.fact(d.Fact), d.Source, key, revision)
	}
	if err != nil {
		return "", fmt.Errorf("redrive %s: %w", d.Location, err)
	}
	return outcome, m.done(ctx, d, "redriven")
}

// Discard lists a dead letter no more; it stays in the log.
func (m *Morgue) Discard(ctx context.Context, d *schemas.DeadLetter) error {
	return m.done(ctx, d, "discarded")
}

func (m *Morgue) done(ctx context.Context, d *schemas.DeadLetter, how string) error {
	w, err := newWriter[schemas.DeadLetter](ctx, m.Registry)
	if err != nil {
		return err
	}
	record := letterRecord(d, w)
	record.Time, record.Headers = m.Now(), []broker.Header{{Key: doneHeader, Value: []byte(how)}}
	_, err = m.Cluster.NewProducer(broker.ProducerOptions{}).Produce(ctx, topics{d.Pipeline}.deadLetters(), 0, []broker.Record{record})
	return err
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

func (m *Morgue) redriveRow(ctx context.Context, t topics, sink, key string, revision int64) (Redriven, error) {
	k, err := transform.ParseKey(key)
	if err != nil {
		return "", err
	}
	row := appendRowKey(nil, &k)
	ranges, err := m.Cluster.Offsets(ctx, t.rows())
	if err != nil {
		return "", err
	}
	n := broker.Partition(row, len(ranges))
	var newest *broker.Record
	var greatest int64
	reader := &items{newReader(ctx, m.Registry), true}
	err = m.Cluster.ReadAll(ctx, t.rows(), n, ranges[n].First, ranges[n].Next, func(b *broker.Batch) error {
		for i := range b.Records {
			r := &b.Records[i]
			original, _ := redriven(r.Key)
			original, zero := zeroKey(original)
			if string(original) != string(row) {
				continue
			}
			item := delivery.Item{Zero: zero}
			if ok, err := reader.fill(&item, r, original); err != nil || !ok {
				return err
			}
			if newest == nil || item.Revision >= greatest {
				again := row
				if zero {
					again = append([]byte{zeroMark}, row...)
				}
				greatest = item.Revision
				newest = &broker.Record{Key: redriveKey(sink, again), Value: append([]byte(nil), r.Value...)}
			}
		}
		return nil
	})
	switch {
	case err != nil:
		return "", err
	case newest == nil:
		return RedriveGone, nil
	case greatest > revision:
		return RedriveSuperseded, nil
	}
	return RedriveSent, m.again(ctx, t.rows(), n, sink, *newest)
}

func (m *Morgue) again(ctx context.Context, topic string, partition int, sink string, r broker.Record) error {
	r.Time, r.Headers = m.Now(), []broker.Header{{Key: redriveHeader, Value: []byte(sink)}}
	_, err := m.Cluster.NewProducer(broker.ProducerOptions{}).Produce(ctx, topic, partition, []broker.Record{r})
	return err
}

// redriveFact finds the fact at its offset, in whichever partition it is, and sees whether a newer one follows.
func (m *Morgue) redriveFact(ctx context.Context, topic, sink, key string, revision int64) (Redriven, error) {
	ranges, err := m.Cluster.Offsets(ctx, topic)
	if err != nil {
		return "", err
	}
	reader := &items{newReader(ctx, m.Registry), false}
	for n, at := range ranges {
		if revision-1 < at.First || revision-1 >= at.Next {
			continue
		}
		var found *broker.Record
		newer := false
		err := m.Cluster.ReadAll(ctx, topic, n, revision-1, at.Next, func(b *broker.Batch) error {
			for i := range b.Records {
				r := &b.Records[i]
				var item delivery.Item
				if ok, err := reader.fill(&item, r, nil); err != nil || !ok || r.Offset < revision-1 {
					if err != nil {
						return err
					}
					continue
				}
				if found == nil && (r.Offset > revision-1 || item.Key != key) {
					return errStopped // it is in another partition
				}
				if found == nil {
					found = &broker.Record{Key: append([]byte(nil), r.Key...), Value: append([]byte(nil), r.Value...)}
				} else if item.Key == key && !isRedrive(r) {
					newer = true
				}
			}
			return nil
		})
		switch {
		case errors.Is(err, errStopped):
		case err != nil:
			return "", err
		case newer:
			return RedriveSuperseded, nil
		case found != nil:
			return RedriveSent, m.again(ctx, topic, n, sink, *found)
		}
	}
	return RedriveGone, nil
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
