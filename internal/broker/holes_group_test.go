package broker

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/segmentio/kafka-go"
	"github.com/segmentio/kafka-go/protocol"
	"github.com/twmb/franz-go/pkg/kfake"

	"github.com/quarterhour/quarterhour/internal/broker/brokertest"
	"github.com/quarterhour/quarterhour/internal/clock"
)

// member is a Consume under way.
type member struct {
	cluster *Cluster
	cancel  context.CancelFunc
	done    chan error
}

// join starts a member with a cluster of its own, as another process would have.
func join(t *testing.T, brokers []string, o GroupOptions, handler func(context.Context, *Assigned) error) *member {
	t.Helper()
	c := open(t, brokers)
	ctx, cancel := context.WithCancel(background(t))
	m := &member{cluster: c, cancel: cancel, done: make(chan error, 1)}
	go func() { m.done <- c.Consume(ctx, o, handler) }()
	t.Cleanup(func() { _ = m.leave() })
	return m
}

// leave ends the member and says how Consume ended.
func (m *member) leave() error {
	m.cancel()
	err, open := <-m.done
	if open {
		close(m.done)
	}
	return err
}

// until fails the test if what it waits for does not come.
func until[T any](t *testing.T, what string, from <-chan T) T {
	t.Helper()
	select {
	case v := <-from:
		return v
	case <-time.After(25 * time.Second):
		t.Fatalf("%s does not happen", what)
		panic("unreachable")
	}
}

func TestK02AStaleCommitIsRefused(t *testing.T) {
	t.Parallel()
	brokers := brokertest.Start(t)
	c := open(t, brokers)
	name := topic(t, c, 1)
	produce(t, c, name, 0, numbered(0, 60))
	options := GroupOptions{Group: name, Topics: []string{name}, Session: time.Second, Heartbeat: 100 * time.Millisecond}

	// A does not notice that it is to give up the partition, and commits when B has long gone on.
	first, overtaken, stale := make(chan struct{}, 1), make(chan struct{}), make(chan error, 1)
	a := join(t, brokers, options, func(ctx context.Context, a *Assigned) error {
		first <- struct{}{}
		<-overtaken
		stale <- a.Commit(ctx, 10)
		return nil
	})
	until(t, "the first assignment", first)
	second := make(chan struct{}, 1)
	b := join(t, brokers, options, func(ctx context.Context, a *Assigned) error {
		if err := a.Commit(ctx, 50); err != nil {
			return err
		}
		second <- struct{}{}
		<-ctx.Done()
		return nil
	})
	until(t, "the second assignment", second)
	close(overtaken)
	if err := until(t, "the stale commit", stale); !errors.Is(err, ErrLost) {
		t.Errorf("the stale commit = %v, want ErrLost", err)
	}
	_, _ = a.leave(), b.leave()
	if got, err := c.Committed(background(t), name, name); err != nil || got[0] != 50 {
		t.Fatalf("Committed = %v, %v; want B's 50", got, err)
	}
}

func TestK02ACommitNeverGoesBack(t *testing.T) {
	brokers := brokertest.Start(t)
	c := open(t, brokers)
	name := topic(t, c, 1)
	produce(t, c, name, 0, numbered(0, 60))
	var kept *Assigned
	err := c.Consume(background(t), GroupOptions{Group: name, Topics: []string{name}}, func(ctx context.Context, a *Assigned) error {
		kept = a
		for _, step := range []struct {
			offset int64
			ok     bool
		}{{20, true}, {20, true}, {19, false}, {30, true}} {
			if err := a.Commit(ctx, step.offset); (err == nil) != step.ok {
				t.Errorf("Commit(%d) = %v", step.offset, err)
			}
		}
		return errDone
	})
	if !errors.Is(err, errDone) {
		t.Fatal(err)
	}
	if err := kept.Commit(background(t), 40); !errors.Is(err, ErrLost) {
		t.Errorf("Commit after the handler's end = %v, want ErrLost", err)
	}
	if _, err := kept.Fetch(background(t), 30); !errors.Is(err, ErrLost) {
		t.Errorf("Fetch after the handler's end = %v, want ErrLost", err)
	}
	if got, err := c.Committed(background(t), name, name); err != nil || got[0] != 30 {
		t.Fatalf("Committed = %v, %v; want 30", got, err)
	}
}

func TestK03ALostPartitionIsLetGoBeforeAnotherHasIt(t *testing.T) {
	t.Parallel()
	brokers := brokertest.Start(t)
	c := open(t, brokers)
	const partitions = 4
	name := topic(t, c, partitions)
	var mu sync.Mutex
	owners := map[int]int{}
	turns := 0
	handler := func(ctx context.Context, a *Assigned) error {
		mu.Lock()
		turns++
		if owners[a.Partition()]++; owners[a.Partition()] > 1 {
			t.Errorf("partition %d has %d owners", a.Partition(), owners[a.Partition()])
		}
		mu.Unlock()
		<-ctx.Done()
		_ = clock.Sleep(context.Background(), 20*time.Millisecond) // a handler takes a moment to end
		mu.Lock()
		owners[a.Partition()]--
		mu.Unlock()
		return nil
	}
	options := GroupOptions{Group: name, Topics: []string{name}, Heartbeat: 50 * time.Millisecond}
	for range 3 {
		a := join(t, brokers, options, handler)
		b := join(t, brokers, options, handler)
		_ = clock.Sleep(context.Background(), 300*time.Millisecond)
		_ = a.leave()
		_ = clock.Sleep(context.Background(), 100*time.Millisecond)
		_ = b.leave()
	}
	if turns < 3*partitions {
		t.Errorf("only %d assignments", turns)
	}
}

func TestK09WhatWasWrittenBeforeTheFirstAssignmentIsRead(t *testing.T) {
	brokers := brokertest.Start(t)
	c := open(t, brokers)
	name := topic(t, c, 1)
	produce(t, c, name, 0, numbered(0, 10))
	seen := make(chan int64, 2)
	handler := func(ctx context.Context, a *Assigned) error {
		from := a.Committed()
		b, err := a.Fetch(ctx, max(from, 0))
		if err != nil {
			return err
		}
		seen <- from
		seen <- int64(len(b.Records))
		return errDone // without a commit: the next run is the first again
	}
	for range 2 {
		if err := c.Consume(background(t), GroupOptions{Group: name, Topics: []string{name}}, handler); !errors.Is(err, errDone) {
			t.Fatal(err)
		}
		if from, n := <-seen, <-seen; from != -1 || n != 10 {
			t.Fatalf("began at %d with %d records, want -1 (nothing committed) and all 10", from, n)
		}
	}
}

func TestK10PartitionsChangeHandsFast(t *testing.T) {
	t.Parallel()
	brokers := brokertest.Start(t)
	c := open(t, brokers)
	name := topic(t, c, 2)
	assigned := make(chan string, 16)
	handler := func(who string) func(context.Context, *Assigned) error {
		return func(ctx context.Context, a *Assigned) error {
			assigned <- who
			<-ctx.Done()
			return nil
		}
	}
	options := GroupOptions{Group: name, Topics: []string{name}}
	started := time.Now()
	lap := func(what string, most time.Duration) {
		t.Helper()
		if took := time.Since(started); took > most {
			t.Errorf("%s took %v, more than %v", what, took, most)
		} else {
			t.Logf("%s took %v", what, took)
		}
		started = time.Now()
	}
	a := join(t, brokers, options, handler("a"))
	until(t, "a's first partition", assigned)
	until(t, "a's second partition", assigned)
	lap("the first join", 2*time.Second)
	b := join(t, brokers, options, handler("b"))
	for got := map[string]bool{}; len(got) < 2; {
		got[until(t, "a partition each", assigned)] = true
	}
	lap("a second member's join", 3*time.Second)
	_ = a.leave()
	lap("leaving", 2*time.Second)
	for n := 0; n < 2; {
		if until(t, "both to b", assigned) == "b" {
			n++
		}
	}
	lap("taking over", 3*time.Second)
	_ = b.leave()
	d := join(t, brokers, options, handler("d"))
	until(t, "d's first partition", assigned)
	lap("a restart after a clean end", 2*time.Second)
	_ = d.leave()
}

func TestK10AfterAKillARestartWaitsForTheSessionOnly(t *testing.T) {
	t.Parallel()
	brokers := brokertest.Start(t)
	name := topic(t, open(t, brokers), 1)
	options := GroupOptions{Group: name, Topics: []string{name}, Session: 1500 * time.Millisecond, Heartbeat: 100 * time.Millisecond}
	assigned := make(chan struct{}, 2)
	handler := func(ctx context.Context, a *Assigned) error {
		assigned <- struct{}{}
		<-ctx.Done()
		return nil
	}
	killed := join(t, brokers, options, handler)
	until(t, "the first assignment", assigned)
	killed.cluster.Close() // no connection is left to take leave on
	_ = killed.leave()
	started := time.Now()
	m := join(t, brokers, options, handler)
	until(t, "the assignment after the kill", assigned)
	if took := time.Since(started); took > 5*time.Second {
		t.Errorf("the restart took %v with a session of %v", took, options.Session)
	} else {
		t.Logf("the restart took %v with a session of %v", took, options.Session)
	}
	_ = m.leave()
}

// TestK10WhenTheBrokerIsKilledAsWellThereIsNothingToWaitFor is the embedded mode's kill -9: kfake keeps who was
// a member over its own orderly end, and only then.
func TestK10WhenTheBrokerIsKilledAsWellThereIsNothingToWaitFor(t *testing.T) {
	if brokertest.External() != nil {
		t.Skip("needs a broker to restart")
	}
	dir := t.TempDir()
	fake := brokertest.Fake(t, kfake.DataDir(dir), kfake.SyncWrites())
	name := topic(t, open(t, fake.ListenAddrs()), 1)
	options := GroupOptions{Group: name, Topics: []string{name}}
	assigned := make(chan int64, 2)
	handler := func(ctx context.Context, a *Assigned) error {
		assigned <- a.Committed()
		err := a.Commit(ctx, a.Committed()+2)
		<-ctx.Done()
		return err
	}
	killed := join(t, fake.ListenAddrs(), options, handler)
	until(t, "the first assignment", assigned)
	_ = clock.Sleep(context.Background(), 50*time.Millisecond) // for the commit
	killed.cluster.Close()
	left := t.TempDir() // what a kill leaves behind: a broker that ends in order writes more
	if err := os.CopyFS(left, os.DirFS(dir)); err != nil {
		t.Fatal(err)
	}
	fake = brokertest.Fake(t, kfake.DataDir(left), kfake.SyncWrites())
	started := time.Now()
	m := join(t, fake.ListenAddrs(), options, handler)
	if from := until(t, "the assignment after the kill", assigned); from != 1 {
		t.Errorf("it goes on at %d, want the committed 1", from)
	}
	if took := time.Since(started); took > time.Second {
		t.Errorf("the restart took %v", took)
	}
	_, _ = m.leave(), killed.leave()
}

func TestK11OnlyACommitCommits(t *testing.T) {
	c := open(t, brokertest.Start(t))
	name := topic(t, c, 1)
	produce(t, c, name, 0, numbered(0, 10))
	err := c.Consume(background(t), GroupOptions{Group: name, Topics: []string{name}}, func(ctx context.Context, a *Assigned) error {
		for at := int64(0); at < 10; {
			b, err := a.Fetch(ctx, at)
			if err != nil {
				return err
			}
			at = b.Next
		}
		return errDone
	})
	if !errors.Is(err, errDone) {
		t.Fatal(err)
	}
	if got, err := c.Committed(background(t), name, name); err != nil || got[0] != -1 {
		t.Fatalf("Committed = %v, %v; reading alone must not commit", got, err)
	}
}

func TestAHandlersErrorEndsTheGroup(t *testing.T) {
	c := open(t, brokertest.Start(t))
	name := topic(t, c, 3)
	broken := fmt.Errorf("broken")
	var ended sync.WaitGroup
	ended.Add(2)
	err := c.Consume(background(t), GroupOptions{Group: name, Topics: []string{name}}, func(ctx context.Context, a *Assigned) error {
		if a.Partition() == 1 {
			return broken
		}
		defer ended.Done()
		<-ctx.Done()
		return ctx.Err()
	})
	ended.Wait()
	if !errors.Is(err, broken) {
		t.Fatalf("Consume = %v, want the handler's error", err)
	}
}

func TestAGroupWithoutItsTopicIsAnError(t *testing.T) {
	t.Parallel()
	c, err := Open(Config{Brokers: brokertest.Start(t), Patience: 200 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	none := brokertest.Name(t)
	if err := c.Consume(background(t), GroupOptions{Group: none, Topics: []string{none}}, nil); err == nil {
		t.Fatal("Consume of a topic that is not there does not fail")
	} else {
		t.Log(err)
	}
}

func TestAGroupWhoseTopicIsDeletedEnds(t *testing.T) {
	t.Parallel()
	if brokertest.External() != nil {
		t.Skip("needs a topic to delete, and a short patience")
	}
	fake := brokertest.Fake(t)
	c, err := Open(Config{Brokers: fake.ListenAddrs(), Patience: 500 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	name := topic(t, c, 1)
	err = c.Consume(background(t), GroupOptions{Group: name, Topics: []string{name}}, func(ctx context.Context, a *Assigned) error {
		if err := fake.DeleteTopic(name); err != nil {
			return err
		}
		for {
			if _, err := a.Fetch(ctx, 0); err != nil {
				return err
			}
		}
	})
	if !errors.Is(err, kafka.UnknownTopicOrPartition) && !errors.Is(err, protocol.ErrNoTopic) {
		t.Fatalf("Consume = %v, want that the topic is unknown", err)
	}
}
