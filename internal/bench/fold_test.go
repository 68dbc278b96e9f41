package bench

import "testing"

// TestFoldBenchmarkFolds checks that what is timed does the work: every contact is applied, and rows come out.
func TestFoldBenchmarkFolds(t *testing.T) {
	messages := contactMessages(2_000, 20, 20, 1)
	if len(messages) < 2_000 {
		t.Fatalf("%d messages", len(messages))
	}
	if seconds, err := foldOnce(messages); err != nil || seconds <= 0 {
		t.Fatalf("%g s, %v", seconds, err)
	}
}

// Once a shard has grown, corrections allocate nothing.
func TestFoldingAllocatesNothingInTheLongRun(t *testing.T) {
	if n, err := steadyAllocations(5_000); err != nil || n != 0 {
		t.Errorf("%g allocations per fact, %v", n, err)
	}
}
