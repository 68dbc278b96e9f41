package broker_test

import (
	"slices"
	"testing"

	"github.com/quarterhour/quarterhour/internal/broker"
	"github.com/quarterhour/quarterhour/internal/broker/brokertest"
)

func TestTopicsAreListed(t *testing.T) {
	cluster, err := broker.Open(broker.Config{Brokers: brokertest.Start(t)})
	if err != nil {
		t.Fatal(err)
	}
	defer cluster.Close()
	name := brokertest.Name(t)
	if _, err := cluster.EnsureTopic(t.Context(), broker.Topic{Name: name, Partitions: 2}); err != nil {
		t.Fatal(err)
	}
	names, err := cluster.Topics(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Contains(names, name) || !slices.IsSorted(names) {
		t.Errorf("topic %q is not among %q", name, names)
	}
}

func TestAGroupThatNobodyJoinedHasCommittedNothing(t *testing.T) {
	cluster, err := broker.Open(broker.Config{Brokers: brokertest.Start(t)})
	if err != nil {
		t.Fatal(err)
	}
	defer cluster.Close()
	name := brokertest.Name(t)
	if _, err := cluster.EnsureTopic(t.Context(), broker.Topic{Name: name, Partitions: 2}); err != nil {
		t.Fatal(err)
	}
	committed, err := cluster.Committed(t.Context(), name, name)
	if err != nil || !slices.Equal(committed, []int64{-1, -1}) {
		t.Errorf("committed %v, %v; want -1 twice", committed, err)
	}
}
