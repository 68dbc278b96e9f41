package bench

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/quarterhour/quarterhour/internal/embedded"
)

// The variables that tell a child process what to read, and where from.
const (
	childURL      = "REPORT_URL"
	childBrokers  = "REPORT_BROKERS"
	childRegistry = "REPORT_REGISTRY"
)

func TestMain(m *testing.M) {
	if os.Getenv(childURL) == "" {
		os.Exit(m.Run())
	}
	if err := readReport(context.Background(), os.Getenv(childURL), strings.Split(os.Getenv(childBrokers), ","), os.Getenv(childRegistry)); err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	for line := range strings.Lines(string(status)) {
		if most, ok := strings.CutPrefix(line, "VmHWM:"); ok { // of this program; getrusage counts its parent's as well
			fmt.Println("peak", most)
		}
	}
}

// A report of 50,000 rows needs hardly more memory than one of 5,000: both within 10 % of what lies between. What grows is what the flow
// keeps of each row, some 60 bytes, to know repetitions and withdrawals.
func TestMemoryOfReports(t *testing.T) {
	short, long := peak(t, reportRows/10), peak(t, reportRows)
	t.Logf("%d KiB for %d rows, %d KiB for %d", short, reportRows/10, long, reportRows)
	if off := float64(long-short) / float64(long+short); off > 0.1 {
		t.Errorf("%.0f %% off the middle", 100*off)
	}
}

// peak is the most memory that a process has which reads a report of so many rows, in KiB.
func peak(t *testing.T, rows int) int {
	t.Helper()
	vendor := &reporting{csv: callReport(rows, reportDay)}
	url, stop, err := vendor.listen(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer stop()
	engines, err := embedded.Start(t.Context(), embedded.Options{Dir: filepath.Join(t.TempDir(), "data"), Holder: "test", Kafka: true})
	if err != nil {
		t.Fatal(err)
	}
	defer engines.Close()
	child := exec.CommandContext(t.Context(), os.Args[0])
	child.Env = append(os.Environ(), childURL+"="+url, childBrokers+"="+strings.Join(engines.Brokers, ","), childRegistry+"="+engines.Registry)
	text, err := child.CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, text)
	}
	var kib int
	if _, err := fmt.Sscanf(string(text), "peak %d", &kib); err != nil {
		t.Fatalf("%v: %q", err, text)
	}
	return kib
}
