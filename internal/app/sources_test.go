package app

import (
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/quarterhour/quarterhour/internal/cli"
	"github.com/quarterhour/quarterhour/internal/embedded/clickhouse"
)

const peoplePipeline = `
pipeline: people
tenant: acme
timezone: Europe/Berlin
partitions: 2
identity:
  aliases: {jane@x.com: [j.doe@x.com, x17]}
ingest:
  phones:
    type: file
    path: ${PHONES}
    as: worker
    fields: {worker_id: id, agent_id: login, email: mail, name: name, system: '"phones"', revision: int(revision)}
  crm:
    type: http
    url: ${CRM}
    auth: {type: header, name: X-Key, value: '${TOKEN}'}
    streams:
      users: {path: /users, every: 1h, as: worker, format: json, records: users, fields: {worker_id: id, agent_id: id, email: mail, name: name, tag: staff}}
transform:
  - intervals: {late: revise}
sinks:
  warehouse: {type: clickhouse}
`

const secretToken = "very-secret-token"

const peoplePhones = `id,login,mail,name,revision
1,jane,Jane@X.com,Jane Doe,1
2,joe,lee@x.com,Lee,1
2,joe,joe@x.com,Joe,2
`

// TestSourcesAndWorkers goes the way of somebody who connects two systems, with the engines that a user has.
func TestSourcesAndWorkers(t *testing.T) {
	if _, err := clickhouse.FindLibrary(); err != nil {
		t.Fatal(err)
	}
	refuse, calls := false, 0
	crm := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		calls++
		if refuse || r.Header.Get("X-Key") != secretToken {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write([]byte(`{"users": [{"id": "c1", "mail": " J.Doe@x.com", "staff": "X17", "name": "Jane"}, {"id": "c2", "mail": "joe@x.com", "name": "Joe", "staff": ""}]}`))
	}))
	defer crm.Close()
	dir := t.TempDir()
	file, phones := filepath.Join(dir, "people.yaml"), filepath.Join(dir, "phones.csv")
	for path, text := range map[string]string{file: peoplePipeline, phones: peoplePhones} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	f := func(code int, want string, args ...string) {
		t.Helper()
		var stdout, stderr strings.Builder
		args = append(args, "--data", filepath.Join(dir, "data"))
		got := cli.Execute(t.Context(), App{}, cli.Surroundings{
			Args: args, Environ: []string{"PHONES=" + phones, "CRM=" + crm.URL, "TOKEN=" + secretToken}, Stdin: strings.NewReader(""), Stdout: &stdout, Stderr: &stderr,
		})
		if got != code || !strings.Contains(stdout.String()+stderr.String(), want) {
			t.Errorf("%q: exit code %d, want %d, with %q in\n%s\n%s", args, got, code, want, stdout.String(), stderr.String())
		}
		if all := stdout.String() + stderr.String(); strings.Contains(all, secretToken) {
			t.Errorf("%q shows the secret:\n%s", args, all)
		}
	}
	f(0, "people: 2 sources can be read", "sources", "check", file)
	if _, err := os.Stat(filepath.Join(dir, "data")); err == nil {
		t.Error("a check before the first run made a data folder")
	}
	// A wrong password is one attempt at the vendor, however often it is checked: the check keeps that by itself.
	refuse, calls = true, 0
	f(1, "written down: neither a check nor a run tries this password again", "sources", "check", file)
	f(1, "no more calls are made with it", "sources", "check", file)
	f(1, "no more calls are made with it", "sources", "check", file, "crm")
	if calls != 1 {
		t.Errorf("the vendor was asked %d times", calls)
	}
	f(0, "is locked since", "sources", "list", file, "crm")
	refuse = false
	f(0, "is used again", "sources", "reset", file, "crm", "--unlock")
	f(1, `pipeline "people" has not run on this Kafka`, "workers", file)
	f(0, "not read yet", "sources", "list", file)
	f(0, "", "run", "--drain", "--http", "off", file)
	f(0, "jane@x.com  Jane  c1   jane", "workers", file)
	f(0, "belonged to lee@x.com until a time between", "workers", "--problems", file)
	f(0, `"streams":[{"source":"phones","type":"file"},{"source":"crm","type":"http","stream":"users","complete_through":"`, "sources", "list", "--json", file)
	f(0, "crm / users\ncomplete through ", "sources", "show", file, "crm")
	f(0, "jane@x.com\t['crm','phones']\n", "query", "--format", "TSV",
		"SELECT person, arraySort(groupArray(toString(source))) FROM workers WHERE person LIKE 'jane%' GROUP BY person")

	// A refused credential is seen, and used again once somebody says so.
	refuse = true
	f(1, "", "run", "--drain", "--http", "off", file)
	f(0, "is locked since", "sources", "list", file)
	f(1, "", "sources", "check", file, "crm")
	refuse = false
	f(0, "is used again", "sources", "reset", file, "crm", "--unlock")
	f(0, "No credential of phones is locked.", "sources", "reset", file, "phones", "--unlock")
	f(0, "people: 1 source can be read", "sources", "check", file, "crm")

	// A source that keeps a position of its own is taken back as a whole; a stream by itself.
	f(1, "it can only be reset as a whole", "sources", "reset", file, "phones", "--to", "2026-03-02", "--yes")
	f(0, "phones is read again from its beginning", "sources", "reset", file, "phones", "--yes")
	f(1, `source "crm" has no flow "calls" that has read anything: it has users`, "sources", "reset", file, "crm", "--stream", "calls", "--yes")
	f(0, "crm/users is read again from its beginning", "sources", "reset", file, "crm", "--stream", "users", "--yes")
	f(0, "", "run", "--drain", "--http", "off", file)
	f(0, "jane@x.com  Jane  c1   jane", "workers", file)
	f(0, "c1 has 1 revision", "query", "--format", "TSV", // what is read again and says the same is not written again
		"SELECT concat('c1 has ', toString(count()), ' revision') FROM workers_revisions WHERE worker_id = 'c1'")
}
