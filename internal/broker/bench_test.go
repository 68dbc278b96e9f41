package broker

import (
	"bytes"
	"fmt"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"

	"github.com/quarterhour/quarterhour/internal/broker/brokertest"
)

// sized are n records with a key of 16 and a value of 184 bytes, half of which repeats.
func sized(n int) []Record {
	records := make([]Record, n)
	now := time.UnixMilli(1_700_000_000_000)
	for i := range records {
		value := append(fmt.Appendf(nil, "%092d", i*7919*7919), bytes.Repeat([]byte("agent"), 19)...)[:184]
		records[i] = Record{Key: fmt.Appendf(nil, "interaction-%04d", i%10000), Value: value, Time: now}
	}
	return records
}

func BenchmarkProduce(b *testing.B) {
	for _, compression := range []Compression{None, LZ4, Zstd} {
		b.Run(string(compression), func(b *testing.B) {
			c := open(b, brokertest.Start(b))
			p := c.NewProducer(ProducerOptions{Compression: compression})
			name, records, ctx := topic(b, c, 1), sized(20_000), background(b)
			b.ReportAllocs()
			b.ResetTimer()
			for n := 0; n < b.N; n += len(records) {
				if _, err := p.Produce(ctx, name, 0, records); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "records/s")
		})
	}
}

// BenchmarkProduceSynced is the embedded mode: every batch is on disk before it is acknowledged.
func BenchmarkProduceSynced(b *testing.B) {
	for _, compression := range []Compression{None, LZ4} {
		b.Run(string(compression), func(b *testing.B) {
			c := open(b, brokertest.Fake(b, kfake.DataDir(b.TempDir()), kfake.SyncWrites()).ListenAddrs())
			p := c.NewProducer(ProducerOptions{Compression: compression})
			name, records, ctx := topic(b, c, 1), sized(20_000), background(b)
			b.ResetTimer()
			for n := 0; n < b.N; n += len(records) {
				if _, err := p.Produce(ctx, name, 0, records); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "records/s")
		})
	}
}

// BenchmarkWrite is one record at a time: what a mark or a cursor costs.
func BenchmarkWrite(b *testing.B) {
	c := open(b, brokertest.Start(b))
	p := c.NewProducer(ProducerOptions{})
	name, records, ctx := topic(b, c, 1), sized(1), background(b)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := p.Produce(ctx, name, 0, records); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkFetch(b *testing.B) {
	for _, compression := range []Compression{None, LZ4, Zstd} {
		b.Run(string(compression), func(b *testing.B) {
			c := open(b, brokertest.Start(b))
			const total = 400_000
			name, ctx := topic(b, c, 1), background(b)
			p := c.NewProducer(ProducerOptions{Compression: compression})
			for range total / 20_000 {
				if _, err := p.Produce(ctx, name, 0, sized(20_000)); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportAllocs()
			b.ResetTimer()
			for n := 0; n < b.N; n += total {
				read := 0
				if err := c.ReadAll(ctx, name, 0, 0, total, func(b *Batch) error { read += len(b.Records); return nil }); err != nil || read != total {
					b.Fatal(read, err)
				}
			}
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "records/s")
		})
	}
}
