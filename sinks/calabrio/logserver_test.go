package calabrio

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	vendor "github.com/quarterhour/quarterhour/internal/simulator/calabrio"
	"github.com/quarterhour/quarterhour/sinks/delivery"
)

func folderOf(t *testing.T, door, more string) (*opened, string) {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "wfm")
	return open(t, door+": {dir: '"+dir+"'"+more+"}"), dir
}

// visible are the files that an importer sees, with what they say.
func visible(t *testing.T, dir string) map[string]string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]string{}
	for _, e := range entries {
		if e.IsDir() {
			continue
		}
		text, err := os.ReadFile(filepath.Join(dir, e.Name()))
		if err != nil {
			t.Fatal(err)
		}
		all[e.Name()] = string(text)
	}
	return all
}

func names(files map[string]string) (list []string) {
	for name := range files {
		list = append(list, name)
	}
	slices.Sort(list)
	return list
}

// The three files, byte for byte, and as the importer reads them.
func TestLogServerFiles(t *testing.T) {
	to, dir := folderOf(t, "logserver", "")
	for _, items := range [][]delivery.Item{
		{queueRow("sales", "voice", first, 1), queueRow("billing", "voice", first, 1)},
		{agentQueueRow("ann", "sales", first, 1), agentQueueRow("ann", "", first, 1)}, // outside of queues there is no row
		{agentRow("ann", first, 1)},
	} {
		if got := refusals(t, to.Send(t.Context(), items)); got != "" {
			t.Error(got)
		}
	}
	files := visible(t, dir)
	want := []string{"AgentQueue_Statistics_2026-03-02_09_00.csv", "Agent_Statistics_2026-03-02_09_00.csv", "Queue_Statistics_2026-03-02_09_00.csv"}
	if diff := cmp.Diff(want, names(files)); diff != "" {
		t.Fatal(diff)
	}
	for name, text := range files {
		golden(t, name, text)
	}
	if _, wrong := vendor.ReadLogServer(dir, 15*time.Minute); len(wrong) > 0 {
		t.Error(wrong)
	}
}

// A correction writes the interval's file anew with all its rows, in whatever process.
func TestCorrectionsWriteTheFileAnew(t *testing.T) {
	to, dir := folderOf(t, "logserver", ", date: 02.01.2006, file_date: '20060102', timezone: Europe/Berlin")
	send := func(items ...delivery.Item) {
		t.Helper()
		if got := refusals(t, to.Send(t.Context(), items)); got != "" {
			t.Error(got)
		}
	}
	send(queueRow("a", "voice", first, 2), queueRow("b", "voice", first, 2))
	again := queueRow("a", "voice", first, 3)
	again.Queue.Offered = 99
	late := queueRow("b", "voice", first, 1)
	late.Queue.Offered = 1
	to = open(t, "logserver: {dir: '"+dir+"', date: 02.01.2006, file_date: '20060102', timezone: Europe/Berlin}")
	send(again, late, queueRow("c", "voice", first, 1))
	file := visible(t, dir)["Queue_Statistics_20260302_10_00.csv"]
	for _, line := range []string{"15;02.03.2026;10:00;a;A;99;", "15;02.03.2026;10:00;b;B;17;", "15;02.03.2026;10:00;c;C;17;"} {
		if !strings.Contains(file, "\r\n"+line) {
			t.Errorf("%q is not in\n%s", line, file)
		}
	}
	// The importer takes files away: what a correction needs is kept elsewhere.
	if err := os.Remove(filepath.Join(dir, "Queue_Statistics_20260302_10_00.csv")); err != nil {
		t.Fatal(err)
	}
	if got := differences(t, to, again, queueRow("b", "voice", first, 2)); got != "" {
		t.Error(got)
	}
	send(queueRow("c", "voice", first, 2))
	if file := visible(t, dir)["Queue_Statistics_20260302_10_00.csv"]; strings.Count(file, "\r\n") != 6 {
		t.Error(file)
	}
}

// differences are what Verify finds.
func differences(t *testing.T, to *opened, items ...delivery.Item) string {
	t.Helper()
	var list []string
	err := to.Destination.(delivery.Verifier).Verify(t.Context(), items, func(i delivery.Item, how string) {
		if how != "" {
			list = append(list, i.Key+" "+how)
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	return strings.Join(list, "\n")
}

// What an importer has taken away is not said to be there.
func TestVerifyLooksAtFilesOnly(t *testing.T) {
	for _, door := range []string{"logserver", "queue_import"} {
		to, dir := folderOf(t, door, "")
		items := []delivery.Item{queueRow("a", "voice", first, 1), queueRow("b", "voice", first, 1)}
		if err := to.Send(t.Context(), items); err != nil {
			t.Fatal(err)
		}
		for _, want := range []int{2, 0} {
			looked := 0
			err := to.Destination.(delivery.Verifier).Verify(t.Context(), items, func(_ delivery.Item, how string) {
				if looked++; how != "" {
					t.Errorf("%s: %s", door, how)
				}
			})
			if err != nil || looked != want {
				t.Errorf("%s: %d records are said to be there, want %d: %v", door, looked, want, err)
			}
			for name := range visible(t, dir) {
				if err := os.Remove(filepath.Join(dir, name)); err != nil {
					t.Fatal(err)
				}
			}
		}
	}
}

func TestVerify(t *testing.T) {
	for _, door := range []string{"logserver", "queue_import"} {
		to, dir := folderOf(t, door, "")
		items := []delivery.Item{queueRow("a", "voice", first, 1), queueRow("b", "voice", first, 1)}
		if err := to.Send(t.Context(), items); err != nil {
			t.Fatal(err)
		}
		if got := differences(t, to, items...); got != "" {
			t.Errorf("%s: %s", door, got)
		}
		changed := queueRow("a", "voice", first, 2)
		changed.Queue.Answered = 1
		if got := differences(t, to, changed); !strings.Contains(got, "and should be") {
			t.Errorf("%s: %s", door, got)
		}
		bad := queueRow("a;b", "voice", first, 2)
		if got := differences(t, to, bad); !strings.Contains(got, "a cell cannot hold semicolons") {
			t.Errorf("%s: %s", door, got)
		}
		if got := differences(t, to, queueRow("c", "voice", first, 1)); (got == "") != (door == "queue_import") { // that file may have been taken away
			t.Errorf("%s: %s", door, got)
		}
		for name, text := range visible(t, dir) {
			if err := os.WriteFile(filepath.Join(dir, name), []byte(strings.Replace(text, ";17;", ";18;", 1)), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		if got := differences(t, to, items...); strings.Count(got, "\n") != 0 || !strings.Contains(got, ";18;") {
			t.Errorf("%s: %s", door, got)
		}
	}
}

func TestCellsThatTheFilesHaveNoPlaceFor(t *testing.T) {
	to, dir := folderOf(t, "logserver", "")
	f := func(i delivery.Item, want string) {
		t.Helper()
		if got := refusals(t, to.Send(t.Context(), []delivery.Item{i})); !strings.Contains(got, want) || want == "" && got != "" {
			t.Errorf("%s, want %s", got, want)
		}
	}
	f(queueRow("a;b", "voice", first, 1), `field "queue" is "a;b"`)
	f(queueRow("a\nb", "voice", first, 1), `a cell cannot hold`)
	i := queueRow("a", "voice", first, 1)
	i.Queue.QueueName = "x;\"y\"\r\nz"
	f(i, "")
	if file := visible(t, dir)["Queue_Statistics_2026-03-02_09_00.csv"]; !strings.Contains(file, ";a;x  y   z;17") && !strings.Contains(file, ";a;x  y ") {
		t.Error(file)
	}
	f(queueRow("a", "chat", first, 1), `makes the row of queue/acme/2026-03-02T09:00:00Z/a/chat another of queue/acme/2026-03-02T09:00:00Z/a/voice`)
	i = agentRow("", first, 1)
	i.Agent.AgentName = ""
	f(i, `is empty, and so is`)
	i = agentRow("ann", first, 1)
	i.Agent.NotReadyMs = i.Agent.LoginMs + 2000
	f(i, `field "avail_dur" is -2`)
	i = queueRow("a", "voice", first, 1)
	i.Seconds = 20
	f(i, "not whole minutes")
}

// Of an hour that comes twice the second would overwrite the first.
func TestTheHourThatComesTwice(t *testing.T) {
	twice := time.Date(2026, time.October, 25, 0, 45, 0, 0, time.UTC) // 02:45 summer time, and an hour later 02:45 again
	for zone, want := range map[string]string{"UTC": "", "Europe/Berlin": "is 02:45 for the second time that day", "Asia/Kolkata": ""} {
		to, dir := folderOf(t, "logserver", ", timezone: "+zone)
		got := refusals(t, to.Send(t.Context(), []delivery.Item{queueRow("a", "voice", twice, 1), queueRow("a", "voice", twice.Add(time.Hour), 1), queueRow("a", "voice", twice.Add(2*time.Hour), 1)}))
		if !strings.Contains(got, want) || want == "" && got != "" {
			t.Errorf("%s: %s", zone, got)
		}
		if files := len(visible(t, dir)); want == "" && files != 3 || want != "" && files != 2 {
			t.Errorf("%s: %d files", zone, files)
		}
	}
}

// What the importer complains about is logged and written: the figures are the sources'.
func TestSanity(t *testing.T) {
	to, dir := folderOf(t, "logserver", ", agent: {pause_dur: 'not_ready_ms + login_ms', tot_work_dur: available_ms}")
	items := []delivery.Item{agentRow("ann", first, 1), agentRow("bob", first, 1)}
	if got := refusals(t, to.Send(t.Context(), items)); got != "" {
		t.Error(got)
	}
	if got := to.said.String(); strings.Count(got, "against the importer's rules") != 2 || !strings.Contains(got, "pause_dur is 900, above tot_work_dur, which is 500") || !strings.Contains(got, "rows_so_far=2") {
		t.Error(got)
	}
	if _, wrong := vendor.ReadLogServer(dir, 15*time.Minute); len(wrong) != 2 {
		t.Errorf("the importer finds fault with %v", wrong)
	}
}

// The files of the folder's state are no business of an importer, and one that is damaged loses nothing silently.
func TestDamagedState(t *testing.T) {
	to, dir := folderOf(t, "logserver", "")
	if err := to.Send(t.Context(), []delivery.Item{queueRow("a", "voice", first, 1)}); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, ".quarterhour", "Queue_Statistics_2026-03-02_09_00.csv.json")
	if err := os.WriteFile(path, []byte(`{"rows":`), 0o600); err != nil {
		t.Fatal(err)
	}
	err := to.Send(t.Context(), []delivery.Item{queueRow("b", "voice", first, 1)})
	if err == nil || !strings.Contains(err.Error(), path) {
		t.Errorf("error %v", err)
	}
	if file := visible(t, dir)["Queue_Statistics_2026-03-02_09_00.csv"]; !strings.Contains(file, ";a;") {
		t.Error(file)
	}
}

// Two sinks that write into one folder, in whatever order and with whatever requests, leave the newest revision of each row.
func TestWritersOfOneFolder(t *testing.T) {
	t.Parallel()
	base := t.TempDir()
	run := 0
	rapid.Check(t, func(rt *rapid.T) {
		run++
		dir := filepath.Join(base, fmt.Sprint(run))
		writers := []*opened{open(t, "logserver: {dir: '"+dir+"'}"), open(t, "logserver: {dir: '"+dir+"'}")}
		newest := map[string]delivery.Item{}
		for range rapid.IntRange(1, 6).Draw(rt, "requests") {
			request := map[string]delivery.Item{}
			for range rapid.IntRange(1, 4).Draw(rt, "rows") {
				i := queueRow(rapid.SampledFrom([]string{"a", "b"}).Draw(rt, "queue"), "voice", first.Add(time.Duration(rapid.IntRange(0, 1).Draw(rt, "interval"))*15*time.Minute),
					rapid.Int64Range(1, 5).Draw(rt, "revision"))
				i.Queue.Offered = 100 + i.Revision
				request[i.Key] = i
				if newest[i.Key].Revision <= i.Revision {
					newest[i.Key] = i
				}
			}
			var items []delivery.Item
			for _, i := range request {
				items = append(items, i)
				if newest[i.Key].Revision < i.Revision {
					newest[i.Key] = i
				}
			}
			// What is drawn twice for one request is there once.
			for key, i := range newest {
				if _, sent := request[key]; sent && i.Revision > request[key].Revision {
					items = slices.DeleteFunc(items, func(other delivery.Item) bool { return other.Key == key })
					items = append(items, i)
				}
			}
			if err := writers[rapid.IntRange(0, 1).Draw(rt, "writer")].Send(t.Context(), items); err != nil {
				rt.Fatal(err)
			}
		}
		want := map[string]string{}
		for _, i := range newest {
			for key, line := range logServerShows(i) {
				want[key] = line
			}
		}
		held, wrong := vendor.ReadLogServer(dir, 15*time.Minute)
		if diff := cmp.Diff(want, held); diff != "" || len(wrong) > 0 {
			rt.Fatal(diff, wrong)
		}
	})
}

func FuzzKeptRows(f *testing.F) {
	f.Add([]byte(`{"start":1,"rows":{"k":{"revision":3,"cells":["15","2026-03-02","09:00","q","Q","1","2","3","4","5","6","7","8","9","10","11","12","13","14","15","16"]}}}`))
	f.Add([]byte(`{"rows":{"k":{"cells":[]},"l":null}}`))
	f.Add([]byte(`null`))
	dir := f.TempDir()
	f.Fuzz(func(t *testing.T, text []byte) {
		to := open(t, "logserver: {dir: '"+dir+"'}")
		path := filepath.Join(dir, ".quarterhour", "Queue_Statistics_2026-03-02_09_00.csv.json")
		if err := os.WriteFile(path, text, 0o600); err != nil {
			t.Fatal(err)
		}
		err := to.Send(t.Context(), []delivery.Item{queueRow("a", "voice", first, 1)})
		if err != nil && refusals(t, maybeRefused(err)) == "" && !strings.Contains(err.Error(), path) {
			t.Error(err)
		}
	})
}

// maybeRefused is the error where it names records, and none where it is about the whole request.
func maybeRefused(err error) error {
	if _, ok := err.(*delivery.Refused); ok { //nolint:errorlint // Send returns it as it is
		return err
	}
	return nil
}
