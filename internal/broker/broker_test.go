package broker

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/quarterhour/quarterhour/internal/broker/brokertest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// open connects to the test's Kafka.
func open(t testing.TB, brokers []string) *Cluster {
	t.Helper()
	c, err := Open(Config{Brokers: brokers, Patience: 15 * time.Second})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

func background(t testing.TB) context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	t.Cleanup(cancel)
	return ctx
}

// topic makes a topic of its own for the test.
func topic(t testing.TB, c *Cluster, partitions int) string {
	t.Helper()
	name := brokertest.Name(t)
	got, err := c.EnsureTopic(background(t), Topic{Name: name, Partitions: partitions})
	if err != nil || got != partitions {
		t.Fatalf("EnsureTopic(%q) = %d, %v; want %d partitions", name, got, err, partitions)
	}
	return name
}

// numbered are records whose values are the numbers from, inclusive, to to, exclusive.
func numbered(from, to int) []Record {
	var records []Record
	for i := from; i < to; i++ {
		records = append(records, Record{Key: fmt.Appendf(nil, "k%d", i), Value: fmt.Append(nil, i), Time: time.UnixMilli(int64(1_700_000_000_000 + i)).UTC()})
	}
	return records
}

func produce(t testing.TB, c *Cluster, topic string, partition int, records []Record) int64 {
	t.Helper()
	base, err := c.NewProducer(ProducerOptions{}).Produce(background(t), topic, partition, records)
	if err != nil {
		t.Fatal(err)
	}
	return base
}

// values reads what a partition holds.
func values(t testing.TB, c *Cluster, topic string, partition int) []string {
	t.Helper()
	ranges, err := c.Offsets(background(t), topic)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	err = c.ReadAll(background(t), topic, partition, ranges[partition].First, ranges[partition].Next, func(b *Batch) error {
		for i := range b.Records {
			got = append(got, string(b.Records[i].Value))
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return got
}

func TestRecordsComeBackAsTheyWere(t *testing.T) {
	for _, compression := range []Compression{None, Gzip, Snappy, LZ4, Zstd} {
		t.Run(string(compression), func(t *testing.T) {
			c := open(t, brokertest.Start(t))
			name := topic(t, c, 2)
			sent := numbered(0, 3000)
			sent[1].Headers = []Header{{Key: "a", Value: []byte("1")}, {Key: "a", Value: nil}, {Key: "", Value: []byte{}}}
			sent[2].Key, sent[3].Value = nil, nil
			p := c.NewProducer(ProducerOptions{Compression: compression, BatchBytes: 20_000})
			base, err := p.Produce(background(t), name, 1, sent)
			if err != nil || base != 0 {
				t.Fatalf("Produce = %d, %v", base, err)
			}
			var got []Record
			err = c.ReadAll(background(t), name, 1, 0, 3000, func(b *Batch) error {
				for _, r := range b.Records {
					got = append(got, clone(r))
				}
				return nil
			})
			if err != nil {
				t.Fatal(err)
			}
			compare(t, got, sent)
		})
	}
}

func TestConsumeAndCommit(t *testing.T) {
	c := open(t, brokertest.Start(t))
	name := topic(t, c, 3)
	for p := range 3 {
		produce(t, c, name, p, numbered(0, 100))
	}
	ctx, cancel := context.WithCancel(background(t))
	done := make(chan int, 3)
	go func() {
		for range 3 {
			<-done
		}
		cancel()
	}()
	err := c.Consume(ctx, GroupOptions{Group: name, Topics: []string{name}}, func(ctx context.Context, a *Assigned) error {
		if a.Committed() != -1 {
			t.Errorf("Committed = %d before anything was", a.Committed())
		}
		for at := int64(0); at < 100; {
			b, err := a.Fetch(ctx, at)
			if err != nil {
				return err
			}
			at = b.Next
		}
		if err := a.Commit(ctx, 100); err != nil {
			return err
		}
		if a.Committed() != 100 {
			t.Errorf("Committed = %d after 100", a.Committed())
		}
		done <- a.Partition()
		return nil
	})
	if !errors.Is(err, context.Canceled) {
		t.Fatalf("Consume = %v", err)
	}
	got, err := c.Committed(background(t), name, name)
	if err != nil || fmt.Sprint(got) != "[100 100 100]" {
		t.Fatalf("Committed = %v, %v", got, err)
	}
}

// firstAssignment is a handler that ends everything at once.
func firstAssignment(context.Context, *Assigned) error { return errDone }
