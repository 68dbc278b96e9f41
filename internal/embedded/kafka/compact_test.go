package kafka_test

import (
	"context"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/quarterhour/quarterhour/internal/embedded/kafka"
)

// grow writes rounds of records to a compacted topic, each with the same 50 keys, and gives the newest value of each key.
func grow(t testing.TB, addr string, from, rounds int) map[string]string {
	t.Helper()
	c := client(t, addr, kgo.DefaultProduceTopic("rows"), kgo.ProducerBatchCompression(kgo.Lz4Compression()))
	newest := map[string]string{}
	for round := from; round < from+rounds; round++ {
		var batch []*kgo.Record
		for k := range 50 {
			r := &kgo.Record{Key: fmt.Append(nil, k), Value: fmt.Appendf(nil, "%d-%0100d", k, round)}
			newest[string(r.Key)] = string(r.Value)
			batch = append(batch, r)
		}
		if err := c.ProduceSync(t.Context(), batch...).FirstErr(); err != nil {
			t.Fatal(err)
		}
	}
	return newest
}

// newest reads the topic to its end: the newest value of each key, how many records there are, and the next offset.
func newest(t testing.TB, addr string, end int64) (values map[string]string, records int) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	c := client(t, addr, kgo.ConsumeTopics("rows"), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()))
	values = map[string]string{}
	for next := int64(0); next < end; {
		f := c.PollFetches(ctx)
		if err := f.Err(); err != nil {
			t.Fatal(err)
		}
		f.EachRecord(func(r *kgo.Record) {
			values[string(r.Key)], next = string(r.Value), r.Offset+1
			records++
		})
	}
	return values, records
}

func TestCompactionKeepsTheNewestOfEachKey(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	compact := "compact"
	s := open(t, dir)
	createTopic(t, s.Addr(), "rows", map[string]*string{"cleanup.policy": &compact})
	createTopic(t, s.Addr(), "facts", nil)
	produce(t, s.Addr(), "facts", "a", "b")
	end, want := int64(0), map[string]string{}
	for round := range 3 {
		maps.Copy(want, grow(t, s.Addr(), round*20, 20))
		end += 20 * 50
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		if err := kafka.Compact(dir); err != nil {
			t.Fatal(err)
		}
		s = open(t, dir)
		got, records := newest(t, s.Addr(), end)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("after %d rounds (-want +got):\n%s", round, diff)
		}
		if records > 100 { // the last batch of a log is never compacted
			t.Errorf("%d records are left of %d, want 100 at most", records, end)
		}
	}
	if got := read(t, s.Addr(), "facts", 2); got[1] != "b" {
		t.Errorf("facts are %q", got)
	}
	for _, left := range []string{"compacting", "replaced"} {
		if _, err := os.Stat(filepath.Join(dir, left)); err == nil {
			t.Errorf("%s is left behind", left)
		}
	}
}

// TestAKillDuringCompaction leaves the folder in each state that a kill can leave it in.
func TestAKillDuringCompaction(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	compact := "compact"
	s := open(t, dir)
	createTopic(t, s.Addr(), "rows", map[string]*string{"cleanup.policy": &compact})
	want := grow(t, s.Addr(), 0, 5)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	f := func(name string, interrupt func(dir string) error) {
		t.Helper()
		copied := t.TempDir()
		if err := os.CopyFS(copied, os.DirFS(dir)); err != nil {
			t.Fatal(err)
		}
		if err := interrupt(copied); err != nil {
			t.Fatal(err)
		}
		s := open(t, copied)
		if got, _ := newest(t, s.Addr(), 250); cmp.Diff(want, got) != "" {
			t.Errorf("%s: %s", name, cmp.Diff(want, got))
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
	f("half a copy", func(dir string) error {
		return os.MkdirAll(filepath.Join(dir, "compacting", "partitions", "rows-0"), 0o700)
	})
	f("the original moved away, the copy not yet there", func(dir string) error {
		if err := os.Mkdir(filepath.Join(dir, "replaced"), 0o700); err != nil {
			return err
		}
		return os.Rename(filepath.Join(dir, "partitions", "rows-0"), filepath.Join(dir, "replaced", "rows-0"))
	})
	f("the copy there, the original not yet removed", func(dir string) error {
		if err := kafka.Compact(dir); err != nil {
			return err
		}
		return os.MkdirAll(filepath.Join(dir, "replaced", "rows-0"), 0o700)
	})
}

// TestWithoutCompactionTheBrokerStarts: it is a matter of room, not of right.
func TestWithoutCompactionTheBrokerStarts(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	compact := "compact"
	s := open(t, dir)
	createTopic(t, s.Addr(), "rows", map[string]*string{"cleanup.policy": &compact})
	want := grow(t, s.Addr(), 0, 5)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	// A folder within a partition cannot be linked.
	if err := os.Mkdir(filepath.Join(dir, "partitions", "rows-0", "in-the-way"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := kafka.Compact(dir); err != nil {
		t.Fatal(err)
	}
	got, records := newest(t, open(t, dir).Addr(), 250)
	if cmp.Diff(want, got) != "" || records != 250 {
		t.Errorf("%d records of 250 are there: %s", records, cmp.Diff(want, got))
	}
}
