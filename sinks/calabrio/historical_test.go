package calabrio

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/quarterhour/quarterhour/internal/httpcall"
	vendor "github.com/quarterhour/quarterhour/internal/simulator/calabrio"
	"github.com/quarterhour/quarterhour/sinks/delivery"
)

// listener keeps requests and answers as it is told.
type listener struct {
	mu       sync.Mutex
	requests []string // request line, header X-Key, authorization, body
	status   int
	answer   string
}

func (l *listener) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	l.mu.Lock()
	defer l.mu.Unlock()
	body, _ := io.ReadAll(r.Body)
	l.requests = append(l.requests, strings.Join([]string{r.Method, r.URL.String(), r.Header.Get("X-Key"), r.Header.Get("Authorization"), string(body)}, "|"))
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(max(l.status, 200))
	fmt.Fprint(w, l.answer)
}

func listen(t *testing.T) (*listener, string) {
	t.Helper()
	l := &listener{}
	server := httptest.NewServer(l)
	t.Cleanup(server.Close)
	return l, server.URL
}

// The placement of the second key and of the list is not published: it is all to be had by options.
func TestPlacement(t *testing.T) {
	const record = `{"intervalStartDateTime":"2026-03-02T09:00:00Z","queueId":"q","queueName":"Q","offeredContacts":17,"answeredContacts":12,"contactTime":5130}`
	f := func(more, want string) {
		t.Helper()
		l, url := listen(t)
		to := open(t, "historical: {url: '"+url+"/v1', tenant_key: tenant, data_source_key: 'd&1', queue: {path: queue-statistics}"+more+"}")
		if err := to.Send(t.Context(), []delivery.Item{queueRow("q", "voice", first, 1)}); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff([]string{want}, l.requests); diff != "" {
			t.Error(diff)
		}
	}
	f("", "POST|/v1/queue-statistics?dataSourceKey=d%261||Bearer tenant|["+record+"]")
	f(", key_in: header, key_name: X-Key", "POST|/v1/queue-statistics|d&1|Bearer tenant|["+record+"]")
	f(", key_name: key, envelope: rows", "POST|/v1/queue-statistics?key=d%261||Bearer tenant|"+`{"rows":[`+record+"]}")
	f(", key_in: body, envelope: rows", "POST|/v1/queue-statistics||Bearer tenant|"+`{"dataSourceKey":"d\u00261","rows":[`+record+"]}")
}

func TestAnswers(t *testing.T) {
	f := func(status int, answer, more string, want httpcall.Kind, refusedOnes string) {
		t.Helper()
		l, url := listen(t)
		l.status, l.answer = status, answer
		to := open(t, "historical: {url: '"+url+"', tenant_key: tenant-key, data_source_key: source-key, queue: {path: q}"+more+"}")
		bad := queueRow("b", "voice", first, 1)
		bad.Queue.Offered = -1
		err := to.Send(t.Context(), []delivery.Item{bad, queueRow("a", "voice", first, 1), queueRow("c", "voice", first, 1)})
		if want == 0 {
			if got := refusals(t, err); got != refusedOnes {
				t.Errorf("%d %s: refused %s, want %s", status, answer, got, refusedOnes)
			}
			return
		}
		var fault *httpcall.Error
		if !errors.As(err, &fault) || fault.Kind != want || fault.Misplaced != (status == 404 || status == 302) || strings.Contains(err.Error(), "-key") {
			t.Errorf("%d %s: %v, want %s", status, answer, err, want)
		}
	}
	const offered = `field: field "offeredContacts" is -1, not between 0 and 2147483647`
	f(200, "", "", 0, offered)
	f(202, `{"id": 7}`, "", 0, offered)
	f(204, "", "", 0, offered)
	f(400, `{"title":"tenant-key"}`, "", httpcall.Permanent, "")
	f(401, "", "", httpcall.Refused, "")
	f(403, "", "", httpcall.Refused, "")
	f(404, "", "", httpcall.Permanent, "") // of a wrong path no record is to blame
	f(302, "", "", httpcall.Permanent, "")
	f(413, "", "", httpcall.Permanent, "")
	f(429, "", "", httpcall.Throttled, "")
	f(500, "", "", httpcall.Transient, "")
	list := `{"data":{"failed":[{"row":1,"why":{"text":"queue is closed"}}]}}`
	paths := ", refusals: {list: data.failed, index: row, reason: why.text}"
	f(400, list, paths, 0, offered+"\nrefused: queue is closed")
	f(200, list, paths, 0, offered+"\nrefused: queue is closed")
	f(404, list, paths, httpcall.Permanent, "")
	f(500, list, paths, httpcall.Transient, "")
	f(400, `{"data":{"failed":[{"row":2}]}}`, paths, httpcall.Permanent, "") // there is no third record in the request
	f(400, `{"data":{"failed":[]}}`, paths, httpcall.Permanent, "")
	f(400, list, "", httpcall.Permanent, "")
}

// A refused request says nothing of who is to blame: the record that was refused here must keep its place.
func TestRefusedRecordsKeepTheirPlaces(t *testing.T) {
	l, url := listen(t)
	l.status, l.answer = 207, `[{"index": 1}, {"index": 1}, {"index": "0"}]`
	to := open(t, "historical: {url: '"+url+"', tenant_key: t, data_source_key: d, queue: {path: q}, refusals: {list: .}}")
	bad := queueRow("b", "voice", first, 1)
	bad.Queue.Answered = -1
	var out *delivery.Refused
	if err := to.Send(t.Context(), []delivery.Item{queueRow("a", "voice", first, 1), bad, queueRow("c", "voice", first, 1)}); !errors.As(err, &out) {
		t.Fatal(err)
	}
	var at []int
	for _, r := range out.Items {
		at = append(at, r.Index)
	}
	if diff := cmp.Diff([]int{1, 2, 0}, at); diff != "" {
		t.Error(diff)
	}
}

// Two channels of one queue would have one key at Calabrio, and the total of one would replace the other's.
func TestChannelsDoNotOverwriteEachOther(t *testing.T) {
	watch := &opened{now: first.Add(time.Hour)}
	sim := vendor.New(watch, vendor.Options{})
	server := httptest.NewServer(sim)
	t.Cleanup(server.Close)
	base := "historical: {url: '" + server.URL + vendor.HistoricalPath + "', tenant_key: " + vendor.TenantKey + ", data_source_key: " + vendor.DataSourceKey
	to := open(t, base+", queue: {path: queues}}")
	items := []delivery.Item{queueRow("inbox", "chat", first, 1), queueRow("inbox", "sms", first, 1), queueRow("inbox", "chat", first.Add(15*time.Minute), 1)}
	want := `field: field "queueId" is "inbox" for queue "inbox", channel "chat" and for queue "inbox", channel "sms", whose totals would overwrite each other: ` +
		`give it an expression that tells them apart, as queue_id + "-" + channel`
	if got := refusals(t, to.Send(t.Context(), items)); got != want {
		t.Error(got)
	}
	to = open(t, base+`, queue: {path: queues, fields: {queueId: 'queue_id + "-" + channel'}}}`)
	if err := to.Send(t.Context(), items); err != nil {
		t.Error(err)
	}
	if got := len(sim.Holds()); got != 5 || len(sim.Violations()) > 0 {
		t.Errorf("%d records, violations %v", got, sim.Violations())
	}
}

// Without a path there is no set: a pipeline that sends it all the same has another plan than this.
func TestKindWithoutPath(t *testing.T) {
	to := open(t, someHistorical+"}")
	var fault *httpcall.Error
	if err := to.Send(t.Context(), []delivery.Item{agentRow("ann", first, 1)}); !errors.As(err, &fault) || fault.Kind != httpcall.Permanent {
		t.Errorf("error %v", err)
	}
}

func FuzzRefusals(f *testing.F) {
	f.Add(`{"a":{"b":[{"index":1,"message":"x"}]}}`, "a.b", "index", "message")
	f.Add(`[{"i":"0"},3]`, ".", "i", "")
	f.Add(`{"a":null}`, "a..b", ".", "a")
	f.Fuzz(func(t *testing.T, answer, list, index, reason string) {
		r := Refusals{list, index, reason}
		seen := map[int]bool{}
		for _, item := range r.read([]byte(answer), 3, strings.ToUpper) {
			if item.Index < 0 || item.Index > 2 || seen[item.Index] || item.Reason == "" {
				t.Errorf("%q: %+v", answer, item)
			}
			seen[item.Index] = true
		}
	})
}
