package crashtest

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/quarterhour/quarterhour/internal/simulator"
	"github.com/quarterhour/quarterhour/pipelines/examples"
)

// world is one data folder, and what has been delivered into its folder of inputs.
type world struct {
	t                     *testing.T
	data, input, pipeline string
	exports               *exports
	slices, delivered     int
	follow                bool // run until killed
	role                  string
	log                   positions
}

// once is the day, and what a run says of it that nothing disturbs.
var once struct {
	sync.Mutex
	exports *exports
	want    contents
}

func undisturbed(t *testing.T) (*exports, contents) {
	t.Helper()
	once.Lock()
	defer once.Unlock()
	if once.want == nil {
		once.exports = newExports(t)
		once.want = newWorld(t, once.exports, 1).finish()
	}
	return once.exports, once.want
}

// newWorld will get the day in a number of deliveries.
func newWorld(t *testing.T, x *exports, slices int) *world {
	t.Helper()
	return newWorldOf(t, x, slices, examples.ContactCentreDay)
}

func newWorldOf(t *testing.T, x *exports, slices int, pipeline []byte) *world {
	t.Helper()
	dir := t.TempDir()
	w := &world{t: t, exports: x, slices: slices, data: filepath.Join(dir, "data"), input: filepath.Join(dir, "day"), pipeline: filepath.Join(dir, "day.yaml"), role: "quarterhour"}
	if err := os.WriteFile(w.pipeline, pipeline, 0o600); err != nil {
		t.Fatal(err)
	}
	w.deliver()
	return w
}

// deliver puts the next part of the day where the sources look, while no program runs.
func (w *world) deliver() {
	w.t.Helper()
	if w.delivered == w.slices {
		return
	}
	if err := w.exports.write(filepath.Join(w.input, fmt.Sprintf("%02d", w.delivered)), w.delivered, w.slices); err != nil {
		w.t.Fatal(err)
	}
	w.delivered++
}

// run runs the pipeline until it gets to the point, as in QUARTERHOUR_CRASH, or has done all there is to do.
func (w *world) run(at string) (killed bool) {
	w.t.Helper()
	drain := "--drain=" + strconv.FormatBool(!w.follow || at == "")
	_, killed = w.child(w.role, at, "run", drain, "--data", w.data, "--http-addr", "off", "--log-level", "warn", w.pipeline)
	return killed
}

func (w *world) rebuild(at string) (killed bool) {
	w.t.Helper()
	_, killed = w.child("quarterhour", at, "rebuild", "--from", "2026-03-02", "--to", "2026-03-03", "--data", w.data, w.pipeline)
	return killed
}

func (w *world) compact(at string) (killed bool) {
	w.t.Helper()
	_, killed = w.child("compact", at, w.data)
	return killed
}

// step goes on until the point is reached, or to the end, with the command that passes it.
func (w *world) step(k kill) (killed bool) {
	w.t.Helper()
	switch {
	case strings.HasPrefix(string(k.at), "compaction-"):
		return w.compact(k.String())
	case strings.HasPrefix(string(k.at), "rebuild-"):
		return w.rebuild(k.String())
	}
	return w.run(k.String())
}

// finish delivers what is left and runs to the end.
func (w *world) finish() contents {
	w.t.Helper()
	for w.delivered < w.slices {
		w.deliver()
	}
	if w.run("") {
		w.t.Fatal("killed without being asked to be")
	}
	w.checkLog()
	return w.contents()
}

// contents is what a data folder says in the end: by name, one line for each row.
type contents map[string]string

// rules are the pipeline's settings.
var rules = simulator.Rules{Interval: 15 * time.Minute, ServiceLevel: 20 * time.Second, ShortAbandon: 5 * time.Second}

// bare leaves out when and where a record was stored, which differs between any two runs.
const bare = " EXCEPT (log_topic, log_partition, log_offset, arrived_at, updated_at)"

// contents reads everything in the folder that must not depend on what happened to the process. A row of zeros says the same as
// no row, and a refused fact that a source sent again is refused again, at another place in the log.
func (w *world) contents() contents {
	w.t.Helper()
	truth := w.exports.truth
	queries := map[string]string{
		"contacts":           "SELECT *" + bare + " FROM contacts ORDER BY ALL",
		"contact revisions":  "SELECT DISTINCT *" + bare + " FROM contacts_revisions ORDER BY ALL",
		"states":             "SELECT *" + bare + " FROM agent_states ORDER BY ALL",
		"state revisions":    "SELECT DISTINCT *" + bare + " FROM agent_states_revisions ORDER BY ALL",
		"completeness":       "SELECT tenant, pipeline, timezone, complete_through FROM completeness ORDER BY ALL",
		"refused by sources": "SELECT source, fact, reason, payload FROM dead_letters WHERE stage = 'ingest' ORDER BY ALL",
		"refused facts":      "SELECT DISTINCT source, fact, reason, detail, payload FROM dead_letters WHERE stage = 'transform' ORDER BY ALL",
		"refused twice":      "SELECT stage, source, location, count() AS n FROM dead_letters GROUP BY ALL HAVING n > 1",
	}
	for _, table := range truth.Tables() {
		queries[table] = "SELECT * EXCEPT (revision, updated_at) FROM " + table + " WHERE facts > 0 ORDER BY ALL"
		queries["truth of "+table] = "SELECT " + truth.Columns(table) + " FROM " + table + " WHERE tenant = 'demo' SETTINGS output_format_json_quote_64bit_integers = 0"
	}
	text, err := json.Marshal(queries)
	if err != nil {
		w.t.Fatal(err)
	}
	out, _ := w.child("read", "", w.data, string(text))
	c := contents{}
	if err := json.Unmarshal(out, &c); err != nil {
		w.t.Fatalf("the answers cannot be read: %v\n%s", err, tail(out))
	}
	for _, table := range truth.Tables() {
		w.checkTruth(table, c["truth of "+table])
		delete(c, "truth of "+table) // in no order
	}
	if c["refused twice"] != "" {
		w.t.Errorf("dead letters of one key are there more than once:\n%s", c["refused twice"])
	}
	return c
}

// checkTruth compares the cells with what really happened.
func (w *world) checkTruth(table, rows string) {
	w.t.Helper()
	c, err := w.exports.truth.Check(table, strings.NewReader(rows))
	if err != nil {
		w.t.Error(err)
	}
	if c.Cells < 1000 || c.Provisional > 0 {
		w.t.Errorf("%s: %d cells, of which %d rows are not final", table, c.Cells, c.Provisional)
	}
	for _, d := range c.Differences[:min(5, len(c.Differences))] {
		w.t.Errorf("not what happened: %s", d)
	}
}

// equal asks that two folders say the same.
func (w *world) equal(want, got contents) {
	w.t.Helper()
	for name := range want {
		if want[name] == got[name] {
			continue
		}
		diff := cmp.Diff(strings.Split(want[name], "\n"), strings.Split(got[name], "\n"))
		w.t.Errorf("%s differ (-undisturbed +killed):\n%s", name, diff[:min(len(diff), 3000)])
	}
}
