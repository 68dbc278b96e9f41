package file

import (
	"context"
	"encoding/csv"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/parquet-go/parquet-go"

	"github.com/quarterhour/quarterhour/schemas"
	"github.com/quarterhour/quarterhour/sinks"
	"github.com/quarterhour/quarterhour/sinks/delivery"
)

var update = flag.Bool("update", false, "write the golden files anew")

// opened is the destination of a path, in UTC.
func opened(t testing.TB, path string) delivery.Destination {
	t.Helper()
	return openedWith(t, &Config{Path: path, Format: "auto", Delimiter: ","}, time.UTC)
}

func openedWith(t testing.TB, c *Config, zone *time.Location) delivery.Destination {
	t.Helper()
	d, err := open(t.Context(), c, sinks.Deps{Tenant: "acme", Pipeline: "p", Zone: zone})
	if err != nil {
		t.Fatal(err)
	}
	return d.Destination
}

// inParts makes the parts of files so small.
func inParts(d delivery.Destination, rows int) {
	for _, t := range d.(*destination).tables {
		switch f := t.format.(type) {
		case *csvFormat:
			f.full = rows
		case *jsonl:
			f.full = rows
		case *parquetFormat:
			f.full = rows
		}
	}
}

func send(t testing.TB, d delivery.Destination, items ...delivery.Item) {
	t.Helper()
	if err := d.Send(t.Context(), items); err != nil {
		t.Fatal(err)
	}
}

func read(t testing.TB, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func at(text string) int64 {
	instant, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return schemas.Null
	}
	return instant.UnixMilli()
}

func agent(start, id string, revision int64) delivery.Item {
	a := &schemas.AgentInterval{
		Tenant: "acme", IntervalStart: at(start), IntervalSeconds: 900, AgentID: id, AgentName: "Ann \"Annie\" Müller,\nnight shift", LoginMs: 900_000,
		NotReadyMs: 60_000, NotReadyByReason: []schemas.NamedValue{{Name: `tea, "break"`, Value: 40_250}, {Name: "Lunch", Value: 19_750}},
		ScheduledMs: schemas.Null, AdherentMs: 12, Final: true, Revision: revision,
	}
	return delivery.Item{Key: "agent/" + start + "/" + id, Tenant: "acme", Start: a.IntervalStart, Seconds: 900, Revision: revision, Final: true, Agent: a}
}

func contact(id, offered string, revision int64) delivery.Item {
	c := &schemas.Contact{
		Tenant: "acme", Source: "five9", InteractionID: id, Segment: "0", Revision: revision, Channel: "voice", Direction: schemas.DirectionInbound, QueueID: "q",
		OfferedAt: at(offered), AnsweredAt: schemas.Null, EndedAt: schemas.Null, WrapEndedAt: schemas.Null, TalkMs: schemas.Null, HoldMs: schemas.Null, WrapMs: schemas.Null,
	}
	return delivery.Item{Key: "contact/" + id, Tenant: "acme", Start: c.OfferedAt, Revision: revision, Final: true, Contact: c}
}

func worker(id, name string, revision int64) delivery.Item {
	w := &schemas.Worker{Tenant: "acme", Source: "five9", WorkerID: id, Revision: revision, Name: name, Active: true}
	return delivery.Item{Key: "worker/" + id, Tenant: "acme", Start: at("2026-03-02T09:00:00Z"), Revision: revision, Worker: w}
}

// Every format, with values that need quotes and values that are absent, in a zone whose day is not UTC's.
func TestGolden(t *testing.T) {
	zone, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	for _, ext := range []string{"csv", "jsonl"} {
		dir := t.TempDir()
		d := openedWith(t, &Config{Path: dir + "/{tenant}/{kind}/{day}." + ext, Format: "auto", Delimiter: ";"}, zone)
		send(t, d, agent("2026-03-28T23:30:00Z", "b", 1), agent("2026-03-28T22:45:00Z", "b", 1), agent("2026-03-28T23:15:00Z", "a;", 2), agent("2026-03-28T23:30:00Z", "a;", 7))
		send(t, d, contact("c2", "2026-03-29T10:00:00.250Z", 4), contact("c1", "", 1))
		send(t, d, worker("7", "Bob", 2), worker("12", "Ann", 1))
		for _, name := range []string{"agent_intervals/2026-03-28", "agent_intervals/2026-03-29", "contacts/2026-03-29", "workers/all"} {
			got := read(t, filepath.Join(dir, "acme", name+"."+ext))
			golden := filepath.Join("testdata", strings.ReplaceAll(name, "/", "-")+"."+ext)
			if *update {
				if err := os.WriteFile(golden, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			if diff := cmp.Diff(read(t, golden), got); diff != "" {
				t.Errorf("%s\n%s", golden, diff)
			}
		}
	}
}

// What others read of a file: a CSV by the book, a Parquet with types.
func TestOthersRead(t *testing.T) {
	dir := t.TempDir()
	item := agent("2026-03-02T09:15:00Z", "b", 3)
	send(t, opened(t, dir+"/{kind}-{day}.csv"), item)
	records, err := csv.NewReader(strings.NewReader(read(t, dir+"/agent_intervals-2026-03-02.csv"))).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]string{}
	for n, name := range records[0] {
		got[name] = records[1][n]
	}
	for name, want := range map[string]string{
		"interval_start": "2026-03-02T09:15:00Z", "agent_name": item.Agent.AgentName, "login_ms": "900000", "scheduled_ms": "", "adherent_ms": "12",
		"not_ready_by_reason": `{"tea, \"break\"":40250,"Lunch":19750}`, "final": "true", "revision": "3",
	} {
		if got[name] != want {
			t.Errorf("%s is %q, not %q", name, got[name], want)
		}
	}

	send(t, opened(t, dir+"/{kind}-{day}.parquet"), item)
	type row struct {
		Start     time.Time `parquet:"interval_start,timestamp(millisecond)"`
		Agent     string    `parquet:"agent_id"`
		Name      string    `parquet:"agent_name"`
		Seconds   int64     `parquet:"interval_seconds"`
		Scheduled *int64    `parquet:"scheduled_ms,optional"`
		Adherent  *int64    `parquet:"adherent_ms,optional"`
		Reasons   string    `parquet:"not_ready_by_reason,json"`
		Final     bool      `parquet:"final"`
	}
	rows, err := parquet.ReadFile[row](dir + "/agent_intervals-2026-03-02.parquet")
	if err != nil {
		t.Fatal(err)
	}
	twelve := int64(12)
	want := []row{{time.UnixMilli(item.Start).UTC(), "b", item.Agent.AgentName, 900, nil, &twelve, `{"tea, \"break\"":40250,"Lunch":19750}`, true}}
	for n := range rows {
		rows[n].Start = rows[n].Start.UTC()
	}
	if diff := cmp.Diff(want, rows); diff != "" {
		t.Error(diff)
	}
}

// A file that is not as the sink left it is read if it can be, and left alone otherwise.
func TestDamage(t *testing.T) {
	f := func(ext string, damage func(text string) string, want string) {
		t.Helper()
		dir := t.TempDir()
		path := dir + "/agent_intervals-2026-03-02." + ext
		d := opened(t, dir+"/{kind}-{day}."+ext)
		send(t, d, agent("2026-03-02T09:00:00Z", "a", 1), agent("2026-03-02T09:15:00Z", "a", 1), agent("2026-03-02T09:30:00Z", "a", 1))
		damaged := damage(read(t, path))
		if err := os.WriteFile(path, []byte(damaged), 0o644); err != nil {
			t.Fatal(err)
		}
		err := d.Send(t.Context(), []delivery.Item{agent("2026-03-02T09:45:00Z", "a", 1)})
		if err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), path) || !strings.Contains(err.Error(), "moved away") {
			t.Errorf("error %v, and nothing of %q", err, want)
		}
		if read(t, path) != damaged {
			t.Error("it was overwritten")
		}
		if left, err := filepath.Glob(dir + "/.*.next"); err != nil || len(left) > 0 {
			t.Errorf("%v is left (%v)", left, err)
		}
	}
	replace := func(old, new string) func(string) string {
		return func(text string) string {
			changed := strings.Replace(text, old, new, 1)
			if changed == text {
				t.Fatalf("%q is not in %s", old, text)
			}
			return changed
		}
	}
	f("csv", func(string) string { return "" }, "empty")
	f("csv", func(text string) string { return text[:len(text)-3] }, "line 6: a quote is not closed")
	f("csv", func(text string) string { return text[:len(text)/2] }, "line")
	f("csv", replace("agent_id", "agent"), "line 1: its columns are")
	f("csv", replace("acme,2026-03-02T09:15:00Z", "acme,yesterday"), `line 4: column "interval_start": "yesterday" is no instant`)
	f("csv", replace("acme,2026-03-02T09:15:00Z", "2026-03-02T09:15:00Z"), "line 4: column")
	f("csv", replace("acme,2026-03-02T09:15:00Z", "acme,2026-03-02T08:15:00Z"), "line 4: its rows are not in the order")
	f("csv", replace("acme,2026-03-02T09:15:00Z", "acme,2026-03-02T09:00:00Z"), "line 4: its rows are not in the order")
	f("csv", func(text string) string { return text + "more\n" }, "line 8: it has 1 columns of 18")
	f("jsonl", func(text string) string { return text[:len(text)-1] }, "line 3: it ends in the middle of a line")
	f("jsonl", func(text string) string { return text[:len(text)-9] + "\n" }, "line 3")
	f("jsonl", replace(`"agent_id"`, `"agent"`), `is not where its column "agent_id" should be`)
	f("jsonl", replace(`"2026-03-02T09:15:00Z"`, `7`), "line 2: column \"interval_start\"")
	f("parquet", func(text string) string { return text[:len(text)-5] }, "its beginning")
	f("parquet", func(string) string { return "" }, "its beginning")
}

// Rows that somebody else put there stay.
func TestOthersWrite(t *testing.T) {
	dir := t.TempDir()
	path := dir + "/workers/all.csv"
	d := opened(t, dir+"/{kind}/{day}.csv")
	send(t, d, worker("1", "Ann", 1), worker("3", "Cid", 1))
	text := strings.Replace(read(t, path), "acme,five9,3", "acme,five9,2,5,false,,,Bob,,,true\nacme,five9,3", 1)
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	send(t, d, worker("2", "Bert", 4), worker("4", "Dan", 1))
	want := text + "acme,five9,4,1,false,,,Dan,,,true\n"
	if diff := cmp.Diff(want, read(t, path)); diff != "" {
		t.Error(diff)
	}
}

// What a crash leaves behind disturbs nobody, and a write that changes nothing leaves the file alone.
func TestLeftovers(t *testing.T) {
	dir := t.TempDir()
	path := dir + "/workers/all.csv"
	d := opened(t, dir+"/{kind}/{day}.csv")
	send(t, d, worker("1", "Ann", 1))
	if err := os.WriteFile(dir+"/workers/.all.csv.next", []byte("half a li"), 0o644); err != nil {
		t.Fatal(err)
	}
	before, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	send(t, d, worker("1", "Ann", 1))
	if after, err := os.Stat(path); err != nil || !os.SameFile(before, after) {
		t.Errorf("the same again wrote the file anew (%v)", err)
	}
	send(t, d, worker("1", "Anna", 2))
	if after, err := os.Stat(path); err != nil || os.SameFile(before, after) {
		t.Errorf("a newer revision did not replace the file (%v)", err)
	}
	if left, _ := filepath.Glob(dir + "/workers/.*.next"); len(left) > 0 {
		t.Errorf("%v is left", left)
	}
}

// A contact whose time is corrected is in one place only, also across midnight, and an older revision does not bring it back.
func TestMoves(t *testing.T) {
	for _, pattern := range []string{"/{kind}/{day}.", "/{day}/{kind}."} {
		for _, ext := range []string{"csv", "jsonl", "parquet"} {
			dir := t.TempDir()
			d := opened(t, dir+pattern+ext)
			where := func() string {
				var found []string
				for _, day := range []string{"2026-03-01", "2026-03-02", "2026-03-03"} {
					table := d.(*destination).tables["contact"]
					path := dir + strings.NewReplacer("{kind}", "contacts", "{day}", day).Replace(pattern) + ext
					if err := table.each(t.Context(), path, func(r *row) {
						found = append(found, fmt.Sprint(day[8:], " ", time.UnixMilli(r.at).UTC().Format("15:04"), " ", strings.Split(string(r.key), "\x00")[2], "@", r.revision))
					}); err != nil {
						t.Fatal(err)
					}
				}
				return strings.Join(found, ", ")
			}
			f := func(want string, items ...delivery.Item) {
				t.Helper()
				send(t, d, items...)
				if got := where(); got != want {
					t.Errorf("%s: %s, not %s", ext, got, want)
				}
			}
			f("02 09:00 a@1, 02 10:00 b@1", contact("a", "2026-03-02T09:00:00Z", 1), contact("b", "2026-03-02T10:00:00Z", 1))
			f("02 10:00 b@1, 02 11:00 a@2", contact("a", "2026-03-02T11:00:00Z", 2))
			f("01 23:50 a@3, 02 10:00 b@1", contact("a", "2026-03-01T23:50:00Z", 3))
			f("01 23:50 a@3, 02 10:00 b@1", contact("a", "2026-03-02T11:00:00Z", 2))
			f("01 23:50 a@3, 03 00:10 b@2", contact("b", "2026-03-03T00:10:00Z", 2))
			f("01 23:50 a@3, 02 10:00 b@3", contact("b", "2026-03-02T10:00:00Z", 3))
		}
	}
}

// Several writers of one file lose nothing, and whoever reads meanwhile sees whole files.
func TestManyWriters(t *testing.T) {
	dir := t.TempDir()
	path := dir + "/agent_intervals/2026-03-02.csv"
	ctx, stop := context.WithCancel(t.Context())
	var writers, readers sync.WaitGroup
	readers.Go(func() {
		table := opened(t, dir+"/{kind}/{day}.csv").(*destination).tables["agent_interval"]
		for most := 0; ctx.Err() == nil; {
			n := 0
			if err := table.each(t.Context(), path, func(*row) { n++ }); err != nil || n < most {
				t.Errorf("%d rows after %d: %v", n, most, err)
				return
			}
			most = n
		}
	})
	const writersN, rows = 4, 12
	for w := range writersN {
		writers.Go(func() {
			d := opened(t, dir+"/{kind}/{day}.csv")
			for n := range rows {
				if err := d.Send(t.Context(), []delivery.Item{agent(fmt.Sprintf("2026-03-02T%02d:00:00Z", n), fmt.Sprint("agent", w), 1)}); err != nil {
					t.Error(err)
				}
			}
		})
	}
	writers.Wait()
	stop()
	readers.Wait()
	n := 0
	table := opened(t, dir+"/{kind}/{day}.csv").(*destination).tables["agent_interval"]
	if err := table.each(t.Context(), path, func(*row) { n++ }); err != nil || n != writersN*rows {
		t.Errorf("%d rows: %v", n, err)
	}
}

// A row that cannot be computed is refused, and no other.
func TestRefused(t *testing.T) {
	dir := t.TempDir()
	c := decoded(t, "path: "+dir+"/{day}.csv\nkinds: [worker]\ncolumns: {worker: {tenant: tenant, source: source, worker_id: worker_id, revision: revision, number: int(name)}}\n")
	err := openedWith(t, c, time.UTC).Send(t.Context(), []delivery.Item{worker("1", "7", 1), worker("2", "seven", 1), worker("3", "9", 1)})
	var refused *delivery.Refused
	if !errors.As(err, &refused) || len(refused.Items) != 1 || refused.Items[0].Index != 1 || !strings.Contains(refused.Items[0].Detail, `column "number"`) {
		t.Errorf("%v %+v", err, refused)
	}
	if got, want := read(t, dir+"/all.csv"), "tenant,source,worker_id,revision,number\nacme,five9,1,1,7\nacme,five9,3,1,9\n"; got != want {
		t.Errorf("%q", got)
	}
}

func TestVerify(t *testing.T) {
	for _, ext := range []string{"csv", "jsonl", "parquet"} {
		dir := t.TempDir()
		d := opened(t, dir+"/{kind}/{day}."+ext)
		send(t, d, worker("1", "Ann", 1), worker("2", "Bob", 1), worker("3", "Cid", 5))
		var got []string
		err := d.(delivery.Verifier).Verify(t.Context(), []delivery.Item{worker("1", "Ann", 1), worker("2", "Bert", 1), worker("3", "Cid", 4), worker("1", "Ann", 2), worker("4", "Dan", 1)},
			func(i delivery.Item, how string) {
				got = append(got, strings.TrimPrefix(i.Key, "worker/")+strings.TrimPrefix(how, dir+"/workers/all."+ext))
			})
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff([]string{"1 has revision 1", "2 has other values", "3", "4 has no such row"}, slices.Sorted(slices.Values(got))); diff != "" {
			t.Errorf("%s\n%s", ext, diff)
		}
	}
}

// A folder that cannot be written into is said, and a cancelled request ends.
func TestSendEnds(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(dir+"/workers", nil, 0o644); err != nil {
		t.Fatal(err)
	}
	if err := opened(t, dir+"/{kind}/{day}.csv").Send(t.Context(), []delivery.Item{worker("1", "Ann", 1)}); err == nil || !strings.Contains(err.Error(), dir) {
		t.Errorf("error %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	d := opened(t, dir+"/x/{day}.csv")
	items := day(1, 5_000)
	if err := d.Send(t.Context(), items); err != nil {
		t.Fatal(err)
	}
	items[0].AgentQueue.Revision++
	if err := d.Send(ctx, items[:1]); err == nil {
		t.Error("a cancelled request went through a file of 5,000 rows")
	}
}
