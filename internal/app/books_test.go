package app

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/quarterhour/quarterhour/internal/cli"
	"github.com/quarterhour/quarterhour/internal/embedded/clickhouse"
)

const booksPipeline = `
pipeline: books
tenant: acme
timezone: Europe/Berlin
partitions: 2
ingest:
  calls:
    type: file
    path: ${CALLS}
    as: contact
    fields: {interaction_id: id, channel: '"voice"', queue_id: queue, offered_at: time(offered), answered_at: time(answered), ended_at: time(ended)}
transform:
  - intervals: {late: revise, service_level: 20s}
sinks:
  warehouse: {type: clickhouse}
`

const booksCalls = `id,queue,offered,answered,ended
1,q1,2026-03-02 09:01:00,2026-03-02 09:01:15,2026-03-02 09:05:00
2,q1,2026-03-02 09:02:00,2026-03-02 09:02:05,2026-03-02 09:20:00
3,q2,2026-03-02 09:03:00,,2026-03-02 09:04:00
`

// The commands bring up the engines one after the other on the same data, as a user's do.
func TestTheCommandsThatReadTheLogAgain(t *testing.T) {
	if _, err := clickhouse.FindLibrary(); err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	file := filepath.Join(dir, "books.yaml")
	calls := filepath.Join(dir, "calls.csv")
	write := func(path, text string) {
		t.Helper()
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write(file, booksPipeline)
	write(calls, booksCalls)
	f := func(code int, want string, args ...string) {
		t.Helper()
		var stdout, stderr strings.Builder
		got := cli.Execute(t.Context(), App{}, cli.Surroundings{
			Args: append(args, "--data", filepath.Join(dir, "data"), file), Environ: []string{"CALLS=" + calls}, Stdin: strings.NewReader(""), Stdout: &stdout, Stderr: &stderr,
		})
		if got != code || !strings.Contains(stdout.String()+stderr.String(), want) {
			t.Errorf("%q: exit code %d, want %d, with %q in\n%s\n%s", args, got, code, want, stdout.String(), stderr.String())
		}
	}
	const key = "queue_intervals/2026-03-02T09:00/q1/voice"
	f(1, `pipeline "books" has not run on this Kafka`, "audit")
	f(0, "", "run", "--drain", "--http", "off")
	f(0, "The facts sum to the row.", "explain", key)
	f(1, "there is no row queue/acme/2026-03-02T08:00:00Z/q7/voice: the nearest are queue/acme/2026-03-02T08:00:00Z/q1/voice", "explain", "queue/2026-03-02T09:00/q7/voice")
	f(0, "books balances.", "audit")
	f(0, "3 facts folded, 0 of them refused before as too late; 3 rows in the range: none differs", "rebuild", "--from", "2026-03-02", "--to", "2026-03-03")
	write(file, strings.Replace(booksPipeline, "service_level: 20s", "service_level: 10s", 1))
	f(1, "answered_in_sl: the contributions make 1, the row says 2", "explain", key)
	f(1, "answered_in_sl is 2, the facts make 1; it is what the pipeline issued: `quarterhour rebuild` issues it anew", "audit")
	f(0, "answered_in_sl 2 → 1", "rebuild", "--from", "2026-03-02", "--to", "2026-03-03", "--dry-run")
	f(0, "1 issued again", "rebuild", "--from", "2026-03-02", "--to", "2026-03-03")
	f(0, "books balances.", "audit", "--json=false")
	f(0, "a rebuild issued it again", "explain", key)
}
