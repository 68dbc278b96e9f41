package calabrio

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

type still time.Time

func (s still) Now() time.Time                                   { return time.Time(s) }
func (s still) Sleep(ctx context.Context, _ time.Duration) error { return ctx.Err() }

var noon = time.Date(2026, time.March, 2, 12, 0, 0, 0, time.UTC)

// post sends a body with the right keys, but for what change does.
func post(s *Server, path, body string, change ...func(*http.Request)) *httptest.ResponseRecorder {
	r := httptest.NewRequest(http.MethodPost, path, strings.NewReader(body))
	r.Header.Set("Authorization", "Bearer "+TenantKey)
	r.Header.Set("Content-Type", "application/json")
	for _, c := range change {
		c(r)
	}
	w := httptest.NewRecorder()
	s.ServeHTTP(w, r)
	return w
}

const (
	queues  = HistoricalPath + "/queues?dataSourceKey=" + DataSourceKey
	byAgent = HistoricalPath + "/agent-queues?dataSourceKey=" + DataSourceKey
)

func record(offered string) string {
	return `{"intervalStartDateTime":"2026-03-02T09:00:00Z","queueId":"q","queueName":"Q","offeredContacts":` + offered + `,"answeredContacts":1,"contactTime":2}`
}

func TestRecordsReplace(t *testing.T) {
	s := New(still(noon), Options{})
	for _, body := range []string{"[" + record("1") + "]", "[" + record("5") + "]"} {
		if w := post(s, queues, body); w.Code != http.StatusOK {
			t.Fatal(w.Code, w.Body)
		}
	}
	const both = `[{"intervalStartDateTime":"2026-03-02T09:15:00Z","queueId":"q","queueName":"Q","agentId":"a","agentName":"A","contactTime":0,"answeredContacts":0,"completedContacts":null}]`
	if w := post(s, byAgent, both); w.Code != http.StatusOK {
		t.Fatal(w.Code, w.Body)
	}
	want := map[string]string{
		"queues/2026-03-02T09:00:00Z/q":         "queueName=Q offeredContacts=5 answeredContacts=1 contactTime=2",
		"agent-queues/2026-03-02T09:15:00Z/q/a": "queueName=Q agentName=A contactTime=0 answeredContacts=0 completedContacts=null",
	}
	if diff := cmp.Diff(want, s.Holds()); diff != "" || len(s.Violations()) > 0 {
		t.Error(diff, s.Violations())
	}
}

func TestWhatIsRefused(t *testing.T) {
	f := func(status int, violation, path, body string, change ...func(*http.Request)) {
		t.Helper()
		s := New(still(noon), Options{Unwanted: []string{"unwanted"}})
		w := post(s, path, body, change...)
		if got := strings.Join(s.Violations(), "\n"); w.Code != status || !strings.Contains(got, violation) || (violation == "") != (got == "") || len(s.Holds()) > 0 {
			t.Errorf("%s: status %d, violations %q, %d records", body, w.Code, got, len(s.Holds()))
		}
	}
	good := "[" + record("1") + "]"
	f(401, "", queues, good, func(r *http.Request) { r.Header.Del("Authorization") })
	f(401, "", queues, good, func(r *http.Request) { r.Header.Set("Authorization", "Bearer another") })
	f(400, "no data source key", HistoricalPath+"/queues", good)
	f(400, "no list", queues, "{"+good)
	f(400, "no list", queues, record("1"))
	f(400, "no list", queues, good, func(r *http.Request) { r.Header.Set("Content-Type", "text/plain") })
	f(400, "from 0 to", queues, "["+record("-1")+"]")
	f(400, "from 0 to", queues, "["+record("1.5")+"]")
	f(400, "from 0 to", queues, "["+record("3000000000")+"]")
	f(400, "from 0 to", queues, "["+record("null")+"]")
	f(400, "off the grid", queues, strings.Replace(good, "09:00:00", "09:05:00", 1))
	f(400, "no instant", queues, strings.Replace(good, "00Z", "00+01:00", 1))
	f(400, "1 to 100", queues, strings.Replace(good, `"q"`, `""`, 1))
	f(400, "1 to 100", queues, strings.Replace(good, `"q"`, `"`+strings.Repeat("q", 101)+`"`, 1))
	f(400, "is missing", queues, strings.Replace(good, `"queueId":"q",`, "", 1))
	f(400, "not known", queues, strings.Replace(good, `"queueId"`, `"wait":1,"queueId"`, 1))
	f(400, "there twice", queues, "["+record("1")+","+record("2")+"]")
	f(400, "", queues, strings.Replace(good, `"q"`, `"unwanted"`, 1))
	f(404, "", HistoricalPath+"/logins", good)
}

func soap(operation, content string) string {
	return `<e:Envelope xmlns:e="http://schemas.xmlsoap.org/soap/envelope/"><e:Body><` + operation + ` xmlns="http://tempuri.org/">` + content + `</` + operation + `></e:Body></e:Envelope>`
}

const head = "<authenticationKey>" + AuthenticationKey + "</authenticationKey><platformTypeId>" + PlatformTypeID + "</platformTypeId><sourceId>1</sourceId>"

func states(snapshot bool, users ...string) string {
	var b strings.Builder
	for _, u := range users {
		user, at, _ := strings.Cut(u, "@")
		fmt.Fprintf(&b, `<ExternalUserState><BatchId>2026-03-02T12:00:00Z</BatchId><IsLoggedOn>true</IsLoggedOn><IsSnapshot>%t</IsSnapshot><SecondsInState>0</SecondsInState>`+
			`<StateCode>READY</StateCode><StateDescription>x</StateDescription><Timestamp>2026-03-02T%sZ</Timestamp><UserCode>%s</UserCode></ExternalUserState>`, snapshot, at, user)
	}
	return soap("SaveBatchExternalUserState", head+`<externalUserStateBatch><!-- -->`+strings.ReplaceAll(b.String(), "<ExternalUserState>", `<ExternalUserState xmlns="`+contract+`">`)+`</externalUserStateBatch>`)
}

const closing = "<authenticationKey>" + AuthenticationKey + "</authenticationKey><userCode></userCode><stateCode></stateCode><stateDescription></stateDescription><isLoggedOn>false</isLoggedOn>" +
	"<secondsInState>0</secondsInState><timestamp>2026-03-02T12:00:00Z</timestamp><platformTypeId>" + PlatformTypeID + "</platformTypeId><sourceId>1</sourceId>" +
	"<batchId>2026-03-02T12:00:00Z</batchId><isSnapshot>true</isSnapshot>"

func call(s *Server, operation, body string) string {
	w := post(s, AdherencePath, body, func(r *http.Request) {
		r.Header.Set("Content-Type", "text/xml")
		r.Header.Set("SOAPAction", `"`+service+"ITeleoptiRtaService/"+operation+`"`)
	})
	return w.Body.String()
}

func TestAdherence(t *testing.T) {
	s := New(still(noon), Options{})
	f := func(operation, body, want string, users ...string) {
		t.Helper()
		if got := call(s, operation, body); !strings.Contains(got, want) {
			t.Errorf("%s, want %s", got, want)
		}
		on := map[string]bool{}
		for user, state := range s.States() {
			on[user] = state.LoggedOn
		}
		for _, user := range users {
			name, off := strings.CutPrefix(user, "-")
			if on[name] == off {
				t.Errorf("%s is logged on: %t", name, on[name])
			}
		}
	}
	f("SaveBatchExternalUserState", states(false, "a@11:00:00", "b@11:00:00", "c@11:00:00"), ">1<", "a", "b", "c")
	f("SaveBatchExternalUserState", states(true, "a@11:30:00"), ">1<", "a", "b", "c")
	f("SaveBatchExternalUserState", states(true, "b@11:30:00"), ">1<", "a", "b", "c")
	f("SaveExternalUserState", soap("SaveExternalUserState", closing), ">1<", "a", "b", "-c")
	if len(s.Violations()) > 0 {
		t.Error(s.Violations())
	}
	f("SaveBatchExternalUserState", states(false, "a@11:20:00"), ">1<")
	if got := s.Violations(); len(got) != 1 || !strings.Contains(got[0], "after one since") {
		t.Error(got)
	}
}

func TestAdherenceIsStrict(t *testing.T) {
	f := func(o Options, operation, body, want string, violations int) {
		t.Helper()
		s := New(still(noon), o)
		if got := call(s, operation, body); !strings.Contains(got, want) || len(s.Violations()) != violations {
			t.Errorf("%s, want %s; violations %v", got, want, s.Violations())
		}
	}
	const batch = "SaveBatchExternalUserState"
	good := states(false, "a@11:00:00", "b@11:00:00")
	f(Options{}, batch, strings.Replace(good, "<StateCode>READY</StateCode><StateDescription>x</StateDescription>", "<StateDescription>x</StateDescription><StateCode>READY</StateCode>", 1), "has the elements", 1)
	f(Options{}, batch, strings.Replace(good, `"`+contract+`"`, `"urn:other"`, 1), "the batch holds", 1)
	f(Options{}, batch, strings.Replace(good, "11:00:00Z", "11:00:00", 1), "no instant in UTC", 1)
	f(Options{}, batch, strings.Replace(good, "<sourceId>1</sourceId>", "", 1), "has the elements", 1)
	f(Options{}, "SaveExternalUserState", good, "SOAPAction is", 1)
	f(Options{}, batch, "{}", "no SOAP", 1)
	f(Options{AuthenticationKey: "x"}, batch, good, "InvalidAuthenticationKeyException", 0)
	f(Options{PlatformTypeID: "x"}, batch, good, ">-200<", 0)
	f(Options{SourceID: "x"}, batch, good, ">-300<", 0)
	f(Options{Users: []string{"a"}}, batch, good, ">-100<", 0)
	f(Options{MostStates: 1}, batch, good, "BatchTooBigException", 0)
}

// An importer's complaints: each line changes one good file.
func TestReaders(t *testing.T) {
	const title = "Teleopti.Agent.Data\r\n\r\ninterval;date_from;time;agent_id;agent_name;avail_dur;tot_work_dur;pause_dur;wait_dur;admin_dur;direct_out_call_cnt;direct_out_call_dur;direct_in_call_cnt;direct_in_call_dur\r\n"
	const row = "15;2026-03-02;09:00;ann;Ann;840;900;60;500;0;3;0;0;0\r\n"
	f := func(name, text, want string) {
		t.Helper()
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		read := ReadLogServer
		if !strings.Contains(name, "Statistics") {
			read = ReadQueueImport
		}
		held, wrong := read(dir, 15*time.Minute)
		if got := strings.Join(wrong, "\n"); !strings.Contains(got, want) || want == "" && (got != "" || len(held) != 1) {
			t.Errorf("%s: %q, want %q; %v", name, got, want, held)
		}
	}
	const name = "Agent_Statistics_2026-03-02_09_00.csv"
	f(name, title+row, "")
	f("Agent_Statistics_2026-03-02_09_15.csv", title+row, "another interval")
	f("Agents_Statistics_2026-03-02_09_00.csv", title+row, "no name of a LogServer file")
	f(name, title+strings.TrimSuffix(row, "\r\n"), "go on to the end of a row")
	f(name, strings.Replace(title, "\r\n\r\n", "\r\n", 1)+row, "an empty line")
	f(name, title+row+row, "there twice")
	f(name, title+"15;2026-03-02\r\n", "has 2 cells")
	f(name, title+strings.Replace(row, ";900;", ";901;", 1), "tot_work_dur is 901")
	f(name, title+strings.Replace(row, ";60;", ";901;", 1), "pause_dur is above tot_work_dur")
	f(name, title+strings.Replace(row, "840", "840.5", 1), "no whole number")
	f(name, title+strings.Replace(row, "ann;", ";", 1), "agent_id is empty")
	f(name, title+strings.Replace(row, "15;", "30;", 1), "the interval is")
	const queue = "15;2026-03-02;09:00;q;Q;1;0;0;0;1;0;0;0;0;0;0;0;0;0;0;0\r\n"
	f("a.csv", queue, "")
	f("a.xls", queue, "neither CSV nor TXT")
	f("a.csv", strings.Replace(queue, "Q;1;", "Q;", 1), "has 20 fields")
	f("a.csv", strings.Replace(queue, "09:00", "09:15", 1)+queue, "order of time")
	f("a.csv", queue+queue, "there twice")
	f("a.csv", strings.Replace(queue, "09:00", "09:05", 1), "no start of an interval")
}
