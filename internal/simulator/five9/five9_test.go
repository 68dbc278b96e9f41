package five9

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/quarterhour/quarterhour/internal/simulator/centre"
)

// hands is a watch that a test moves. Sleeping moves it on.
type hands struct {
	mu  sync.Mutex
	now time.Time
}

func (h *hands) Now() time.Time {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.now
}

func (h *hands) move(d time.Duration) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.now = h.now.Add(d)
}

func (h *hands) set(t time.Time) { h.move(t.Sub(h.Now())) }

// rig is a simulated Five9 over HTTP.
type rig struct {
	*testing.T
	*Server
	url   string
	clock *hands
	zone  *time.Location
}

func start(t *testing.T, o Options) *rig {
	t.Helper()
	return startAt(t, o, "America/Los_Angeles", "2026-03-02", 3)
}

func startAt(t *testing.T, o Options, zone, from string, days int) *rig {
	t.Helper()
	z, err := time.LoadLocation(zone)
	if err != nil {
		t.Fatal(err)
	}
	first, err := time.ParseInLocation(time.DateOnly, from, z)
	if err != nil {
		t.Fatal(err)
	}
	c, err := centre.New(centre.Options{Seed: 1, From: first, Days: days, Sizes: map[centre.Vendor]centre.Size{centre.Five9: {Agents: 10, Queues: 5, Contacts: 300}}})
	if err != nil {
		t.Fatal(err)
	}
	h := &hands{now: first.Add(12 * time.Hour)}
	s, err := New(c, h, o)
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(s)
	t.Cleanup(server.Close)
	return &rig{T: t, Server: s, url: server.URL, clock: h, zone: z}
}

// Sleep lets a long poll pass without waiting.
func (h *hands) Sleep(ctx context.Context, d time.Duration) error {
	h.move(d)
	return ctx.Err()
}

const adminPath, statisticsPath = "/wsadmin/v13/AdminWebService", "/wssupervisor/v13/SupervisorWebService"

// post sends a body as it is.
func (r *rig) post(path, user, password, text string) (int, http.Header, string) {
	r.Helper()
	request, err := http.NewRequest(http.MethodPost, r.url+path, strings.NewReader(text))
	if err != nil {
		r.Fatal(err)
	}
	request.SetBasicAuth(user, password)
	request.Header.Set("Content-Type", "text/xml;charset=UTF-8")
	request.Header.Set("SOAPAction", `""`)
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		r.Fatal(err)
	}
	defer response.Body.Close()
	answer, err := io.ReadAll(response.Body)
	if err != nil {
		r.Fatal(err)
	}
	return response.StatusCode, response.Header, string(answer)
}

func envelope(space, operation, children string) string {
	return fmt.Sprintf(`<soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/" xmlns:ser="%s"><soapenv:Header/><soapenv:Body><ser:%s>%s</ser:%s></soapenv:Body></soapenv:Envelope>`,
		space, operation, children, operation)
}

// call makes a call and gives the answer's body.
func (r *rig) call(operation, children string) string {
	r.Helper()
	_, _, text := r.post(adminPath, User, Password, envelope(admin.namespace, operation, children))
	return text
}

// returned is the text of the returns.
func (r *rig) returned(text string) (values []string) {
	r.Helper()
	root, err := parseXML(strings.NewReader(text))
	if err != nil {
		r.Fatalf("%v in %s", err, text)
	}
	n, err := wrapper(root)
	if err != nil {
		r.Fatal(err)
	}
	if n.name.Local == "Fault" {
		r.Fatalf("fault: %s", text)
	}
	for _, c := range n.children {
		values = append(values, c.text)
	}
	return values
}

// fault is the name of the fault in an answer.
func (r *rig) fault(text string) string {
	r.Helper()
	root, err := parseXML(strings.NewReader(text))
	if err != nil {
		r.Fatalf("%v in %s", err, text)
	}
	n, err := wrapper(root)
	if err != nil {
		r.Fatal(err)
	}
	if detail := n.child("detail"); detail != nil {
		return detail.children[0].name.Local
	}
	return n.name.Local
}

func window(report, from, to string) string {
	return fmt.Sprintf(`<folderName>%s</folderName><reportName>%s</reportName><criteria><time><end>%s</end><start>%s</start></time></criteria>`, Folder, report, to, from)
}

// run runs a report over a window, waits, and gives its CSV.
func (r *rig) run(report string, from, to time.Time) string {
	r.Helper()
	id := r.start(report, from, to)
	r.wait(id)
	return r.returned(r.call("getReportResultCsv", "<identifier>"+id+"</identifier>"))[0]
}

func (r *rig) start(report string, from, to time.Time) string {
	r.Helper()
	return r.returned(r.call("runReport", window(report, from.Format(time.RFC3339Nano), to.Format(time.RFC3339Nano))))[0]
}

func (r *rig) wait(id string) {
	r.Helper()
	for r.returned(r.call("isReportRunning", "<identifier>"+id+"</identifier><timeout>10</timeout>"))[0] == "true" {
	}
}
