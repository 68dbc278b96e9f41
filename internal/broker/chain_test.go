package broker

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/quarterhour/quarterhour/internal/broker/brokertest"
	"github.com/quarterhour/quarterhour/internal/clock"
)

// ledger is what the members of a group have handled, by partition: the numbers of the records are their offsets.
type ledger struct {
	mu    sync.Mutex
	next  []int64 // the first not handled
	again int     // records handled more than once
	wrong error
}

func (l *ledger) handled(partition int, r *Record) {
	l.mu.Lock()
	defer l.mu.Unlock()
	n := int64(binary.BigEndian.Uint64(r.Value))
	switch {
	case n != r.Offset && l.wrong == nil:
		l.wrong = fmt.Errorf("partition %d holds number %d at offset %d: written twice, or out of order", partition, n, r.Offset)
	case n > l.next[partition] && l.wrong == nil:
		l.wrong = fmt.Errorf("partition %d: record %d was skipped", partition, l.next[partition])
	case n < l.next[partition]:
		l.again++
		return
	}
	l.next[partition] = n + 1
}

// TestChainOfMembersComingAndGoing writes while members join and leave, some of them without a farewell: every record is
// handled, in order within its partition, and the group ends with everything committed.
func TestChainOfMembersComingAndGoing(t *testing.T) {
	t.Parallel()
	const partitions, each = 5, 4000
	brokers := brokertest.Start(t)
	c, ctx := open(t, brokers), background(t)
	name := topic(t, c, partitions)
	l := &ledger{next: make([]int64, partitions)}
	handler := func(ctx context.Context, a *Assigned) error {
		for at := max(a.Committed(), 0); ctx.Err() == nil; {
			b, err := a.Fetch(ctx, at)
			if err != nil {
				return err
			}
			for i := range b.Records {
				l.handled(a.Partition(), &b.Records[i])
			}
			if at = b.Next; at > max(a.Committed(), 0) && (at == each || rand.IntN(3) == 0) { // often it is done and not committed
				if err := a.Commit(ctx, at); err != nil {
					return err
				}
			}
		}
		return nil
	}
	var writers sync.WaitGroup
	p := c.NewProducer(ProducerOptions{})
	for partition := range partitions {
		writers.Go(func() { writeNumbers(t, p, name, partition, each) })
	}
	options := GroupOptions{Group: name, Topics: []string{name}, Session: time.Second, Heartbeat: 50 * time.Millisecond}
	members := []*member{join(t, brokers, options, handler)}
	for range 20 {
		_ = clock.Sleep(context.Background(), time.Duration(50+rand.IntN(200))*time.Millisecond)
		if n := len(members); n < 2 || n < 4 && rand.IntN(2) == 0 {
			members = append(members, join(t, brokers, options, handler))
			continue
		}
		i := rand.IntN(len(members))
		if rand.IntN(4) == 0 {
			members[i].cluster.Close() // killed: the others hear nothing of it
		}
		if err := members[i].leave(); !errors.Is(err, context.Canceled) {
			t.Errorf("a member ended with %v", err)
		}
		members = slices.Delete(members, i, i+1)
	}
	writers.Wait()
	committed := func() string {
		at, err := c.Committed(ctx, name, name)
		if err != nil {
			t.Fatal(err)
		}
		return fmt.Sprint(at)
	}
	members = append(members, join(t, brokers, options, handler)) // one at least is there to end it
	want := fmt.Sprint(slices.Repeat([]int64{each}, partitions))
	for committed() != want {
		if err := clock.Sleep(ctx, 10*time.Millisecond); err != nil {
			t.Fatalf("handled up to %v: %v", l.next, err)
		}
	}
	for _, m := range members {
		_ = m.leave()
	}
	if l.wrong != nil {
		t.Fatal(l.wrong)
	}
	t.Logf("%d of %d records were handled again", l.again, partitions*each)
	if got := committed(); got != want {
		t.Errorf("%s is committed in the end, want %s", got, want)
	}
}

// writeNumbers writes the numbers from 0 on, slowly enough that members come and go meanwhile.
func writeNumbers(t *testing.T, p *Producer, topic string, partition, n int) {
	for at := 0; at < n; {
		var records []Record
		for range min(1+rand.IntN(200), n-at) {
			records = append(records, Record{Value: binary.BigEndian.AppendUint64(nil, uint64(at))})
			at++
		}
		if _, err := p.Produce(context.Background(), topic, partition, records); err != nil {
			t.Errorf("Produce: %v", err)
			return
		}
		_ = clock.Sleep(context.Background(), time.Duration(rand.IntN(80))*time.Millisecond)
	}
}
