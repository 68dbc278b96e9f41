package bench

import (
	"flag"
	"testing"
)

// TestCodec runs the measurement at a fraction of its length: it must work, and find no allocation on any machine. Times are
// for the benchmark to judge, as tests share the machine with others.
func TestCodec(t *testing.T) {
	if err := flag.Set("test.benchtime", "20ms"); err != nil {
		t.Fatal(err)
	}
	figures, err := Codec()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range figures {
		t.Logf("%-45s %10.1f %-12s %s", f.Name, f.Value, f.Unit, f.Target)
		if f.Unit == "allocations" && !f.Holds {
			t.Errorf("%s: %g %s, want %s", f.Name, f.Value, f.Unit, f.Target)
		}
		if f.Unit == "ns" && f.Value <= 0 {
			t.Errorf("%s: measured %g ns", f.Name, f.Value)
		}
	}
}
