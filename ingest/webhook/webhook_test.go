package webhook

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/linkedin/goavro/v2"
	"go.yaml.in/yaml/v3"

	"github.com/quarterhour/quarterhour/ingest"
	"github.com/quarterhour/quarterhour/internal/spec"
	"github.com/quarterhour/quarterhour/schemas"
)

// log is an ingest.Out that keeps what it is given.
type log struct {
	ingest.Out // for what a webhook does not call
	mu         sync.Mutex
	pending    []string
	contacts   []string // as of the last commit
	revisions  map[string]int64
	dead       []schemas.DeadLetter
	marks      []string
	commits    int
	cursor     []byte
	fail       error         // of Commit
	hold       chan struct{} // that Commit waits for
	held       chan struct{} // told when it does
}

func (l *log) Contact(_ context.Context, c *schemas.Contact) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.pending = append(l.pending, strings.Clone(c.InteractionID+"/"+c.QueueID))
	if l.revisions == nil {
		l.revisions = map[string]int64{}
	}
	if c.Revision <= l.revisions[c.InteractionID] {
		return fmt.Errorf("revision %d after %d", c.Revision, l.revisions[c.InteractionID])
	}
	l.revisions[strings.Clone(c.InteractionID)] = c.Revision
	return nil
}

func (l *log) Worker(_ context.Context, w *schemas.Worker) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.pending = append(l.pending, strings.Clone(fmt.Sprint(w.WorkerID, " ", w.Email, " ", w.Active)))
	return nil
}

func (l *log) Reject(_ context.Context, d *schemas.DeadLetter) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.dead = append(l.dead, *d)
	return nil
}

func (l *log) Commit(ctx context.Context, cursor []byte) error {
	l.mu.Lock()
	hold, fail := l.hold, l.fail
	l.mu.Unlock()
	if hold != nil {
		l.held <- struct{}{}
		select {
		case <-hold:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	if fail != nil {
		return fail
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.contacts, l.pending, l.cursor = append(l.contacts, l.pending...), nil, cursor
	l.commits++
	return nil
}

func (l *log) Mark(_ context.Context, fact string, through int64) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.marks = append(l.marks, fact+" "+time.UnixMilli(through).UTC().Format("15:04:05"))
	return nil
}

func (l *log) facts() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return append([]string{}, l.contacts...)
}

const simple = "listen: 127.0.0.1:0\nauth: {open: true}\nas: contact\nfields: {interaction_id: id, queue_id: q}\n"

func parse(t testing.TB, text string) *Options {
	t.Helper()
	o := new(Options)
	node, list := spec.Document("p.yaml", []byte(text))
	if len(list) == 0 {
		list = spec.Decode(node, o, spec.Source{File: "p.yaml", Path: "ingest.calls", Also: []string{"type"}})
	}
	if err := spec.Err(list); err != nil {
		t.Fatal(err)
	}
	return o
}

// start runs a webhook until the test ends.
func start(t testing.TB, l *log, d ingest.Deps, text string) (url string, stop func()) {
	t.Helper()
	if d.Log == nil {
		d.Log = slog.New(slog.DiscardHandler)
	}
	d.Zone = time.UTC
	o := parse(t, text)
	s, err := open(o, d)
	if err != nil {
		t.Fatal(err)
	}
	address := make(chan string, 1)
	s.opened = func(a string) { address <- a }
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx, nil, l) }()
	var once sync.Once
	stop = func() {
		once.Do(func() {
			cancel()
			if err := <-done; err != nil {
				t.Error(err)
			}
		})
	}
	t.Cleanup(stop)
	select {
	case a := <-address:
		return "http://" + a + o.Path, stop
	case err := <-done:
		t.Fatal(err)
		return "", nil
	}
}

func post200(t testing.TB, url, body string) string {
	t.Helper()
	status, answer := send(t, url, body)
	if status != 200 {
		t.Errorf("status %d, %s", status, answer)
	}
	return answer
}

func send(t testing.TB, url, body string) (int, string) {
	t.Helper()
	resp, err := http.Post(url, "application/json", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, _ := io.ReadAll(resp.Body)
	return resp.StatusCode, strings.TrimSpace(string(text))
}

func TestForms(t *testing.T) {
	codec, err := goavro.NewCodec(`{"type":"record","name":"call","fields":[{"name":"id","type":"string"},{"name":"q","type":["null","string"]}]}`)
	if err != nil {
		t.Fatal(err)
	}
	var avro strings.Builder
	w, err := goavro.NewOCFWriter(goavro.OCFConfig{W: &avro, Codec: codec, CompressionName: "deflate"})
	if err != nil {
		t.Fatal(err)
	}
	w.Append([]any{map[string]any{"id": "1", "q": goavro.Union("string", "x")}, map[string]any{"id": "", "q": nil}})
	for _, c := range []struct {
		name, options, body string
		facts               []string
		answer              string
	}{
		{"object", "", `{"id":"1","q":"x"}`, []string{"1/x"}, `{"records":1,"accepted":1}`},
		{"list", "", ` [{"id":"1","q":"x"},{"id":"2"}]`, []string{"1/x", "2/"}, `{"records":2,"accepted":2}`},
		{"lines", "", "{\"id\":\"1\"}\n{\"id\":\"2\"}\r\n", []string{"1/", "2/"}, `{"records":2,"accepted":2}`},
		{"at a path", "records: data.calls", `{"data":{"calls":[{"id":"1"}],"n":1}}`, []string{"1/"}, `{"records":1,"accepted":1}`},
		{"empty list", "", `[]`, []string{}, `{"records":0,"accepted":0}`},
		{"left out", "where: 'q != \"x\"'", `[{"id":"1","q":"x"},{"id":"2","q":"y"}]`, []string{"2/y"}, `{"records":2,"accepted":1,"left_out":1}`},
		{"one twice", "", `[{"id":"1","q":"x"},{"id":"1","q":"x"}]`, []string{"1/x", "1/x"}, `{"records":2,"accepted":2}`},
		{"some no good", "", `[{"id":"1"},{"q":"x"},7,{"id":"2",}]`, []string{"1/"},
			`{"records":4,"accepted":1,"refused":[{"record":2,"reason":"no_identity","detail":"field interaction_id is empty: the row cannot be told from others"},` +
				`{"record":3,"reason":"json","detail":"not a JSON object"},{"record":4,"reason":"json","detail":"not valid JSON: '}' at character 11, where \" is needed"}]}`},
		{"avro", "", avro.String(), []string{"1/x"}, `{"records":2,"accepted":1,"refused":[{"record":2,"reason":"no_identity","detail":"field interaction_id is empty: the row cannot be told from others"}]}`},
	} {
		t.Run(c.name, func(t *testing.T) {
			l := &log{}
			url, _ := start(t, l, ingest.Deps{}, simple+c.options)
			if diff := cmp.Diff(c.answer, post200(t, url, c.body)); diff != "" {
				t.Error(diff)
			}
			if diff := cmp.Diff(c.facts, l.facts()); diff != "" {
				t.Error(diff)
			}
			if l.commits == 0 || strings.Count(c.answer, `"reason"`) != len(l.dead) {
				t.Errorf("%d commits, dead letters %v", l.commits, l.dead)
			}
			for _, d := range l.dead {
				if d.Fact != "contact" || !strings.Contains(d.Location, "post from 127.0.0.1") || len(d.Payload) == 0 {
					t.Errorf("dead letter %+v", d)
				}
			}
		})
	}
}

func TestRefusedWhole(t *testing.T) {
	for _, c := range []struct {
		name, options, body string
		status              int
		says                string
	}{
		{"not JSON", "", `id=1&q=x`, 400, "not valid JSON"},
		{"not JSON, and looked into", "records: calls", `hello`, 400, "not valid JSON"},
		{"cut off", "", `[{"id":"1"},{"id":"2"`, 400, "ends too early"},
		{"nothing at the path", "records: calls", `{"call":[]}`, 400, `nothing at \"calls\"`},
		{"too many", "max_records: 2", `[{"id":"1"},{"id":"2"},{"id":"3"}]`, 413, "more than 2 records"},
		{"too large", "max_body_bytes: 10", `[{"id":"12345"}]`, 413, "more than 10 bytes"},
		{"no Avro", "format: avro", `[{"id":"1"}]`, 400, "not an Avro container"},
	} {
		t.Run(c.name, func(t *testing.T) {
			l := &log{}
			url, _ := start(t, l, ingest.Deps{}, simple+c.options)
			if status, answer := send(t, url, c.body); status != c.status || !strings.Contains(answer, c.says) {
				t.Errorf("status %d, %s", status, answer)
			}
			if len(l.facts()) > 0 || len(l.pending) > 0 || len(l.dead) > 0 {
				t.Errorf("%v, %v", l.pending, l.dead)
			}
		})
	}
}

// While one group is being written, others wait, and are then written together.
func TestGroupCommit(t *testing.T) {
	l := &log{hold: make(chan struct{}), held: make(chan struct{}, 100)}
	url, stop := start(t, l, ingest.Deps{}, simple)
	answered := make(chan string, 30)
	go func() { answered <- post200(t, url, `{"id":"0"}`) }()
	<-l.held
	for i := 1; i < 30; i++ {
		go func() { answered <- post200(t, url, fmt.Sprintf(`{"id":"%d"}`, i)) }()
	}
	select {
	case a := <-answered:
		t.Errorf("answered %s before it was in the log", a)
	case <-time.After(50 * time.Millisecond):
	}
	close(l.hold)
	for range 30 {
		<-answered
	}
	stop()
	if l.commits >= 30 || len(l.facts()) != 30 {
		t.Errorf("%d commits of %d facts", l.commits, len(l.facts()))
	}
}

func TestLogAway(t *testing.T) {
	l := &log{fail: errors.New("no broker")}
	url, _ := start(t, l, ingest.Deps{}, simple)
	resp, err := http.Post(url, "application/json", strings.NewReader(`{"id":"1"}`))
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if resp.StatusCode != 503 || resp.Header.Get("Retry-After") != "5" {
		t.Errorf("status %d, Retry-After %q", resp.StatusCode, resp.Header.Get("Retry-After"))
	}
	l.mu.Lock()
	l.fail = nil
	l.mu.Unlock()
	for range 100 { // it is left alone for a moment
		if status, _ := send(t, url, `{"id":"1"}`); status == 200 {
			return
		}
		time.Sleep(100 * time.Millisecond)
	}
	t.Error("still away although the log is back")
}

// Requests that were taken before the end are written and answered.
func TestStop(t *testing.T) {
	l := &log{hold: make(chan struct{}), held: make(chan struct{}, 1)}
	url, stop := start(t, l, ingest.Deps{}, simple)
	answered := make(chan string)
	go func() { answered <- post200(t, url, `{"id":"1"}`) }()
	<-l.held
	go func() { time.Sleep(20 * time.Millisecond); close(l.hold) }()
	go stop()
	if a := <-answered; a != `{"records":1,"accepted":1}` {
		t.Errorf("answer %s", a)
	}
	stop()
}

func TestDrain(t *testing.T) {
	s, err := open(parse(t, simple), ingest.Deps{Drain: true, Zone: time.UTC})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Run(t.Context(), nil, nil); err != nil {
		t.Error(err)
	}
}

func TestWorkers(t *testing.T) {
	l := &log{}
	url, _ := start(t, l, ingest.Deps{}, "listen: 127.0.0.1:0\nauth: {open: true}\nas: worker\nfields: {worker_id: id, email: mail, active: on}\n")
	post200(t, url, `[{"id":"7","mail":"Dana@Example.TEST","on":true},{"id":"8","on":false}]`)
	if diff := cmp.Diff([]string{"7 dana@example.test true", "8  false"}, l.facts()); diff != "" {
		t.Error(diff)
	}
}

// watch is set by the test.
type watch struct {
	mu    sync.Mutex
	now   time.Time
	slept chan struct{} // one value lets one Sleep end
}

func (w *watch) Now() time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.now
}

func (w *watch) Sleep(ctx context.Context, d time.Duration) error {
	select {
	case <-w.slept:
		w.mu.Lock()
		defer w.mu.Unlock()
		w.now = w.now.Add(d)
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// A promise is lateness old, and none is made before lateness has passed since the start.
func TestPromises(t *testing.T) {
	l := &log{}
	w := &watch{now: time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC), slept: make(chan struct{})}
	_, stop := start(t, l, ingest.Deps{Watch: w}, simple+"complete: lateness\nlateness: 3m\n")
	for range 8 { // 45 s each
		w.slept <- struct{}{}
	}
	stop()
	l.mu.Lock()
	defer l.mu.Unlock()
	want := []string{"contact 09:00:00", "contact 09:00:45", "contact 09:01:30", "contact 09:02:15"}
	if diff := cmp.Diff(want, l.marks); diff != "" && !cmp.Equal(append(want, "contact 09:03:00"), l.marks) { // the last may be cut off by the end
		t.Error(diff)
	}
	var c struct {
		Flows map[string]struct{ Through time.Time }
	}
	if err := json.Unmarshal(l.cursor, &c); err != nil || c.Flows["posts"].Through.Before(w.now.Add(-5*time.Minute)) {
		t.Errorf("cursor %s: %v", l.cursor, err)
	}
}

// The example of the reference pages is a valid one.
func TestSample(t *testing.T) {
	node, list := spec.Document("sample.yaml", []byte(sample))
	if err := spec.Err(list); err != nil {
		t.Fatal(err)
	}
	var byName map[string]yaml.Node
	if err := node.Decode(&byName); err != nil {
		t.Fatal(err)
	}
	dialer := byName["dialer"]
	o := new(Options)
	env := spec.Environment{"DIALER_SECRET": "0123456789abcdef0123456789abcdef"}
	if err := spec.Err(spec.Decode(&dialer, o, spec.Source{File: "sample.yaml", Env: env, Also: []string{"type"}})); err != nil {
		t.Fatal(err)
	}
	if o.As != "contact" || o.Auth.Weak() || o.Lateness != 15*time.Minute {
		t.Errorf("%+v", o)
	}
}

func BenchmarkPosts(b *testing.B) {
	var body strings.Builder
	for i := range 500 {
		fmt.Fprintf(&body, `{"id":"call-%d","q":"sales","agent":{"login":"dana"},"queued_at":"2026-03-02T09:%02d:07Z","answered_at":"2026-03-02T09:%02d:27Z","note":"a remark of some length, not used"}`+"\n", i, i%60, i%60)
	}
	l := &discard{}
	s, err := open(parse(b, "listen: 127.0.0.1:0\nauth: {hmac: {secrets: [0123456789abcdef]}}\nas: contact\nfields: {interaction_id: id, queue_id: q, agent_id: agent.login, offered_at: time(queued_at), answered_at: time(answered_at)}"),
		ingest.Deps{Log: slog.New(slog.DiscardHandler), Zone: time.UTC})
	if err != nil {
		b.Fatal(err)
	}
	s.options.Auth.HMAC.Secrets, s.options.Auth.Open = nil, true
	address := make(chan string, 1)
	s.opened = func(a string) { address <- a }
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error)
	go func() { done <- s.Run(ctx, nil, l) }()
	url := "http://" + <-address + "/"
	text := body.String()
	b.SetBytes(int64(len(text)))
	b.SetParallelism(8)
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			post200(b, url, text)
		}
	})
	b.ReportMetric(float64(b.N*500)/b.Elapsed().Seconds(), "records/s")
	b.ReportMetric(float64(l.facts)/float64(max(l.commits, 1)), "records/commit")
	cancel()
	<-done
}

// discard is an ingest.Out whose log takes 2 ms to acknowledge.
type discard struct {
	ingest.Out
	facts, commits int
}

func (d *discard) Contact(context.Context, *schemas.Contact) error { d.facts++; return nil }
func (d *discard) Commit(context.Context, []byte) error {
	d.commits++
	time.Sleep(2 * time.Millisecond)
	return nil
}
