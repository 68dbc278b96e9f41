package bench

import "testing"

// TestFoldBenchmarkFolds checks that what is timed does the work: every contact is applied, and rows come out.
func TestFoldBenchmarkFolds(t *testing.T) {
	messages := contactMessages(2_000, 20, 20)
	if len(messages) < 2_000 {
		t.Fatalf("%d messages", len(messages))
	}
	if seconds, err := foldOnce(messages); err != nil || seconds <= 0 {
		t.Fatalf("%g s, %v", seconds, err)
	}
}
