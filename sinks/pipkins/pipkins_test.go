package pipkins

import (
	"errors"
	"flag"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/quarterhour/quarterhour/internal/clock"
	"github.com/quarterhour/quarterhour/internal/spec"
	"github.com/quarterhour/quarterhour/schemas"
	"github.com/quarterhour/quarterhour/sinks"
	"github.com/quarterhour/quarterhour/sinks/delivery"
)

var update = flag.Bool("update", false, "write the golden files anew")

func parse(text string) (*Config, error) {
	node, list := spec.Document("p.yaml", []byte(text))
	c := new(Config)
	if len(list) == 0 {
		list = spec.Decode(node, c, spec.Source{File: "p.yaml", Path: "sinks.pipkins", Also: []string{"type"}})
	}
	return c, spec.Err(list)
}

// opened is the destination of options as a pipeline file has them.
func opened(t testing.TB, text string) delivery.Destination {
	t.Helper()
	return openedAt(t, text, clock.Wall)
}

func openedAt(t testing.TB, text string, w clock.Watch) delivery.Destination {
	t.Helper()
	c, err := parse(text)
	if err != nil {
		t.Fatal(err)
	}
	d, err := open(t.Context(), c, sinks.Deps{Tenant: "acme", Pipeline: "voice", Name: "pipkins", Zone: time.UTC, Interval: 15 * time.Minute, Watch: w, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = d.Destination.Close() })
	return d.Destination
}

func send(t testing.TB, d delivery.Destination, items ...delivery.Item) {
	t.Helper()
	if err := d.Send(t.Context(), items); err != nil {
		t.Fatal(err)
	}
}

func at(t testing.TB, text string) int64 {
	t.Helper()
	instant, err := time.Parse(time.RFC3339, text)
	if err != nil {
		t.Fatal(err)
	}
	return instant.UnixMilli()
}

func queue(t testing.TB, start, id, channel string, offered, contactMs, revision int64) delivery.Item {
	q := &schemas.QueueInterval{
		Tenant: "acme", IntervalStart: at(t, start), IntervalSeconds: 900, QueueID: id, QueueName: "Queue " + id, Channel: channel, Offered: offered,
		Answered: offered - 1, ContactMs: contactMs, MaxWaitMs: 1000 * offered, Final: true, Revision: revision,
	}
	return delivery.Item{Key: "queue/acme/" + start + "/" + id + "/" + channel, Tenant: "acme", Start: q.IntervalStart, Seconds: 900, Revision: revision, Final: true, Queue: q}
}

func agentQueue(t testing.TB, start, agent, id string, completed int64) delivery.Item {
	q := &schemas.AgentQueueInterval{
		Tenant: "acme", IntervalStart: at(t, start), IntervalSeconds: 900, QueueID: id, QueueName: "Queue " + id, Channel: "voice", AgentID: agent,
		AgentName: "O'Hara, \"Bob\"", Answered: 3, Completed: completed, ContactMs: 120_500, Final: true, Revision: 1,
	}
	return delivery.Item{Key: "agent_queue/acme/" + start + "/" + agent + "/" + id, Tenant: "acme", Start: q.IntervalStart, Seconds: 900, Revision: 1, Final: true, AgentQueue: q}
}

func agent(t testing.TB, start, id, name string, loginMs int64) delivery.Item {
	a := &schemas.AgentInterval{
		Tenant: "acme", IntervalStart: at(t, start), IntervalSeconds: 900, AgentID: id, AgentName: name, LoginMs: loginMs, DirectOut: 2,
		ScheduledMs: schemas.Null, AdherentMs: schemas.Null, Final: true, Revision: 1,
	}
	return delivery.Item{Key: "agent/acme/" + start + "/" + id, Tenant: "acme", Start: a.IntervalStart, Seconds: 900, Revision: 1, Final: true, Agent: a}
}

// files are those of a folder, hidden ones left out.
func files(t testing.TB, dir string) map[string]string {
	t.Helper()
	paths, err := filepath.Glob(dir + "/[^.]*")
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]string{}
	for _, path := range paths {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		all[filepath.Base(path)] = string(text)
	}
	return all
}

// Layouts as sites may have them, each with all three sets.
func TestGolden(t *testing.T) {
	f := func(name, options string) {
		t.Helper()
		dir := t.TempDir()
		d := opened(t, "folder: "+dir+"\n"+options)
		const one, two = "2026-03-02T22:45:00Z", "2026-03-02T23:00:00Z"
		send(t, d, queue(t, one, "sales", "voice", 12, 421_500, 1), queue(t, one, "sales", "chat", 3, 60_000, 1), queue(t, two, "a,b", "voice", 4, 10_499, 1),
			agentQueue(t, one, "7", "sales", schemas.Null), agentQueue(t, two, "7", "", 4), agent(t, one, "7", "Ann Müller", 900_000), agent(t, two, "9", "Ōno", 450_500))
		send(t, d, queue(t, one, "billing", "voice", 1, 0, 1), queue(t, one, "sales", "voice", 20, 500_500, 4), queue(t, one, "sales", "voice", 19, 1, 3))
		golden := filepath.Join("testdata", name)
		got := files(t, dir)
		if *update {
			if err := os.MkdirAll(golden, 0o755); err != nil {
				t.Fatal(err)
			}
			for file, text := range got {
				if err := os.WriteFile(filepath.Join(golden, file), []byte(text), 0o644); err != nil {
					t.Fatal(err)
				}
			}
		}
		if diff := cmp.Diff(files(t, golden), got); diff != "" {
			t.Errorf("%s\n%s", name, diff)
		}
	}
	f("usual", "")
	f("days", "files: day\nname: '{set}-{date}.txt'\nname_date: 2006-01-02\ntimezone: Europe/Berlin\nline_end: lf\nquotes: always\ndelimiter: '|'\ntimes: 2006-01-02 15:04\n")
	f("columns", `
name: '{tenant}_{set}_{date}{time}_{sequence}.dat'
header: false
delimiter: ';'
quotes: never
encoding: windows-1252
timezone: Europe/Berlin
layouts: {date: 01/02/2006, time: '15:04'}
durations: minutes
decimals: 2
absent: '-'
sets:
  queue:
    name: Q
    columns: {date: interval_start, time: interval_start, minutes: interval_seconds / 60, id: queue_id + "-" + channel, offered: offered, talk: contact_ms}
  agent_queue:
    name: AQ
    columns: {date: interval_start, time: interval_start, agent: agent_id, name: agent_name, queue: queue_id, done: completed, talk: contact_ms}
    where: 'true'
  agent:
    name: A
    columns: {date: interval_start, time: interval_start, agent: agent_id, name: agent_name, login: login_ms}
    where: agent_id != "8"
`)
}

// A character that the encoding has not.
func TestEncoding(t *testing.T) {
	dir := t.TempDir()
	const start = "2026-03-02T09:00:00Z"
	d := opened(t, "folder: "+dir+"\nencoding: windows-1252\nunencodable: refuse\nheader: false\n")
	err := d.Send(t.Context(), []delivery.Item{agent(t, start, "1", "Müller", 0), agent(t, start, "2", "Ōno", 0), agent(t, start, "3", "Smith", 0)})
	var refused *delivery.Refused
	if !errors.As(err, &refused) || len(refused.Items) != 1 || refused.Items[0].Index != 1 || refused.Items[0].Reason != "encoding" || !strings.Contains(refused.Items[0].Detail, `"Ōno"`) {
		t.Fatalf("%v %+v", err, refused)
	}
	want := map[string]string{"agent_20260302_0900.csv": start + ",1,M\xfcller,0,2\r\n" + start + ",3,Smith,0,2\r\n"}
	if diff := cmp.Diff(want, files(t, dir)); diff != "" {
		t.Error(diff)
	}
	dir = t.TempDir()
	send(t, opened(t, "folder: "+dir+"\nencoding: utf-8-bom\nheader: false\n"), agent(t, start, "2", "Ōno\xff", 0))
	want = map[string]string{"agent_20260302_0900.csv": "\xEF\xBB\xBF" + start + ",2,Ōno\uFFFD,0,2\r\n"}
	if diff := cmp.Diff(want, files(t, dir)); diff != "" {
		t.Error(diff)
	}
}

// In the hour that comes twice a row is refused that reads as one an hour before, and no other.
func TestRepeatedHour(t *testing.T) {
	f := func(more, want string) {
		t.Helper()
		d := opened(t, "folder: "+t.TempDir()+"\nsets: {queue: {columns: {at: interval_start, queue: queue_id}}}\n"+more)
		var items []delivery.Item
		for _, start := range []string{"2025-10-25T23:30:00Z", "2025-10-26T00:30:00Z", "2025-10-26T01:30:00Z", "2025-10-26T02:30:00Z"} {
			items = append(items, queue(t, start, "sales", "voice", 3, 60_000, 1))
		}
		err := d.Send(t.Context(), items)
		var refused *delivery.Refused
		switch {
		case want == "" && err != nil, want != "" && !errors.As(err, &refused):
			t.Errorf("%s: %v", more, err)
		case want != "" && (len(refused.Items) != 1 || refused.Items[0].Index != 2 || refused.Items[0].Reason != "repeated_hour" || !strings.Contains(refused.Items[0].Detail, want)):
			t.Errorf("%s: %+v", more, refused)
		}
	}
	f("timezone: Europe/Berlin\ntimes: 2006-01-02 15:04\n", "2025-10-26T02:30:00+01:00 is read as 2025-10-26T02:30:00+02:00")
	f("timezone: Europe/Berlin\ntimes: 2006-01-02 15:04 -0700\n", "")
	f("timezone: Europe/Berlin\n", "")
	f("times: 2006-01-02 15:04\n", "")
}

// Rows that where does not let through any more are taken out of the file, which stays.
func TestTakenBack(t *testing.T) {
	dir := t.TempDir()
	const start = "2026-03-02T09:00:00Z"
	d := opened(t, "folder: "+dir+"\nsets: {queue: {where: offered > 1}}\n")
	send(t, d, queue(t, start, "q", "voice", 1, 0, 1))
	if got := files(t, dir); len(got) != 0 {
		t.Errorf("%v", got)
	}
	send(t, d, queue(t, start, "q", "voice", 2, 0, 2))
	send(t, d, queue(t, start, "q", "voice", 1, 0, 3))
	header := "intervalStartDateTime,queueId,queueName,offeredContacts,answeredContacts,contactTime\r\n"
	if diff := cmp.Diff(map[string]string{"queue_20260302_0900.csv": header}, files(t, dir)); diff != "" {
		t.Error(diff)
	}
}

// The same rows again write nothing; a person who asks for them does.
func TestSequence(t *testing.T) {
	dir := t.TempDir()
	i := queue(t, "2026-03-02T09:00:00Z", "q", "voice", 2, 0, 2)
	options := "folder: " + dir + "\nname: '{set}_{date}_{time}.{sequence}'\n"
	names := func() string {
		var list []string
		for name := range files(t, dir) {
			list = append(list, strings.TrimPrefix(name, "queue_20260302_0900"))
		}
		return strings.Join(list, "")
	}
	f := func(want string, i delivery.Item) {
		t.Helper()
		send(t, opened(t, options), i)
		if got := names(); len(got) != len(want) {
			t.Errorf("%s, not %s", got, want)
		}
	}
	f(".1", i)
	f(".1", i)
	i.Again = true
	f(".1.2", i)
	i.Revision, i.Again = 1, false
	f(".1.2", i)
	i.Revision = 3
	f(".1.2.3", i)
}

// A folder that is not there may not be mounted: nothing is made in its place.
func TestFolderAway(t *testing.T) {
	dir := t.TempDir() + "/in"
	d := opened(t, "folder: "+dir+"\nstate: "+t.TempDir()+"\n")
	i := queue(t, "2026-03-02T09:00:00Z", "q", "voice", 2, 0, 2)
	if err := d.Send(t.Context(), []delivery.Item{i}); err == nil || !strings.Contains(err.Error(), "mount it") || !strings.Contains(err.Error(), dir) {
		t.Errorf("error %v", err)
	}
	if err := os.Mkdir(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	send(t, d, i)
	if got := files(t, dir); len(got) != 1 {
		t.Errorf("%v", got)
	}
}

// Without what the sink remembers, rows would be lost from the file: it is not written.
func TestDamagedState(t *testing.T) {
	dir := t.TempDir()
	d := opened(t, "folder: "+dir+"\n")
	i := queue(t, "2026-03-02T09:00:00Z", "q", "voice", 2, 0, 2)
	send(t, d, i)
	path := dir + "/.quarterhour/queue/2026-03-02/queue_20260302_0900.csv.json"
	if err := os.WriteFile(path, []byte(`{"sequence":1,"rows":[{"key":`), 0o644); err != nil {
		t.Fatal(err)
	}
	i.Revision++
	if err := d.Send(t.Context(), []delivery.Item{i}); err == nil || !strings.Contains(err.Error(), path) || !strings.Contains(err.Error(), "remove it") {
		t.Errorf("error %v", err)
	}
}

func TestDecimal(t *testing.T) {
	f := func(n, unit int64, digits int, want string) {
		t.Helper()
		if got := decimal(n, unit, digits); got != want {
			t.Errorf("%d/%d with %d digits is %s, not %s", n, unit, digits, got, want)
		}
	}
	f(90_000, 60_000, 0, "2") // 1.5
	f(150_000, 60_000, 0, "2")
	f(30_000, 60_000, 0, "0")
	f(30_001, 60_000, 0, "1")
	f(90_000, 60_000, 2, "1.50")
	f(300, 60_000, 2, "0.00") // 0.005
	f(900, 60_000, 2, "0.02") // 0.015
	f(59_999, 60_000, 2, "1.00")
	f(-59_999, 60_000, 1, "-1.0")
	f(1, 60_000, 9, "0.000016667")
	f(0, 60_000, 1, "0.0")
}
