package broker

import (
	"context"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/segmentio/kafka-go/protocol"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/quarterhour/quarterhour/internal/broker/brokertest"
)

func TestK05ALostAcknowledgementDoesNotWriteTwice(t *testing.T) {
	c := open(t, brokertest.Start(t))
	var lost atomic.Int32
	c.tamper = func(conn net.Conn) net.Conn {
		return &tampered{Conn: conn, received: func(key protocol.ApiKey, _ []byte) error {
			if key == protocol.Produce && lost.Add(1)%2 == 1 { // the write is done by now
				return io.EOF
			}
			return nil
		}}
	}
	name := topic(t, c, 1)
	p := c.NewProducer(ProducerOptions{})
	for i := range 5 {
		if base, err := p.Produce(background(t), name, 0, numbered(i, i+1)); err != nil || base != int64(i) {
			t.Fatalf("Produce = %d, %v; want offset %d", base, err, i)
		}
	}
	if lost.Load() < 5 {
		t.Fatal("no acknowledgement was lost")
	}
	if got := values(t, c, name, 0); !slices.Equal(got, []string{"0", "1", "2", "3", "4"}) {
		t.Fatalf("the log holds %q", got)
	}
}

// TestK06WritesMadeAgainAreUpserts is why no transaction is needed: a handler that dies between writing and committing writes
// again, and the newest record of each key is the same.
func TestK06WritesMadeAgainAreUpserts(t *testing.T) {
	c := open(t, brokertest.Start(t))
	in := topic(t, c, 1)
	out := topic(t, c, 1)
	produce(t, c, in, 0, numbered(0, 20))
	p := c.NewProducer(ProducerOptions{})
	died := errors.New("died")
	copying := func(last int64, fails error) func(context.Context, *Assigned) error {
		return func(ctx context.Context, a *Assigned) error {
			for at := max(a.Committed(), 0); at < last; {
				b, err := a.Fetch(ctx, at)
				if err != nil {
					return err
				}
				if _, err := p.Produce(ctx, out, 0, b.Records); err != nil {
					return err
				}
				at = b.Next
			}
			if fails == nil {
				fails = a.Commit(ctx, last)
			}
			return errors.Join(fails, errDone)
		}
	}
	if err := c.Consume(background(t), GroupOptions{Group: in, Topics: []string{in}}, copying(20, died)); !errors.Is(err, died) {
		t.Fatalf("Consume = %v", err)
	}
	if err := c.Consume(background(t), GroupOptions{Group: in, Topics: []string{in}}, copying(20, nil)); !errors.Is(err, errDone) {
		t.Fatalf("Consume = %v", err)
	}
	newest, records := map[string]string{}, 0
	if err := c.ReadAll(background(t), out, 0, 0, 40, func(b *Batch) error {
		for _, r := range b.Records {
			newest[string(r.Key)] = string(r.Value)
			records++
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	if records != 40 || len(newest) != 20 || newest["k19"] != "19" {
		t.Fatalf("%d records of %d keys, want 40 of 20", records, len(newest))
	}
}

// errDone ends a test's Consume.
var errDone = errors.New("done")

func TestK07EveryWriteWaitsForAllReplicas(t *testing.T) {
	c := open(t, brokertest.Start(t))
	var mu sync.Mutex
	acks := map[int16]int{}
	c.tamper = func(conn net.Conn) net.Conn {
		return &tampered{Conn: conn, sent: func(key protocol.ApiKey, request []byte) {
			if key == protocol.Produce {
				mu.Lock()
				defer mu.Unlock()
				acks[int16(binary.BigEndian.Uint16(request[4+2+2+4+2+len("quarterhour")+2:]))]++
			}
		}}
	}
	name := topic(t, c, 1)
	produce(t, c, name, 0, numbered(0, 1)) // finds the leader
	started := time.Now()
	produce(t, c, name, 0, numbered(1, 2))
	if took := time.Since(started); took > 500*time.Millisecond {
		t.Errorf("one record took %v: nothing may be held back to fill a batch", took)
	}
	if len(acks) != 1 || acks[-1] != 2 {
		t.Fatalf("acks asked for: %v, want -1 twice", acks)
	}
}

func TestK08NothingIsWrittenOverAGap(t *testing.T) {
	if brokertest.External() != nil {
		t.Skip("needs a broker that fails when told to")
	}
	fake := brokertest.Fake(t)
	c := open(t, fake.ListenAddrs())
	name := topic(t, c, 1)
	p := c.NewProducer(ProducerOptions{BatchBytes: 100})
	if _, err := p.Produce(background(t), name, 0, numbered(0, 1)); err != nil {
		t.Fatal(err)
	}
	// The first batch of the first call fails for good while two more calls wait behind it.
	release := make(chan struct{})
	fake.ControlKey(int16(kmsg.Produce), func(kmsg.Request) (kmsg.Response, error, bool) {
		fake.SleepControl(func() { <-release })
		return nil, nil, false
	})
	fake.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Produce}, Err: kerr.TopicAuthorizationFailed})
	errs := make(chan error, 3)
	for i := range 3 {
		go func() {
			_, err := p.Produce(background(t), name, 0, numbered(10*i+1, 10*i+8))
			errs <- err
		}()
	}
	time.Sleep(50 * time.Millisecond) // for the three to queue up; were they late, fewer would fail, and the test too
	close(release)
	for range 3 {
		if err := <-errs; err == nil || !strings.Contains(err.Error(), "Topic Authorization Failed") {
			t.Errorf("Produce = %v, want the refusal, or that it came before", err)
		}
	}
	if got := values(t, c, name, 0); !slices.Equal(got, []string{"0"}) {
		t.Fatalf("the log holds %q beyond the gap", got)
	}
	if _, err := p.Produce(background(t), name, 0, numbered(1, 3)); err != nil {
		t.Fatalf("a call made knowing of the failure: %v", err)
	}
}

func TestK08AnAbandonedWriteIsAwaited(t *testing.T) {
	if brokertest.External() != nil {
		t.Skip("needs a broker that is slow when told to")
	}
	fake := brokertest.Fake(t)
	c := open(t, fake.ListenAddrs())
	name := topic(t, c, 1)
	p := c.NewProducer(ProducerOptions{})
	produce(t, c, name, 0, numbered(0, 1))
	ctx, cancel := context.WithCancel(background(t))
	fake.ControlKey(int16(kmsg.Produce), func(kmsg.Request) (kmsg.Response, error, bool) {
		cancel()
		fake.SleepControl(func() { time.Sleep(50 * time.Millisecond) })
		return nil, nil, false
	})
	base, err := p.Produce(ctx, name, 0, numbered(1, 2))
	if err != nil || base != 1 {
		t.Fatalf("Produce = %d, %v; what was under way is written, so it says so", base, err)
	}
	if _, err := p.Produce(ctx, name, 0, numbered(2, 3)); !errors.Is(err, context.Canceled) {
		t.Fatalf("Produce after the end of its context = %v", err)
	}
	if got := values(t, c, name, 0); !slices.Equal(got, []string{"0", "1"}) {
		t.Fatalf("the log holds %q", got)
	}
}

func TestWritesThatMayPassAreTriedAgain(t *testing.T) {
	t.Parallel()
	if brokertest.External() != nil {
		t.Skip("needs a broker that fails when told to")
	}
	for _, e := range []*kerr.Error{kerr.NotLeaderForPartition, kerr.NotEnoughReplicas, kerr.NotEnoughReplicasAfterAppend, kerr.RequestTimedOut,
		kerr.OutOfOrderSequenceNumber, kerr.UnknownProducerID, kerr.LeaderNotAvailable} {
		t.Run(e.Message, func(t *testing.T) {
			fake := brokertest.Fake(t)
			c := open(t, fake.ListenAddrs())
			name := topic(t, c, 1)
			fault := fake.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Produce}, Err: e, Count: 2})
			p := c.NewProducer(ProducerOptions{})
			for i := range 3 {
				if _, err := p.Produce(background(t), name, 0, numbered(2*i, 2*i+2)); err != nil {
					t.Fatal(err)
				}
			}
			if fault.Hits() < 2 {
				t.Fatal("nothing failed")
			}
			if got := values(t, c, name, 0); !slices.Equal(got, []string{"0", "1", "2", "3", "4", "5"}) {
				t.Fatalf("the log holds %q", got)
			}
		})
	}
}

func TestATopicThatTakesOnlySmallBatchesGetsSmallBatches(t *testing.T) {
	if brokertest.External() != nil {
		t.Skip("needs a topic with a setting of its own")
	}
	fake := brokertest.Fake(t)
	small := "2000"
	if err := fake.CreateTopic("small", 1, map[string]string{"max.message.bytes": small}); err != nil {
		t.Fatal(err)
	}
	c := open(t, fake.ListenAddrs())
	p := c.NewProducer(ProducerOptions{Compression: None})
	base, err := p.Produce(background(t), "small", 0, numbered(0, 1000))
	if err != nil || base != 0 {
		t.Fatalf("Produce = %d, %v", base, err)
	}
	if got := values(t, c, "small", 0); len(got) != 1000 || got[999] != "999" {
		t.Fatalf("%d records came through", len(got))
	}
	_, err = p.Produce(background(t), "small", 0, []Record{{Value: make([]byte, 5000)}})
	if err == nil || !strings.Contains(err.Error(), "max.message.bytes") {
		t.Fatalf("Produce of a record that is too large = %v, want the setting's name", err)
	}
}
