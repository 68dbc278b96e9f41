package pipkins

import (
	"fmt"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/quarterhour/quarterhour/internal/clock"
	simulated "github.com/quarterhour/quarterhour/internal/simulator/pipkins"
	"github.com/quarterhour/quarterhour/schemas"
	"github.com/quarterhour/quarterhour/sinks/delivery"
)

const nine = "2026-03-02T09:00:00Z"

// differences are what Verify finds.
func differences(t *testing.T, d delivery.Destination, items ...delivery.Item) string {
	t.Helper()
	var list []string
	err := d.(delivery.Verifier).Verify(t.Context(), items, func(i delivery.Item, how string) {
		if how != "" {
			list = append(list, i.Key+" "+how)
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	return strings.Join(list, "\n")
}

// looked is of how many rows Verify says something.
func looked(t *testing.T, d delivery.Destination, items ...delivery.Item) (n int) {
	t.Helper()
	if err := d.(delivery.Verifier).Verify(t.Context(), items, func(delivery.Item, string) { n++ }); err != nil {
		t.Fatal(err)
	}
	return n
}

func TestVerify(t *testing.T) {
	dir := t.TempDir()
	d := opened(t, "folder: "+dir+"\n")
	items := []delivery.Item{
		queue(t, nine, "a", "voice", 10, 61_000, 1), queue(t, nine, "a", "chat", 3, 2_000, 1), queue(t, nine, "b", "voice", 4, 0, 1),
		agentQueue(t, nine, "ann", "a", schemas.Null), agentQueue(t, nine, "ann", "", 1), agent(t, nine, "ann", "Ann \"A\"\r\nx", 900_000),
	}
	if got := differences(t, d, items[0]); !strings.HasSuffix(got, "is not in queue_20260302_0900.csv") {
		t.Error(got) // nothing was sent yet
	}
	send(t, d, items...)
	if got := differences(t, d, items...); got != "" {
		t.Error(got)
	}
	newer := queue(t, nine, "b", "voice", 5, 0, 2)
	if got := differences(t, d, newer); !strings.HasSuffix(got, "at revision 1") {
		t.Error(got)
	}
	f := func(file, from, to, want string) {
		t.Helper()
		path := filepath.Join(dir, file)
		text, err := os.ReadFile(path)
		if err != nil || strings.Count(string(text), from) != 1 {
			t.Fatalf("%q has not %q once (%v)", text, from, err)
		}
		if err := os.WriteFile(path, []byte(strings.Replace(string(text), from, to, 1)), 0o600); err != nil {
			t.Fatal(err)
		}
		if got := differences(t, d, items...); want == "" && got != "" || !strings.Contains(got, want) || strings.Count(got, "\n") != strings.Count(want, "\n") {
			t.Errorf("%s, not %s", got, want)
		}
		if err := os.WriteFile(path, text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	// Both rows that are summed into one differ with it.
	f("queue_20260302_0900.csv", "a,Queue a,13,", "a,Queue a,12,", "is not in queue_20260302_0900.csv as it should be: "+nine+",a,Queue a,13,11,63\nqueue/acme/"+nine+"/a/chat is not in")
	f("queue_20260302_0900.csv", nine+",b,", "x"+nine+",b,", "b/voice is not in")
	f("agent_20260302_0900.csv", "Ann \"\"A", "Ann \"\"B", "agent/acme/"+nine+"/ann is not in")
	f("agent_20260302_0900.csv", "900,2\r\n", "900,2\r\n"+nine+",bob,Bob,900,0\r\n", "something else besides its rows")
	if n := looked(t, d, items[:3]...); n != 3 {
		t.Errorf("%d rows of 3 are said to be read back", n)
	}
	// An import takes files away: what is remembered of them is compared, and is not said to be there.
	if err := os.Remove(filepath.Join(dir, "queue_20260302_0900.csv")); err != nil {
		t.Fatal(err)
	}
	if got := differences(t, d, append(items, newer)...); strings.Count(got, "\n") != 0 || !strings.HasSuffix(got, "at revision 1") {
		t.Error(got)
	}
	if n := looked(t, d, items[:3]...); n != 0 {
		t.Errorf("%d rows are said to be read back from a file that is gone", n)
	}
}

// Files are looked at under the name that the last of them had, as they were encoded.
func TestVerifyOfOtherLayouts(t *testing.T) {
	dir := t.TempDir()
	for _, more := range []string{
		"name: '{set}_{date}_{time}_{sequence}.csv'\n", "encoding: utf-8-bom\nheader: false\nline_end: lf\n", "encoding: windows-1252\ndelimiter: '|'\nfiles: day\nname: '{set}_{date}.csv'\n",
		"header: false\nquotes: always\ndelimiter: ';'\n",
	} {
		dir := filepath.Join(dir, fmt.Sprint(len(more)))
		if err := os.Mkdir(dir, 0o750); err != nil {
			t.Fatal(err)
		}
		d := opened(t, "folder: "+dir+"\n"+more)
		one, two := agent(t, nine, "1", "Jörg", 1000), agent(t, nine, "2", "Łukasz €", 2000)
		send(t, d, one, two)
		two.Agent.LoginMs, two.Revision = 3000, 2
		send(t, d, two)
		if got := differences(t, d, one, two); got != "" {
			t.Errorf("%s%s", more, got)
		}
		paths, err := filepath.Glob(dir + "/agent*")
		if err != nil || len(paths) == 0 {
			t.Fatal(paths, err)
		}
		last := paths[len(paths)-1]
		text, err := os.ReadFile(last)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(last, []byte(strings.Replace(string(text), "1", "7", 1)), 0o600); err != nil {
			t.Fatal(err)
		}
		if got := differences(t, d, one, two); got == "" {
			t.Errorf("%sa change is not seen in %s", more, text)
		}
	}
}

// An SFTP server is read like a folder; an address only where it is said how.
func TestVerifyElsewhere(t *testing.T) {
	items := []delivery.Item{queue(t, nine, "a", "voice", 10, 61_000, 1), agent(t, nine, "ann", "Ann", 900_000)}
	changed := queue(t, nine, "a", "voice", 10, 61_000, 2)
	for _, keeps := range []bool{true, false} {
		site, server := serving(t, simulated.Options{Password: "p", Keeps: keeps})
		d := dialling(t, server, "password: p, fingerprint: '"+server.Fingerprint+"'")
		send(t, d, items...)
		if got := differences(t, d, items...); got != "" {
			t.Error(got)
		}
		if got := differences(t, d, changed); !strings.HasSuffix(got, "at revision 1") {
			t.Error(got)
		}
		if len(site.Violations()) > 0 {
			t.Error(site.Violations())
		}
		server.Fault(func(op, _ string) error {
			if op == "read" {
				return os.ErrPermission
			}
			return nil
		})
		if err := d.(delivery.Verifier).Verify(t.Context(), items, func(i delivery.Item, how string) { t.Error(i.Key, how) }); err == nil || !strings.Contains(err.Error(), server.Addr) {
			t.Errorf("error %v", err)
		}
	}
	site := simulated.New(clock.Wall, simulated.Options{Keeps: true})
	web := httptest.NewServer(site)
	defer web.Close()
	state := t.TempDir()
	d := opened(t, "https: {url: '"+web.URL+"', path: 'in/{name}', read: 'out/{name}'}\nstate: "+state+"\n")
	send(t, d, items...)
	if got := differences(t, d, items...); got != "" {
		t.Error(got)
	}
	if err := os.RemoveAll(filepath.Join(state, "queue")); err != nil {
		t.Fatal(err)
	}
	if got := differences(t, d, items...); !strings.HasSuffix(got, "is not in queue_20260302_0900.csv") {
		t.Error(got)
	}
	if _, can := opened(t, "https: {url: '"+web.URL+"'}\nstate: "+state+"\n").(delivery.Verifier); can {
		t.Error("an address without a way to read is read")
	}
}
