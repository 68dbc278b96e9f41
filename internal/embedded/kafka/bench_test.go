package kafka_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/quarterhour/quarterhour/internal/embedded/kafka"
)

// records makes n records of 200 bytes, the size of a contact.
func records(n int) []*kgo.Record {
	list := make([]*kgo.Record, n)
	for i := range list {
		list[i] = &kgo.Record{Topic: "facts", Key: fmt.Appendf(nil, "interaction-%d", i), Value: make([]byte, 200)}
	}
	return list
}

// BenchmarkProduce is how fast synced batches of 5,000 records go in.
func BenchmarkProduce(b *testing.B) {
	s := open(b, b.TempDir())
	createTopic(b, s.Addr(), "facts", nil)
	c := client(b, s.Addr(), kgo.ProducerBatchMaxBytes(8<<20), kgo.ProducerLinger(time.Millisecond))
	batch := records(5_000)
	n := 0
	for b.Loop() {
		if err := c.ProduceSync(b.Context(), batch...).FirstErr(); err != nil {
			b.Fatal(err)
		}
		n += len(batch)
	}
	b.ReportMetric(float64(n)/b.Elapsed().Seconds(), "records/s")
}

// BenchmarkStart is how long a start takes with a million records of 200 bytes there.
func BenchmarkStart(b *testing.B) {
	dir := b.TempDir()
	s := open(b, dir)
	createTopic(b, s.Addr(), "facts", nil)
	c := client(b, s.Addr(), kgo.ProducerBatchMaxBytes(1<<20))
	batch := records(10_000)
	for range 100 {
		if err := c.ProduceSync(b.Context(), batch...).FirstErr(); err != nil {
			b.Fatal(err)
		}
	}
	if err := s.Close(); err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if err := open(b, dir).Close(); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkCompact is the compaction of 300,000 records of 200 bytes with 10,000 keys.
func BenchmarkCompact(b *testing.B) {
	compact := "compact"
	for b.Loop() {
		b.StopTimer()
		dir := b.TempDir()
		s := open(b, dir)
		createTopic(b, s.Addr(), "facts", map[string]*string{"cleanup.policy": &compact})
		c := client(b, s.Addr(), kgo.ProducerBatchMaxBytes(1<<20))
		for range 30 {
			if err := c.ProduceSync(b.Context(), records(10_000)...).FirstErr(); err != nil {
				b.Fatal(err)
			}
		}
		if err := s.Close(); err != nil {
			b.Fatal(err)
		}
		b.StartTimer()
		if err := kafka.Compact(dir); err != nil {
			b.Fatal(err)
		}
	}
}
