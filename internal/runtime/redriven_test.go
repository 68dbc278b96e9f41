package runtime

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/quarterhour/quarterhour/internal/broker"
	"github.com/quarterhour/quarterhour/internal/broker/brokertest"
	"github.com/quarterhour/quarterhour/internal/clock"
	"github.com/quarterhour/quarterhour/internal/embedded/registry/registrytest"
	"github.com/quarterhour/quarterhour/sinks/delivery"
)

// A dead record is redriven while its destination is away, and the log of deliveries is compacted: the books say that it is pending.
func TestARedrivenRecordIsPending(t *testing.T) {
	kafka := brokertest.Fake(t)
	cluster, err := broker.Open(broker.Config{Brokers: kafka.ListenAddrs()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(cluster.Close)
	w, to := &world{cluster: cluster, registry: registrytest.Start(t), metrics: prometheus.NewRegistry()}, newPlace()
	to.refuse = func(i *delivery.Item) bool { return i.Queue != nil && i.Queue.QueueID == "q1" }
	p := pipelineOf(t, history(15), newTableSink())
	p.Sinks = append(p.Sinks[:0], deliveringSink("api", to, delivery.Options{When: "final"}))
	if err := w.run(t.Context(), p, true); err != nil {
		t.Fatal(err)
	}
	letters := w.letters(t, p)
	morgue := &Morgue{Cluster: w.cluster, Registry: w.registry, Now: clock.Now}
	if got, err := morgue.Redrive(t.Context(), &letters[0]); err != nil || got != RedriveSent {
		t.Fatalf("%q, %v", got, err)
	}
	away := make(chan bool, 100)
	to.fault = func([]delivery.Item) error { away <- true; return errors.New("connection refused") }
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	done := make(chan error)
	go func() { done <- w.run(ctx, p, false) }()
	<-away
	<-away // the first failure is written down
	cancel()
	<-done
	kafka.Compact()
	retries := 0
	for _, d := range attempts(t, w, p) {
		if strings.HasPrefix(letters[0].Location, d.RowKey+"@") {
			if retries++; d.Outcome != delivery.Retry {
				t.Errorf("the log is not compacted: %+v", d)
			}
		}
	}
	var pending, dead int64
	w.balances(t, p, func(d *DeliveryDay) bool { pending, dead = pending+d.Pending, dead+d.Dead; return true })
	if retries == 0 || pending != 1 || dead != int64(len(letters))-1 {
		t.Errorf("%d retries are written down; %d are pending and %d of %d dead", retries, pending, dead, len(letters))
	}
}
