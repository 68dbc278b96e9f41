package http

import (
	"context"
	"encoding/json"
	"encoding/xml"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	nethttp "net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/quarterhour/quarterhour/internal/clock"
	"github.com/quarterhour/quarterhour/internal/httpcall"
	"github.com/quarterhour/quarterhour/internal/quota"
	"github.com/quarterhour/quarterhour/internal/simulator/anywfm"
	"github.com/quarterhour/quarterhour/internal/spec"
	"github.com/quarterhour/quarterhour/schemas"
	"github.com/quarterhour/quarterhour/sinks"
	"github.com/quarterhour/quarterhour/sinks/delivery"
)

var update = flag.Bool("update", false, "write the golden files")

// parsed reads options as a pipeline file is read.
func parsed(t testing.TB, yaml, url string) (*Options, error) {
	t.Helper()
	node, problems := spec.Document("sink.yaml", []byte(yaml))
	options := Registration.New()
	problems = append(problems, spec.Decode(node, options, spec.Source{File: "sink.yaml", Env: spec.Environment{"URL": url, "WFM_SECRET": "s3cret"}, Also: []string{"type"}})...)
	return options.(*Options), spec.Err(problems)
}

func opened(t testing.TB, yaml, url string) sinks.Delivering {
	t.Helper()
	o, err := parsed(t, yaml, url)
	if err != nil {
		t.Fatal(err)
	}
	d, err := Registration.Deliver(t.Context(), o, sinks.Deps{
		Tenant: "acme", Name: "wfm", Watch: clock.Wall, Keyring: &quota.Keyring{Watch: clock.Wall}, Log: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = d.Destination.Close() })
	return d
}

var nine = time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC).UnixMilli()

// awkward are rows whose texts have what JSON, XML, CSV and URLs must escape.
func awkward() []delivery.Item {
	row := func(id, name string, offered int64) delivery.Item {
		return delivery.Item{
			Key: "queue/acme/2026-03-02T09:00:00Z/" + id + "/voice", Tenant: "acme", Revision: 7, Start: nine, Seconds: 900, Final: true,
			Queue: &schemas.QueueInterval{
				Tenant: "acme", IntervalStart: nine, IntervalSeconds: 900, QueueID: id, QueueName: name, Channel: "voice", Offered: offered, Answered: offered / 2,
				Abandoned: offered - offered/2, AnsweredInSl: offered / 3, TalkMs: 421_500, WrapMs: 60_250, WaitMs: 33_333, Final: true, Revision: 7,
			},
		}
	}
	return []delivery.Item{
		row("sales", `Sales "Süd" & <Nord>, 'x'; {{y}}`, 12), row("a/b?c=d e", "line\nbreak \\ tab\t end", 0), row("日本", "\u2028 \U0001F600 \x01", 3),
	}
}

// wire is what a request looked like.
func wire(r *nethttp.Request) string {
	body, _ := io.ReadAll(r.Body)
	var out strings.Builder
	fmt.Fprintf(&out, "%s %s\n", r.Method, r.URL.RequestURI())
	for _, name := range []string{"Content-Type", "X-Tenant", "X-Queue"} {
		if v := r.Header.Get(name); v != "" {
			fmt.Fprintf(&out, "%s: %s\n", name, v)
		}
	}
	return out.String() + "\n" + string(body) + "\n"
}

// The requests of each configuration in testdata are as the golden file beside it has them; -update writes it anew.
func TestGolden(t *testing.T) {
	files, err := filepath.Glob("testdata/*.yaml")
	if err != nil || len(files) < 5 {
		t.Fatalf("%v, %v", files, err)
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			var said []string
			server := httptest.NewServer(nethttp.HandlerFunc(func(_ nethttp.ResponseWriter, r *nethttp.Request) { said = append(said, wire(r)) }))
			defer server.Close()
			yaml, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if err := opened(t, string(yaml), server.URL).Destination.Send(t.Context(), awkward()); err != nil {
				said = append(said, fmt.Sprintf("%+v", err))
				var no *delivery.Refused
				if errors.As(err, &no) {
					said = append(said, fmt.Sprintf("%+v\n", no.Items))
				}
			}
			got := strings.Join(said, "----\n")
			golden := strings.TrimSuffix(file, ".yaml") + ".golden"
			if *update {
				if err := os.WriteFile(golden, []byte(got), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(want), got); diff != "" {
				t.Errorf("-want +got\n%s", diff)
			}
		})
	}
}

// What is sent is what others read: the texts come back as they were, control characters excepted.
func TestOthersReadIt(t *testing.T) {
	for _, format := range []string{"json", "ndjson", "xml", "csv"} {
		o, err := parsed(t, "url: https://x.test\nformat: "+format+"\nrecords: {queue_interval: {fields: {id: queue_id, name: queue_name}}}\n", "")
		if err != nil {
			t.Fatal(err)
		}
		f := o.compile(func(path, message string) { t.Error(path, message) })["queue_interval"]
		for _, i := range awkward() {
			record, err := f.record(&i)
			if err != nil {
				t.Fatal(err)
			}
			var got struct {
				ID   string `json:"id" xml:"id"`
				Name string `json:"name" xml:"name"`
			}
			switch format {
			case "json", "ndjson":
				err = json.Unmarshal(record, &got)
				if format == "ndjson" && strings.Contains(string(record), "\n") {
					t.Errorf("a record has several lines: %q", record)
				}
			case "xml":
				err = xml.Unmarshal(record, &got)
			case "csv":
				rows := readCSV(t, record)
				got.ID, got.Name = rows[0][0], rows[0][1]
			}
			want := i.Queue.QueueName
			if format == "xml" {
				want = strings.ReplaceAll(want, "\x01", "\uFFFD")
			}
			if err != nil || got.ID != i.Queue.QueueID || got.Name != want {
				t.Errorf("%s: %q %q, %v of %q", format, got.ID, got.Name, err, record)
			}
		}
	}
}

func TestWrongOptions(t *testing.T) {
	f := func(yaml string, want ...string) {
		t.Helper()
		_, err := parsed(t, yaml, "https://x.test")
		text := fmt.Sprint(err)
		for _, w := range want {
			if !strings.Contains(text, w) {
				t.Errorf("%s\n%s\nwant %q", yaml, text, w)
			}
		}
	}
	const start = "url: ${URL}\n"
	f("url: x\nrecords: {queue_interval: {}}\n", "not a URL")
	f("url: https://u:p@x.test/?a=b\nrecords: {queue_interval: {}}\n", "query or a password")
	f(start+"records: {}\n", "nothing to send")
	f(start+"records: {queue_interval: {fields: {a: ofered}}}\n", "records.queue_interval.fields.a", `did you mean "offered"`)
	f(start+"records: {queue_interval: {fields: {a: offered, a.b: answered}}}\n", `"a.b" is within "a"`)
	f(start+"records: {queue_interval: {path: 'x/{{queue_id'}}\n", "records.queue_interval.path", "{{ without its }}")
	f(start+"records: {queue_interval: {path: 'x/{{}}'}}\n", "without an expression")
	f(start+"records: {queue_interval: {path: 'x/{{nobody}}'}}\n", "nobody")
	f(start+"records: {queue_interval: {method: GET}}\n", "not POST, PUT")
	f(start+"records: {queue_interval: {body: '{\"a\": {{offered}}'}}\n", "make no JSON")
	f(start+"records: {queue_interval: {body: '{}', fields: {a: offered}}}\n", "beside fields")
	f(start+"format: csv\nrecords: {queue_interval: {body: '{}'}}\n", "cannot be used with csv")
	f(start+"format: xml\nrecords: {queue_interval: {fields: {'1a': offered}}}\n", "no name of an element")
	f(start+"format: xml\nxml: {root: 'a b'}\nrecords: {queue_interval: {}}\n", "xml.root")
	f(start+"envelope: {fields: {a: '1'}}\nrecords: {queue_interval: {}}\n", "envelope.records")
	f(start+"format: csv\ncsv: {delimiter: ';;'}\nrecords: {queue_interval: {}}\n", "one ASCII character")
	f(start+"headers: {Authorization: x}\nrecords: {queue_interval: {}}\n", "use auth")
	f(start+"headers: {'a b': x}\nrecords: {queue_interval: {}}\n", "no name of a header")
	f(start+"answer: {success: [yes]}\nrecords: {queue_interval: {}}\n", "not a status")
	f(start+"answer: {refusals: {list: errors}}\nrecords: {queue_interval: {}}\n", "answer.refusals.index")
	f(start+"limits: [{count: 0, per: 1m}]\nrecords: {queue_interval: {}}\n", "count of at least 1")
	f(start+"times: noon\nrecords: {queue_interval: {}}\n", "times")
	f(start+"preset: eleveo\nrecords: {queue_interval: {}}\n", "Eleveo's columns")
	f(start+"preset: eleveo\nrecords: {contact: {}}\n", "no place in an import of Eleveo")
	f(start+"preset: genesys\nrecords: {queue_interval: {}}\n", "say the queue and the interval")
	f(start+"records: {queue_interval: {body: '{}', verify: {path: x}}}\n", "verify.fields")
}

func TestSample(t *testing.T) {
	yaml := strings.TrimPrefix(strings.ReplaceAll(sample, "\n  ", "\n"), "wfm:\n")
	if _, err := parsed(t, yaml, ""); err != nil {
		t.Error(err)
	}
}

// What the answer says is what becomes of the records.
func TestAnswers(t *testing.T) {
	f := func(options string, status int, body, want string) {
		t.Helper()
		server := httptest.NewServer(nethttp.HandlerFunc(func(w nethttp.ResponseWriter, _ *nethttp.Request) {
			w.Header().Set("Content-Type", "application/json")
			w.WriteHeader(status)
			_, _ = io.WriteString(w, body)
		}))
		defer server.Close()
		err := opened(t, "url: ${URL}\nanswer: "+options+"\nrecords: {queue_interval: {}}\n", server.URL).Destination.Send(t.Context(), awkward())
		got := "taken"
		var no *delivery.Refused
		var fault *httpcall.Error
		switch {
		case errors.As(err, &no):
			got = ""
			for _, r := range no.Items {
				got += fmt.Sprintf("%d %s;", r.Index, r.Detail)
			}
		case errors.As(err, &fault):
			got = fault.Kind.String()
		case err != nil:
			got = err.Error()
		}
		if got != want {
			t.Errorf("%s, %d %s: %s, want %s (%v)", options, status, body, got, want, err)
		}
	}
	const list = "{refusals: {list: errors, index: at, reason: why, first: 1, statuses: [\"422\"]}}"
	f("{}", 200, "", "taken")
	f("{}", 204, "", "taken")
	f("{}", 202, "rubbish", "taken")
	f("{success: [202]}", 200, "", "permanent")
	f("{success: [2xx, 409]}", 409, "", "taken")
	f("{}", 409, "", "permanent")
	f("{retry: [423]}", 423, "", "transient")
	f("{}", 429, "", "throttled")
	f("{}", 500, "", "transient")
	f("{}", 401, "", "refused")
	f("{failure: error}", 200, `{"error": null}`, "taken")
	f("{failure: error}", 200, `{"error": "no"}`, "permanent")
	f("{failure: error, failure_passing: true}", 200, `{"error": {"code": 5}}`, "transient")
	f("{failure: Result.Error}", 200, `<Result><Error>no</Error></Result>`, "permanent")
	f("{failure: Result.Error}", 200, `<Result><Error/></Result>`, "taken")
	f("{failure: error}", 200, `{"err`, "transient")
	f(list, 200, `{"errors": []}`, "taken")
	f(list, 200, `{"errors": [{"at": 2, "why": "no such queue"}, {"at": "3"}]}`, "1 no such queue;2 ;")
	f(list, 422, `{"errors": [{"at": 1, "why": "x"}]}`, "0 x;")
	f(list, 422, `{"what": "no"}`, "permanent")
	f(list, 422, `no`, "permanent")
	f(list, 200, `{"errors": [{"at": 9}]}`, "permanent")
	f(list, 400, `{"errors": [{"at": 1}]}`, "permanent")
	f("{refusals: {list: ., status: s, taken: [ok, same]}}", 200, `[{"s": "ok"}, {"s": "bad", "message": "m"}, {"s": "same"}]`, "1 m;")
	f("{refusals: {list: r.e, index: i}}", 200, `<r><e><i>2</i><message>m</message></e></r>`, "2 m;")
}

func TestVerify(t *testing.T) {
	sim := anywfm.New(clock.Wall, anywfm.Options{Key: []string{"queue.id", "start"}})
	server := httptest.NewServer(sim)
	defer server.Close()
	d := opened(t, `
url: ${URL}
records:
  queue_interval:
    path: rows
    fields: {start: interval_start, queue.id: queue_id, offered: offered, talk: talk_ms, share: '1.0 * answered / 3', final: final, note: nil}
    verify: {path: 'rows?queue.id={{queue_id}}&start={{interval_start}}', record: data}
  worker: {path: people, fields: {id: worker_id}}
`, server.URL).Destination
	items := awkward()
	if err := d.Send(t.Context(), items[:2]); err != nil {
		t.Fatal(err)
	}
	items[1].Queue.Offered++
	var differs []string
	if err := d.(delivery.Verifier).Verify(t.Context(), append(items, delivery.Item{Key: "worker/1", Worker: &schemas.Worker{}}), func(i delivery.Item, how string) {
		differs = append(differs, i.Queue.QueueID+": "+how) // a worker is not read back
	}); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"sales: ", "a/b?c=d e: offered is 0, not 1", "日本: it is not there"}, differs); diff != "" {
		t.Error(diff)
	}
}

// A record that fits nowhere is refused, and the others go in as many requests as it takes.
func TestMaxBytes(t *testing.T) {
	var sizes []int
	server := httptest.NewServer(nethttp.HandlerFunc(func(_ nethttp.ResponseWriter, r *nethttp.Request) {
		body, _ := io.ReadAll(r.Body)
		sizes = append(sizes, len(body))
	}))
	defer server.Close()
	for _, format := range []string{"json", "ndjson", "xml", "csv"} {
		sizes = nil
		d := opened(t, "url: ${URL}\nformat: "+format+"\nmax_bytes: 250\nrecords: {queue_interval: {fields: {id: queue_id, name: queue_name}}}\n", server.URL).Destination
		var items []delivery.Item
		for range 10 {
			items = append(items, awkward()[0])
		}
		items[4].Queue.QueueName = strings.Repeat("x", 251)
		var no *delivery.Refused
		if err := d.Send(t.Context(), items); !errors.As(err, &no) || len(no.Items) != 1 || no.Items[0].Index != 4 || no.Items[0].Reason != "too_large" {
			t.Errorf("%s: %v %+v", format, err, no)
		}
		if len(sizes) < 2 || slices.Max(sizes) > 250 {
			t.Errorf("%s: requests of %v bytes", format, sizes)
		}
	}
}

// A destination that answers in 50 ms is kept busy up to what the sink may ask at once.
func TestKeepsTheDestinationBusy(t *testing.T) {
	if testing.Short() {
		t.Skip("it takes seconds")
	}
	const latency, atOnce = 50 * time.Millisecond, 8
	sim := anywfm.New(clock.Wall, anywfm.Options{Key: []string{"id"}, Latency: latency})
	server := httptest.NewServer(sim)
	defer server.Close()
	d := opened(t, fmt.Sprintf("url: ${URL}\nbatch: 10\nconcurrency: %d\nrecords: {queue_interval: {fields: {id: key, n: offered}}}\n", atOnce), server.URL)
	e := delivery.New(d.Destination, d.Plan, d.Options, delivery.Deps{Tenant: "acme", Name: "wfm", Drain: true, Watch: clock.Wall, Log: slog.New(slog.DiscardHandler)})
	ctx, cancel := context.WithCancel(t.Context())
	lane := e.Lane(ctx, nowhere{}, 0, nil)
	defer lane.Leave()
	defer cancel()
	const rows = 2000
	for n := range int64(rows) {
		i := awkward()[0]
		i.Key, i.Revision = fmt.Sprint("queue/", n), 1
		lane.Take(i, n)
	}
	lane.Passed(rows)
	lane.Caught()
	began := clock.Now()
	for lane.Pending() > 0 && clock.Since(began) < time.Minute {
		lane.Turn()
		time.Sleep(time.Millisecond)
	}
	took := clock.Since(began)
	requests, records, most := sim.Counts()
	rate := float64(requests) / took.Seconds()
	limit := float64(atOnce) / latency.Seconds()
	t.Logf("%d records in %d requests in %s: %.0f requests/s, %.0f%% of the %.0f that %d at once can be; at once at most %d", records, requests, took.Round(time.Millisecond), rate, 100*rate/limit, limit, atOnce, most)
	if len(sim.Holds()) != rows || most != atOnce {
		t.Errorf("%d of %d records are there, %d requests at once, want %d", len(sim.Holds()), rows, most, atOnce)
	}
}

type nowhere struct{}

func (nowhere) Deliveries(context.Context, []schemas.Delivery) error    { return nil }
func (nowhere) DeadLetters(context.Context, []schemas.DeadLetter) error { return nil }
