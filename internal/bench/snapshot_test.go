package bench

import (
	"bytes"
	"testing"

	"github.com/quarterhour/quarterhour/transform"
)

// TestSnapshotBenchmarkSnapshots checks that what is timed does the work: what is written in steps restores whole.
func TestSnapshotBenchmarkSnapshots(t *testing.T) {
	shard, err := retainedMonth(50_000)
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	s, err := writeSnapshot(shard, &out)
	if err != nil || s.longest <= 0 || s.total < s.longest {
		t.Fatalf("%+v, %v", s, err)
	}
	restored, next, err := transform.Restore("contact/0", options(), &out)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := restored.Counts(), shard.Counts(); got != want || next != shard.Next() {
		t.Errorf("restored %+v at %d, want %+v at %d", got, next, want, shard.Next())
	}
}
