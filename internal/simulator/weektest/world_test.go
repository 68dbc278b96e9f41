package weektest

import (
	"bytes"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/quarterhour/quarterhour/internal/clock"
	"github.com/quarterhour/quarterhour/internal/simulator"
	"github.com/quarterhour/quarterhour/internal/simulator/centre"
	"github.com/quarterhour/quarterhour/internal/simulator/five9"
	"github.com/quarterhour/quarterhour/internal/simulator/gladly"
	"github.com/quarterhour/quarterhour/internal/simulator/vendors"
	"github.com/quarterhour/quarterhour/pipelines/examples"
)

// settled is how long after the last day a vendor may still change what it said of it: late rows and corrections at Five9, the
// report of work sessions at Gladly.
const settled = 4 * time.Hour

// world is a contact centre, its vendors, and one data folder.
type world struct {
	t         *testing.T
	dir       string
	files     []string
	centre    *centre.Centre
	watch     clock.Watch
	vendors   *vendors.Host
	variables [][2]string
}

// options say what a test wants.
type options struct {
	from   time.Time
	days   int
	agents int
	speed  float64
}

func newWorld(t *testing.T, o options) *world {
	t.Helper()
	w := &world{t: t, dir: t.TempDir()}
	var err error
	if w.centre, err = centre.New(centre.Options{Seed: 11, From: o.from, Days: o.days, Sizes: centre.Scaled(o.agents)}); err != nil {
		t.Fatal(err)
	}
	shown, at := o.from.Add(6*time.Hour), clock.Now()
	w.watch = clock.Fast(shown, at, o.speed)
	w.vendors, err = vendors.Start(t.Context(), vendors.Options{
		Centre: w.centre, Watch: w.watch, Clock: clock.FormatFast(shown, at, o.speed),
		Five9:  five9.Options{Faults: five9.DefaultFaults()},
		Gladly: gladly.Options{Novelties: 50, Faults: gladly.Faults{CutEvery: 40, Disorder: true, RepeatEvery: 20}},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := w.vendors.Close(); err != nil {
			t.Error(err)
		}
	})
	hook := freeAddress(t)
	w.variables = append(w.vendors.Variables(), [][2]string{
		{"GLADLY_WEBHOOK_URL", "http://" + hook + "/gladly"}, {"GLADLY_WEBHOOK_LISTEN", hook}, {"GLADLY_WEBHOOK_PASSWORD", "webhook-password"},
		{"GLADLY_WEBHOOK_HTTP", "true"}, {"STATE", w.data()}, {"CALABRIO_FILES", filepath.Join(w.dir, "calabrio")}, {"LAKE", filepath.Join(w.dir, "lake")},
	}...)
	for name, content := range map[string][]byte{"contact-centre.yaml": examples.ContactCentre, "mail.yaml": examples.ContactCentreMail} {
		file := filepath.Join(w.dir, name)
		if err := os.WriteFile(file, without(string(content), "playvox", "outbox", "calabrio-adherence", "calabrio-logserver", "calabrio-queues"), 0o600); err != nil {
			t.Fatal(err)
		}
		w.files = append(w.files, file)
	}
	return w
}

func freeAddress(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

func (w *world) data() string { return filepath.Join(w.dir, "data") }

// run starts the pipelines.
func (w *world) run() *program {
	return w.start(append([]string{"run", "--data", w.data(), "--http-addr", "off", "--log-level", "warn"}, w.files...)...)
}

// until waits for an instant of the simulated time.
func (w *world) until(p *program, at time.Time) {
	w.t.Helper()
	for w.watch.Now().Before(at) {
		if err := clock.Sleep(w.t.Context(), 20*time.Millisecond); err != nil {
			w.t.Fatal(err)
		}
		if p != nil && p.ended() {
			w.t.Fatalf("the program ended by itself\n%s", w.tail())
		}
	}
}

func (w *world) tail() string {
	log, err := os.ReadFile(filepath.Join(w.dir, "log"))
	if err != nil {
		return err.Error()
	}
	return string(log[max(0, len(log)-6000):])
}

// complete waits until every pipeline is complete through the instant, by its own tables.
func (w *world) complete(p *program, through time.Time) {
	w.t.Helper()
	sql := fmt.Sprintf("SELECT count() FROM completeness WHERE complete_through >= fromUnixTimestamp64Milli(toInt64(%d))", through.UnixMilli())
	last, err := []byte(nil), error(nil)
	for deadline := clock.Now().Add(3 * time.Minute); clock.Now().Before(deadline); {
		if last, err = w.answer("query", "--data", w.data(), "--format", "TSV", sql); err == nil && strings.TrimSpace(string(last)) == fmt.Sprint(len(w.files)) {
			return
		}
		if p.ended() {
			w.t.Fatalf("the program ended by itself\n%s", w.tail())
		}
		_ = clock.Sleep(w.t.Context(), time.Second)
	}
	out, _ := w.answer("query", "--data", w.data(), "SELECT * FROM completeness")
	w.t.Fatalf("the pipelines are not complete through %s: %s (%v)\n%s\n%s", through, last, err, out, w.tail())
}

// equal compares the tables with what happened.
func (w *world) equal(through time.Time) {
	w.t.Helper()
	rules := simulator.Rules{Interval: 15 * time.Minute, ServiceLevel: 20 * time.Second, ShortAbandon: 5 * time.Second}
	truth := w.vendors.Truth(rules, through)
	for _, table := range truth.Tables() {
		sql := fmt.Sprintf("SELECT %s FROM %s WHERE tenant = 'demo' AND interval_start < fromUnixTimestamp(%d) SETTINGS output_format_json_quote_64bit_integers = 0",
			truth.Columns(table), table, through.Unix())
		rows, err := w.answer("query", "--data", w.data(), "--format", "JSONEachRow", sql)
		if err != nil {
			w.t.Fatal(err)
		}
		c, err := truth.Check(table, bytes.NewReader(rows))
		if err != nil {
			w.t.Fatal(err)
		}
		w.t.Logf("%s: %d rows, %d cells, %d different, %d not final", table, c.Rows, c.Cells, len(c.Differences), c.Provisional)
		if c.Rows == 0 {
			w.t.Errorf("%s has no rows", table)
		}
		if c.Provisional > 0 {
			w.t.Errorf("%s has %d rows that are not final", table, c.Provisional)
		}
		for _, d := range c.Differences[:min(len(c.Differences), 20)] {
			w.t.Error(d)
		}
	}
}

// blameless asks the vendors whether the client behaved.
func (w *world) blameless() {
	w.t.Helper()
	for _, v := range w.vendors.Violations() {
		w.t.Errorf("a vendor complains: %s", v)
	}
}

// without is a pipeline file without some sinks: the week is about the sources, and what becomes of these sinks when they are killed is tested beside
// them.
func without(file string, sinks ...string) []byte {
	var out []string
	left := false
	for line := range strings.Lines(file) {
		if strings.HasPrefix(line, "  ") && !strings.HasPrefix(line, "   ") || !strings.HasPrefix(line, " ") {
			name, _, _ := strings.Cut(strings.TrimSpace(line), ":")
			left = strings.HasPrefix(line, " ") && slices.Contains(sinks, name)
		}
		if !left && !strings.HasPrefix(line, "    via: ") {
			out = append(out, line)
		}
	}
	return []byte(strings.Join(out, ""))
}
