package broker_test

import (
	"slices"
	"testing"
	"time"

	"github.com/quarterhour/quarterhour/internal/broker"
	"github.com/quarterhour/quarterhour/internal/broker/brokertest"
)

func TestOffsetsOfATime(t *testing.T) {
	cluster, err := broker.Open(broker.Config{Brokers: brokertest.Start(t)})
	if err != nil {
		t.Fatal(err)
	}
	defer cluster.Close()
	name := brokertest.Name(t)
	if _, err := cluster.EnsureTopic(t.Context(), broker.Topic{Name: name, Partitions: 2}); err != nil {
		t.Fatal(err)
	}
	start := time.Date(2026, 3, 2, 8, 0, 0, 0, time.UTC)
	producer := cluster.NewProducer(broker.ProducerOptions{})
	for i := range 5 { // a batch each
		record := broker.Record{Key: []byte("k"), Time: start.Add(time.Duration(i) * time.Minute)}
		if _, err := producer.Produce(t.Context(), name, 1, []broker.Record{record}); err != nil {
			t.Fatal(err)
		}
	}
	f := func(at time.Time, want ...int64) {
		t.Helper()
		got, err := cluster.OffsetsSince(t.Context(), name, at)
		if err != nil || !slices.Equal(got, want) {
			t.Errorf("since %s: %v, %v; want %v", at, got, err, want)
		}
	}
	f(time.Time{}, 0, 0)
	f(start, 0, 0)
	f(start.Add(2*time.Minute), 0, 2)
	f(start.Add(2*time.Minute+time.Second), 0, 3)
	f(start.Add(time.Hour), 0, 5)
}
