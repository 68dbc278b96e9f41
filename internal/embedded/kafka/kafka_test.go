package kafka_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/quarterhour/quarterhour/internal/embedded/kafka"
)

func client(t testing.TB, addr string, opts ...kgo.Opt) *kgo.Client {
	t.Helper()
	c, err := kgo.NewClient(append([]kgo.Opt{kgo.SeedBrokers(addr), kgo.DisableIdempotentWrite(), kgo.DisableClientMetrics(),
		kgo.MaxProduceRequestsInflightPerBroker(1), kgo.FetchMaxWait(20 * time.Millisecond), kgo.ProducerBatchCompression(kgo.NoCompression())}, opts...)...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

func createTopic(t testing.TB, addr, topic string, config map[string]*string) {
	t.Helper()
	if _, err := kadm.NewClient(client(t, addr)).CreateTopic(t.Context(), 1, 1, config, topic); err != nil {
		t.Fatal(err)
	}
}

// read gives the values of the topic's only partition, from its start.
func read(t testing.TB, addr, topic string, n int) []string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	c := client(t, addr, kgo.ConsumeTopics(topic), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()))
	var values []string
	for len(values) < n {
		f := c.PollFetches(ctx)
		if err := f.Err(); err != nil {
			t.Fatalf("after %d of %d records: %v", len(values), n, err)
		}
		f.EachRecord(func(r *kgo.Record) { values = append(values, string(r.Value)) })
	}
	return values
}

// TestAcknowledgedRecordsOutliveAKill kills the broker in the middle of producing, three times over.
func TestAcknowledgedRecordsOutliveAKill(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	var acknowledged []string
	for round := range 3 {
		p := start(t, dir)
		if round == 0 {
			createTopic(t, p.addr, "facts", nil)
		}
		c := client(t, p.addr, kgo.RecordRetries(0), kgo.DefaultProduceTopic("facts"))
		var count atomic.Int64
		go func() {
			for count.Load() < 20 {
				time.Sleep(time.Millisecond)
			}
			p.kill()
		}()
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		for i := 0; ; i++ {
			value := fmt.Sprintf("%d-%d", round, i)
			if err := c.ProduceSync(ctx, kgo.StringRecord(value)).FirstErr(); err != nil {
				break
			}
			acknowledged = append(acknowledged, value)
			count.Add(1)
		}
		cancel()
		c.Close()
	}
	got := read(t, start(t, dir).addr, "facts", len(acknowledged))
	for _, want := range acknowledged {
		if !slices.Contains(got, want) {
			t.Fatalf("record %s was acknowledged and is lost; there are %d of %d", want, len(got), len(acknowledged))
		}
	}
}

// TestAKilledMembersGroupIsFreeAtOnce: offsets committed outlive a kill, and the group does not wait for who is dead.
func TestAKilledMembersGroupIsFreeAtOnce(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	p := start(t, dir)
	createTopic(t, p.addr, "facts", nil)
	produce(t, p.addr, "facts", "0", "1", "2", "3")
	member(t, p.addr, 2)
	p.kill()

	p = start(t, dir)
	produce(t, p.addr, "facts", "4")
	began := time.Now()
	if got := member(t, p.addr, 4); got[0] != "2" {
		t.Errorf("the next member starts at record %s, want 2", got[0])
	}
	if took := time.Since(began); took > 3*time.Second {
		t.Errorf("the next member waited %v for its partition", took)
	}
}

// TestAnOrderlyEndFreesTheGroupToo: kfake would keep the members for the next start.
func TestAnOrderlyEndFreesTheGroupToo(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := open(t, dir)
	createTopic(t, s.Addr(), "facts", nil)
	produce(t, s.Addr(), "facts", "0", "1", "2", "3")
	member(t, s.Addr(), 3)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = open(t, dir)
	began := time.Now()
	if got := member(t, s.Addr(), 4); got[0] != "3" {
		t.Errorf("the next member starts at record %s, want 3", got[0])
	}
	if took := time.Since(began); took > 3*time.Second {
		t.Errorf("the next member waited %v for its partition", took)
	}
}

func open(t testing.TB, dir string) *kafka.Server {
	t.Helper()
	s, err := kafka.Start(t.Context(), kafka.Options{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

func produce(t testing.TB, addr, topic string, values ...string) {
	t.Helper()
	c := client(t, addr, kgo.DefaultProduceTopic(topic))
	for _, v := range values {
		if err := c.ProduceSync(t.Context(), kgo.StringRecord(v)).FirstErr(); err != nil {
			t.Fatal(err)
		}
	}
}

// member joins the group, reads to the offset, commits it and vanishes without leaving, with a session longer than the
// test.
func member(t testing.TB, addr string, through int64) []string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	line := &line{}
	c, err := kgo.NewClient(kgo.SeedBrokers(addr), kgo.ConsumeTopics("facts"), kgo.ConsumerGroup("fold"), kgo.DisableAutoCommit(),
		kgo.Dialer(line.dial), kgo.SessionTimeout(5*time.Minute), kgo.RebalanceTimeout(5*time.Minute), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()))
	if err != nil {
		t.Fatal(err)
	}
	// Never closed: closing waits for an answer to its leaving.
	var values []string
	for next := int64(0); next < through; {
		f := c.PollRecords(ctx, 1)
		if err := f.Err(); err != nil {
			t.Fatal(err)
		}
		f.EachRecord(func(r *kgo.Record) { values, next = append(values, string(r.Value)), r.Offset+1 })
	}
	commit := map[string]map[int32]kgo.EpochOffset{"facts": {0: {Epoch: -1, Offset: through}}}
	done := make(chan error, 1)
	c.CommitOffsets(ctx, commit, func(_ *kgo.Client, _ *kmsg.OffsetCommitRequest, _ *kmsg.OffsetCommitResponse, err error) { done <- err })
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	line.cut()
	return values
}

// line is a client's way to the broker, until it is cut: the client is then as good as dead.
type line struct {
	mu    sync.Mutex
	conns []net.Conn
	gone  bool
}

func (l *line) dial(ctx context.Context, network, host string) (net.Conn, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.gone {
		return nil, net.ErrClosed
	}
	conn, err := (&net.Dialer{}).DialContext(ctx, network, host)
	if err == nil {
		l.conns = append(l.conns, conn)
	}
	return conn, err
}

func (l *line) cut() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.gone = true
	for _, c := range l.conns {
		_ = c.Close()
	}
}

func TestTheAddressStaysTheSame(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := open(t, dir)
	first := s.Addr()
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = open(t, dir)
	if s.Addr() != first {
		t.Errorf("the second start answers on %s, the first on %s", s.Addr(), first)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	// Taken by another: any other port.
	l, err := net.Listen("tcp", first)
	if err != nil {
		t.Skip(err)
	}
	defer l.Close()
	if s = open(t, dir); s.Addr() == first {
		t.Error("the address is in use and given out")
	}
}

func TestTopicsAreOnlyMadeOnPurpose(t *testing.T) {
	t.Parallel()
	s := open(t, t.TempDir())
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	c := client(t, s.Addr(), kgo.AllowAutoTopicCreation(), kgo.UnknownTopicRetries(0))
	err := c.ProduceSync(ctx, &kgo.Record{Topic: "mistyped", Value: []byte("x")}).FirstErr()
	if !errors.Is(err, kerr.UnknownTopicOrPartition) {
		t.Errorf("error %v, want that the topic is unknown", err)
	}
}

// TestNothingGoesAway: neither age nor the cleaner takes records or settings away, over restarts.
func TestNothingGoesAway(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := open(t, dir)
	compact := "compact"
	createTopic(t, s.Addr(), "facts", nil)
	createTopic(t, s.Addr(), "rows", map[string]*string{"cleanup.policy": &compact})
	old := time.Date(1999, 2, 1, 8, 0, 0, 0, time.UTC)
	c := client(t, s.Addr())
	for _, r := range []*kgo.Record{{Topic: "facts", Value: []byte("old"), Timestamp: old}, {Topic: "rows", Key: []byte("k"), Value: []byte("1"), Timestamp: old}} {
		if err := c.ProduceSync(t.Context(), r).FirstErr(); err != nil {
			t.Fatal(err)
		}
	}
	for range 2 {
		configs, err := kadm.NewClient(client(t, s.Addr())).DescribeTopicConfigs(t.Context(), "rows")
		if err != nil {
			t.Fatal(err)
		}
		policy := configs[slices.IndexFunc(configs, func(c kadm.ResourceConfig) bool { return c.Name == "rows" })].Configs
		if i := slices.IndexFunc(policy, func(c kadm.Config) bool { return c.Key == "cleanup.policy" }); policy[i].MaybeValue() != "compact" {
			t.Errorf("rows are cleaned by %q", policy[i].MaybeValue())
		}
		s.Clean()
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		s = open(t, dir)
	}
	if got := read(t, s.Addr(), "facts", 1); got[0] != "old" {
		t.Errorf("read %q", got)
	}
}

// TestATornEndIsCutOff: half a batch at the end of a log was never acknowledged.
func TestATornEndIsCutOff(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	p := start(t, dir)
	createTopic(t, p.addr, "facts", nil)
	produce(t, p.addr, "facts", "0", "1", "2")
	p.kill()
	segment := filepath.Join(dir, "partitions", "facts-0", "0.dat")
	info, err := os.Stat(segment)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(segment, info.Size()-5); err != nil {
		t.Fatal(err)
	}
	s := open(t, dir)
	produce(t, s.Addr(), "facts", "3")
	if got := read(t, s.Addr(), "facts", 3); !slices.Equal(got, []string{"0", "1", "3"}) {
		t.Errorf("read %q, want 0, 1 and 3", got)
	}
}
