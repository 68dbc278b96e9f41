package broker

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/segmentio/kafka-go/protocol"
	"github.com/twmb/franz-go/pkg/kfake"

	"github.com/quarterhour/quarterhour/internal/broker/brokertest"
	"github.com/quarterhour/quarterhour/internal/clock"
)

// cut ends every connection of the cluster, as a broker's restart or a firewall does.
func (c *Cluster) cut() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for conn := range c.conns {
		_ = conn.Close()
	}
}

func TestK12CutConnectionsAreMadeAgain(t *testing.T) {
	brokers := brokertest.Start(t)
	c := open(t, brokers)
	name := topic(t, c, 1)
	seen := make(chan int64, 1000)
	m := c
	ctx, cancel := context.WithCancel(background(t))
	ended := make(chan error, 1)
	go func() {
		ended <- m.Consume(ctx, GroupOptions{Group: name, Topics: []string{name}}, func(ctx context.Context, a *Assigned) error {
			for at := max(a.Committed(), 0); ctx.Err() == nil; {
				b, err := a.Fetch(ctx, at)
				if err != nil {
					return err
				}
				if at = b.Next; len(b.Records) > 0 {
					if err := a.Commit(ctx, at); err != nil {
						return err
					}
					seen <- at
				}
			}
			return nil
		})
	}()
	p := c.NewProducer(ProducerOptions{})
	for i := range 4 {
		if _, err := p.Produce(background(t), name, 0, numbered(i, i+1)); err != nil {
			t.Fatal(err)
		}
		for until(t, "the record is read", seen) < int64(i+1) {
		}
		c.cut()
	}
	cancel()
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Fatalf("Consume = %v", err)
	}
	if got := values(t, c, name, 0); !slices.Equal(got, []string{"0", "1", "2", "3"}) {
		t.Fatalf("the log holds %q", got)
	}
}

func TestK12ABrokerThatDoesNotAnswerIsGivenUp(t *testing.T) {
	c := open(t, brokertest.Start(t))
	c.timeout = 200 * time.Millisecond
	name := topic(t, c, 1)
	produce(t, c, name, 0, numbered(0, 1))
	var stuck atomic.Int32
	hang := make(chan struct{})
	defer close(hang)
	c.tamper = func(conn net.Conn) net.Conn {
		return &tampered{Conn: conn, received: func(key protocol.ApiKey, _ []byte) error {
			if key == protocol.Fetch && stuck.Add(1) == 1 {
				select { // longer than the test waits, unless the connection's deadline does not work
				case <-hang:
				case <-time.After(2 * time.Second):
				}
			}
			return nil
		}}
	}
	c.cut()
	started := time.Now()
	if got := values(t, c, name, 0); !slices.Equal(got, []string{"0"}) {
		t.Fatalf("read %q", got)
	}
	if took := time.Since(started); took > 1500*time.Millisecond || stuck.Load() < 2 {
		t.Fatalf("reading took %v and %d attempts", took, stuck.Load())
	}
}

func TestK12ABrokersRestartIsSurvived(t *testing.T) {
	t.Parallel()
	if brokertest.External() != nil {
		t.Skip("needs a broker to restart")
	}
	dir := t.TempDir()
	start := func(port int) *kfake.Cluster {
		return brokertest.Fake(t, kfake.DataDir(dir), kfake.SyncWrites(), kfake.Ports(port))
	}
	fake := start(0)
	_, p, _ := strings.Cut(fake.ListenAddrs()[0], ":")
	port, err := strconv.Atoi(p)
	if err != nil {
		t.Fatal(err)
	}
	c := open(t, fake.ListenAddrs())
	name := topic(t, c, 1)
	producer := c.NewProducer(ProducerOptions{})
	if _, err := producer.Produce(background(t), name, 0, numbered(0, 5)); err != nil {
		t.Fatal(err)
	}
	f := c.newFetcher(name, 0)
	defer f.drop()
	if b, err := f.fetch(background(t), 0); err != nil || b.Next != 5 {
		t.Fatalf("fetch = %+v, %v", b, err)
	}
	fake.Close()
	go func() {
		_ = clock.Sleep(context.Background(), 100*time.Millisecond)
		start(port)
	}()
	if base, err := producer.Produce(background(t), name, 0, numbered(5, 6)); err != nil || base != 5 {
		t.Fatalf("Produce over a restart = %d, %v", base, err)
	}
	if b, err := f.fetch(background(t), 5); err != nil || b.Next != 6 {
		t.Fatalf("fetch after the restart = %+v, %v", b, err)
	}
}

func TestK12ALeadersMoveIsFollowed(t *testing.T) {
	if brokertest.External() != nil {
		t.Skip("needs a leader to move")
	}
	fake := brokertest.Fake(t, kfake.NumBrokers(3))
	c := open(t, fake.ListenAddrs())
	name := topic(t, c, 1)
	p := c.NewProducer(ProducerOptions{})
	f := c.newFetcher(name, 0)
	defer f.drop()
	started := time.Now()
	for i := range 6 {
		if err := fake.MoveTopicPartition(name, 0, int32(i%3)); err != nil {
			t.Fatal(err)
		}
		if _, err := p.Produce(background(t), name, 0, numbered(i, i+1)); err != nil {
			t.Fatal(err)
		}
		if b, err := f.fetch(background(t), int64(i)); err != nil || b.Next != int64(i+1) {
			t.Fatalf("fetch = %+v, %v", b, err)
		}
	}
	if took := time.Since(started); took > 5*time.Second {
		t.Errorf("6 moves took %v: new leaders are not asked for", took)
	}
}

func TestK12ConnectionsDoNotAccumulate(t *testing.T) {
	c := open(t, brokertest.Start(t))
	name := topic(t, c, 2)
	for i := range 200 {
		produce(t, c, name, i%2, numbered(i, i+1)) // with a producer of its own each
	}
	for p := range 2 {
		values(t, c, name, p)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.conns) > 8 {
		t.Fatalf("%d connections are open", len(c.conns))
	}
}

func TestNoBrokerIsSaidSo(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := l.Addr().String()
	_ = l.Close()
	c, err := Open(Config{Brokers: []string{addr}, Patience: 300 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	_, made := c.EnsureTopic(background(t), Topic{Name: "x", Partitions: 1})
	_, wrote := c.NewProducer(ProducerOptions{}).Produce(background(t), "x", 0, numbered(0, 1))
	_, listed := c.Offsets(background(t), "x")
	group := c.Consume(background(t), GroupOptions{Group: "x", Topics: []string{"x"}}, nil)
	for _, err := range []error{made, wrote, listed, group} {
		if err == nil || !strings.Contains(fmt.Sprint(err), "refused") {
			t.Errorf("without a broker: %v; want that the connection is refused", err)
		}
	}
}
