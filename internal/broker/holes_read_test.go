package broker

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/segmentio/kafka-go/protocol"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/quarterhour/quarterhour/internal/broker/brokertest"
)

// transactional is another client, which writes in transactions.
func transactional(t *testing.T, brokers []string, topic string) *kgo.Client {
	t.Helper()
	client, err := kgo.NewClient(kgo.SeedBrokers(brokers...), kgo.TransactionalID(brokertest.Name(t)), kgo.DefaultProduceTopic(topic),
		kgo.RecordPartitioner(kgo.ManualPartitioner()))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	return client
}

// write adds the values to the client's transaction, which begins if none is open.
func write(t *testing.T, client *kgo.Client, values ...string) {
	t.Helper()
	_ = client.BeginTransaction() // fails where one is open
	for _, v := range values {
		if err := client.ProduceSync(background(t), kgo.StringRecord(v)).FirstErr(); err != nil {
			t.Fatal(err)
		}
	}
}

func end(t *testing.T, client *kgo.Client, how kgo.TransactionEndTry) {
	t.Helper()
	if err := client.EndTransaction(background(t), how); err != nil {
		t.Fatal(err)
	}
}

func TestK01AbortedTransactionsAndControlRecordsAreNotSeen(t *testing.T) {
	brokers := brokertest.Start(t)
	c := open(t, brokers)
	name := topic(t, c, 1)
	a, b := transactional(t, brokers, name), transactional(t, brokers, name)
	write(t, a, "a1")
	write(t, b, "b1 aborted")
	write(t, a, "a2")
	write(t, b, "b2 aborted")
	end(t, b, kgo.TryAbort)
	write(t, b, "b3")
	write(t, a, "a3")
	end(t, a, kgo.TryCommit)
	end(t, b, kgo.TryCommit)
	write(t, a, "a4 aborted")
	end(t, a, kgo.TryAbort)
	produce(t, c, name, 0, []Record{{Value: []byte("plain")}})
	write(t, b, "b4 aborted")
	end(t, b, kgo.TryAbort)
	// The end of the last transaction reaches the log after it is acknowledged.
	deadline, want := time.Now().Add(10*time.Second), []string{"a1", "a2", "b3", "a3", "plain"}
	for {
		got := values(t, c, name, 0)
		if slices.Equal(got, want) {
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("read %q, want %q", got, want)
		}
	}
	ranges, err := c.Offsets(background(t), name)
	if err != nil {
		t.Fatal(err)
	}
	if ranges[0].Next != 14 { // 9 records and 5 markers
		t.Errorf("the partition ends at %d, want 14", ranges[0].Next)
	}
}

func TestK01AnOpenTransactionIsNotSeenYet(t *testing.T) {
	brokers := brokertest.Start(t)
	c := open(t, brokers)
	name := topic(t, c, 1)
	a := transactional(t, brokers, name)
	produce(t, c, name, 0, numbered(0, 1))
	write(t, a, "open")
	produce(t, c, name, 0, numbered(1, 2))
	if got := values(t, c, name, 0); !slices.Equal(got, []string{"0"}) {
		t.Fatalf("read %q while a transaction is open, want what is before it", got)
	}
	f := c.newFetcher(name, 0)
	defer f.drop()
	b, err := f.fetch(background(t), 1)
	if err != nil || len(b.Records) != 0 || b.Next != 1 || b.HighWatermark != 1 {
		t.Fatalf("fetch = %+v, %v; want nothing yet", b, err)
	}
	end(t, a, kgo.TryCommit)
	for b.Next < 4 {
		if b, err = f.fetch(background(t), b.Next); err != nil {
			t.Fatal(err)
		}
	}
	if got := values(t, c, name, 0); !slices.Equal(got, []string{"0", "open", "1"}) {
		t.Fatalf("read %q after the transaction's end", got)
	}
}

// flip makes the cluster's connections damage the next n batches that hold the marker.
func flip(c *Cluster, marker string, n int32) *atomic.Int32 {
	var done atomic.Int32
	c.tamper = func(conn net.Conn) net.Conn {
		return &tampered{Conn: conn, received: func(key protocol.ApiKey, part []byte) error {
			if i := bytes.Index(part, []byte(marker)); key == protocol.Fetch && i >= 0 && done.Add(1) <= n {
				part[i] ^= 0x20
			}
			return nil
		}}
	}
	return &done
}

func TestK04ADamagedBatchIsRefused(t *testing.T) {
	brokers := brokertest.Start(t)
	name := topic(t, open(t, brokers), 1)
	produce(t, open(t, brokers), name, 0, []Record{{Value: []byte("payroll: 100 h")}})

	damaged := open(t, brokers)
	flip(damaged, "payroll", 1000)
	err := damaged.ReadAll(background(t), name, 0, 0, 1, func(b *Batch) error {
		return fmt.Errorf("handed out %q", b.Records[0].Value)
	})
	var corrupt *CorruptError
	if !errors.As(err, &corrupt) || corrupt.Offset != 0 || corrupt.Topic != name {
		t.Fatalf("ReadAll = %v, want a CorruptError at offset 0", err)
	}

	once := open(t, brokers)
	hits := flip(once, "payroll", 1)
	if got := values(t, once, name, 0); !slices.Equal(got, []string{"payroll: 100 h"}) || hits.Load() != 2 {
		t.Fatalf("read %q in %d attempts, want the record at the second", got, hits.Load())
	}
}

// deleteBefore removes the records before the offset, as retention does.
func deleteBefore(t *testing.T, brokers []string, name string, offset int64) {
	t.Helper()
	client, err := kgo.NewClient(kgo.SeedBrokers(brokers...))
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	req := kmsg.NewPtrDeleteRecordsRequest()
	req.TimeoutMillis = 10_000
	rt := kmsg.NewDeleteRecordsRequestTopic()
	rt.Topic = name
	rp := kmsg.NewDeleteRecordsRequestTopicPartition()
	rp.Offset = offset
	rt.Partitions = append(rt.Partitions, rp)
	req.Topics = append(req.Topics, rt)
	if _, err := req.RequestWith(background(t), client); err != nil {
		t.Fatal(err)
	}
}

func TestK13RecordsGoneBeforeTheyWereReadAreReported(t *testing.T) {
	brokers := brokertest.Start(t)
	c := open(t, brokers)
	name := topic(t, c, 1)
	for i := range 10 {
		produce(t, c, name, 0, numbered(i, i+1))
	}
	deleteBefore(t, brokers, name, 7)
	f := c.newFetcher(name, 0)
	defer f.drop()
	b, err := f.fetch(background(t), 2)
	if err != nil || b.Lost != 5 || b.Next != 7 || len(b.Records) != 0 {
		t.Fatalf("fetch of what is gone = %+v, %v; want 5 lost and to go on at 7", b, err)
	}
	if b, err = f.fetch(background(t), b.Next); err != nil || len(b.Records) != 3 || b.Records[0].Offset != 7 || b.Lost != 0 {
		t.Fatalf("fetch at the log's start = %+v, %v", b, err)
	}
	_, err = f.fetch(background(t), 99)
	var beyond *BeyondError
	if !errors.As(err, &beyond) || beyond.Range != (Range{First: 7, Next: 10}) {
		t.Fatalf("fetch beyond the end = %v, want a BeyondError that names 7 and 10", err)
	}
}

func TestFetchWaitsForTheNextRecordAndNoLonger(t *testing.T) {
	c := open(t, brokertest.Start(t))
	name := topic(t, c, 1)
	f := c.newFetcher(name, 0)
	defer f.drop()
	if b, err := f.fetch(background(t), 0); err != nil || len(b.Records) != 0 || b.Next != 0 {
		t.Fatalf("fetch of an empty partition = %+v, %v", b, err)
	}
	p := c.NewProducer(ProducerOptions{})
	go func() { _, _ = p.Produce(context.Background(), name, 0, numbered(0, 1)) }() // its failure shows below
	for b := (&Batch{}); len(b.Records) == 0; {
		var err error
		if b, err = f.fetch(background(t), 0); err != nil {
			t.Fatal(err)
		}
	}
	ctx, cancel := context.WithTimeout(background(t), 20*time.Millisecond)
	defer cancel()
	if _, err := f.fetch(ctx, 1); !errors.Is(err, context.DeadlineExceeded) {
		t.Fatalf("fetch whose context ended = %v", err)
	}
}
