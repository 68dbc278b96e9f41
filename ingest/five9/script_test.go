package five9

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/quarterhour/quarterhour/ingest"
	"github.com/quarterhour/quarterhour/internal/quota"
	vendor "github.com/quarterhour/quarterhour/internal/simulator/five9"
)

// script is a service that answers each call with the next answer of its operation; the last one is given again and again. Answers are
// what the wrapper holds, or "status NNN ..." with a whole body.
type script struct {
	*testing.T
	url     string
	watch   *hands
	keyring *quota.Keyring
	out     *recorder

	mu      sync.Mutex
	answers map[string][]string
	asked   []string // operations
	bodies  []string
	header  http.Header // of the last request
	user    string
	skew    time.Duration // of the service's clock
}

var operationIn = regexp.MustCompile(`<soapenv:Body><ser:(\w+)`)

func newScript(t *testing.T) *script {
	s := &script{T: t, watch: &hands{now: time.Date(2026, 3, 2, 20, 0, 30, 0, time.UTC)}, answers: map[string][]string{}}
	s.keyring, s.out = &quota.Keyring{Watch: s.watch}, &recorder{watch: s.watch}
	server := httptest.NewServer(http.HandlerFunc(s.serve))
	t.Cleanup(server.Close)
	s.url = server.URL
	s.on("getCallCountersState", "")
	s.on("runReport", "<return>id-1</return>")
	s.on("isReportRunning", "<return>false</return>")
	s.on("getReportResultCsv", "<return>"+escaped(callHeader)+"</return>")
	return s
}

func (s *script) on(operation string, answers ...string) { s.answers[operation] = answers }

func (s *script) serve(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		s.Error(err)
	}
	m := operationIn.FindSubmatch(body)
	if m == nil {
		s.Errorf("no operation in %s", body)
		return
	}
	operation := string(m[1])
	s.mu.Lock()
	s.asked, s.bodies, s.header = append(s.asked, operation), append(s.bodies, string(body)), r.Header
	s.user, _, _ = r.BasicAuth()
	if len(s.answers[operation]) == 0 {
		s.mu.Unlock()
		s.Errorf("no answer to %s", operation)
		w.WriteHeader(http.StatusNotFound)
		return
	}
	answer := s.answers[operation][0]
	if len(s.answers[operation]) > 1 {
		s.answers[operation] = s.answers[operation][1:]
	}
	s.mu.Unlock()
	w.Header().Set("Date", s.watch.Now().Add(s.skew).UTC().Format(http.TimeFormat))
	if rest, ok := strings.CutPrefix(answer, "status "); ok {
		var status int
		_, _ = fmt.Sscan(rest, &status)
		if w.Header().Set("Content-Type", "text/html;charset=utf-8"); strings.Contains(rest, "Envelope") {
			w.Header().Set("Content-Type", "text/xml;charset=UTF-8")
		}
		w.WriteHeader(status)
		_, _ = io.WriteString(w, rest[4:])
		return
	}
	w.Header().Set("Content-Type", "text/xml;charset=UTF-8")
	_, _ = fmt.Fprintf(w, `<?xml version='1.0' encoding='UTF-8'?><env:Envelope xmlns:env="http://schemas.xmlsoap.org/soap/envelope/"><env:Header/><env:Body>`+
		`<ns2:%[1]sResponse xmlns:ns2="http://service.admin.ws.five9.com/">%[2]s</ns2:%[1]sResponse></env:Body></env:Envelope>`, operation, answer)
}

// faultAnswer is a fault as the vendor sends it, with a status.
func faultAnswer(status int, name, text, fields string) string {
	return fmt.Sprintf("status %d "+`<env:Envelope xmlns:env="http://schemas.xmlsoap.org/soap/envelope/"><env:Header/><env:Body><env:Fault>`+
		`<faultcode>env:Server</faultcode><faultstring>%[3]s</faultstring><detail><ns1:%[2]s xmlns:ns1="http://service.admin.ws.five9.com/">`+
		`%[4]s<message>%[3]s</message></ns1:%[2]s></detail></env:Fault></env:Body></env:Envelope>`, status, name, text, fields)
}

// drain reads all streams once.
func (s *script) drain(options string) error {
	s.Helper()
	return s.with(vendor.Password, options)
}

func (s *script) with(password, options string) error {
	s.Helper()
	src := s.source(password, options)
	return src.Run(context.Background(), s.out.cursor, s.out)
}

// source is one that lives for longer than a run.
func (s *script) source(password, options string) *source {
	s.Helper()
	src, err := open(decoded(s.T, "url: "+s.url+"\nusername: wfm-api\npassword: "+password+"\n"+options), ingest.Deps{
		Tenant: "acme", Pipeline: "voice", Name: "five9-us", Drain: true, Watch: s.watch, Now: s.watch.Now, Keyring: s.keyring, Recall: s.out.recall,
	})
	if err != nil {
		s.Fatal(err)
	}
	return src
}

// count is how often an operation was called.
func (s *script) count(operation string) (n int) {
	for _, a := range s.asked {
		if a == operation {
			n++
		}
	}
	return n
}

const (
	callHeader = "CALL ID,TIMESTAMP,CAMPAIGN,CALL TYPE,AGENT,AGENT NAME,DISPOSITION,IVR TIME,QUEUE WAIT TIME,RING TIME,TALK TIME,HOLD TIME,PARK TIME,AFTER CALL WORK TIME,TRANSFERS,ABANDONED,SKILL\n"
	oneCall    = "3001,\"Mon, 2 Mar 2026 11:05:12\",Main,Inbound,dortiz,Dana Ortiz,Done,00:00:10,00:00:05.235,00:00:03,00:02:00,00:00:30,00:00:00,00:00:20,0,0,Sales\n"
	callsOnly  = "back: 3h\nstreams: {calls: {}}\n"
	statesOnly = "back: 3h\nstreams: {agent_states: {}}\n"
)
