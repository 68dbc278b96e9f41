package five9

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/quarterhour/quarterhour/internal/quota"
)

const htmlRefusal = `status 401 <html><head><title>JBoss Web/7.5.3.Final - JBWEB000064: Error report</title></head><body><h1>JBWEB000065: HTTP Status 401</h1></body></html>`

// Each fault, with status 500 and 200: what is called, and what the stream says.
func TestFaults(t *testing.T) {
	const run, poll, fetch = "runReport", "isReportRunning", "getReportResultCsv"
	good := "<return>" + escaped(callHeader+oneCall) + "</return>"
	f := func(operation, fault string, calls int, want string) {
		t.Helper()
		for _, status := range []int{500, 200} {
			s := newScript(t)
			s.on(fetch, good)
			s.on(operation, faultAnswer(status, fault, "it is said why", "<folder>WFM Reports</folder>"), s.answers[operation][0])
			err := s.drain(callsOnly)
			if got := s.count(operation); got != calls {
				t.Errorf("%s with %d at %s: called %d times, want %d", fault, status, operation, got, calls)
			}
			switch {
			case want == "" && (err != nil || len(s.out.newestContacts()) != 1):
				t.Errorf("%s with %d at %s: %v, %d contacts", fault, status, operation, err, len(s.out.newestContacts()))
			case want != "" && (err == nil || !strings.Contains(err.Error(), want)):
				t.Errorf("%s with %d at %s: %v, want %s", fault, status, operation, err, want)
			case want != "" && !strings.Contains(err.Error(), "it is said why"):
				t.Errorf("%s: the vendor's words are missing in %v", fault, err)
			}
		}
	}
	// Trouble of the service, or somebody else with the same user: later again.
	f(run, "ServiceUnavailableFault", 2, "")
	f(run, "ServerFault", 2, "")
	f(poll, "UserAlreadyLoggedInFault", 2, "")
	f(fetch, "ConcurrentModificationFault", 2, "")
	f(run, "BrandNewFault", 2, "")
	f(run, "ServiceUnavailableException", 2, "")
	// Somebody closed the session: once more.
	f(run, "AdminSessionClosedFault", 2, "")
	f(poll, "SessionClosedFault", 2, "")
	// The report's life.
	f(fetch, "ResultIsNotReadyFault", 2, "")
	f(poll, "UnknownIdentifierFault", 2, "")
	f(fetch, "UnknownIdentifierFault", 2, "")
	f(run, "OperationsLimitExceededFault", 2, "")
	// What trying again does not change.
	f(run, "ReportNotFoundFault", 1, `folder "WFM Reports": folder and report names are case-sensitive`)
	f(run, "ObjectNotFoundFault", 1, "ObjectNotFoundFault")
	f(run, "MissedArgumentFault", 1, "MissedArgumentFault")
	f(run, "IncorrectArgumentFault", 1, "IncorrectArgumentFault")
	f(run, "InvalidDateRangeFault", 1, "InvalidDateRangeFault")
	f(run, "InvalidRegexpPatternFault", 1, "InvalidRegexpPatternFault")
	f(run, "AccessDisallowedFault", 1, "the administrator role")
	f(run, "InvalidAccountFault", 1, "whether the account is locked")
}

// bareFault is a fault that has no detail.
func bareFault(code, text string) string {
	return `<S:Envelope xmlns:S="http://schemas.xmlsoap.org/soap/envelope/"><S:Body><S:Fault><faultcode>` + code + `</faultcode><faultstring>` + text + `</faultstring></S:Fault></S:Body></S:Envelope>`
}

// kept is a store in memory.
type kept map[string][]byte

func (k kept) Load(key string) []byte { return k[key] }

func (k kept) Save(_ context.Context, key string, value []byte) error {
	k[key] = value
	return nil
}

// A fault without a detail is judged by its text.
func TestFaultWithoutDetail(t *testing.T) {
	f := func(body string, want What) {
		t.Helper()
		got := faultIn([]byte(body))
		if got == nil || got.Kind != want {
			t.Errorf("%s: %+v, want kind %d", body, got, want)
		}
	}
	wrap := bareFault
	f(wrap("S:Server", "Result Is Not Ready due to process is not complete"), NotReady)
	f(wrap("S:Server", "Access disallowed"), Stop)
	for _, text := range []string{"Invalid Account", "InvalidAccount", "invalid-account", "Account is locked", "Invalid user name or password", "Service unavailable: invalid account"} {
		f(wrap("S:Server", text), Refused)
		f(wrap("S:Client", text), Refused)
	}
	f(wrap("S:InvalidAccountFault", "no"), Refused)
	f(wrap("S:Server", "Admin session closed: unknown identifier"), Again) // of two words the longer
	f(wrap("S:Server", "something broke"), Backoff)
	f(wrap("S:Client", "Cannot find dispatch method for {x}y"), Misconfigured)
	if got := faultIn([]byte(wrap("a", "b")[:40])); got != nil {
		t.Errorf("half an envelope is no fault: %+v", got)
	}
	if got := faultIn([]byte(`<a:Envelope><a:Body><b:runReportResponse><return>Fault</return></b:runReportResponse></a:Body></a:Envelope>`)); got != nil {
		t.Errorf("an answer that says Fault is none: %+v", got)
	}
}

// Wrong credentials: one call, then none, until the password changes.
func TestRefused(t *testing.T) {
	for name, answer := range map[string]string{
		"html": htmlRefusal, "fault": faultAnswer(500, "InvalidAccountFault", "no", ""), "fault with 200": faultAnswer(200, "InvalidAccountFault", "no", ""),
		"text":        "status 500 " + bareFault("env:Server", "Invalid Account"),
		"text in 200": "status 200 " + bareFault("env:Client", "Account is locked"),
	} {
		s := newScript(t)
		store := kept{}
		s.keyring = &quota.Keyring{Watch: s.watch, Store: store}
		s.on("getCallCountersState", answer)
		if err := s.drain(callsOnly); err == nil {
			t.Errorf("%s: no error", name)
		}
		for range 2 { // processes that know what was stored
			s.keyring = &quota.Keyring{Watch: s.watch, Store: store}
			if err := s.drain(callsOnly); !errors.Is(err, quota.ErrLocked) {
				t.Errorf("%s: %v", name, err)
			}
		}
		if got := len(s.asked); got > 1 {
			t.Errorf("%s: called %v", name, s.asked)
		}
		s.on("getCallCountersState", "")
		s.on("getUsersGeneralInfo", "<return><id>1</id><userName>a</userName></return>")
		if err := s.with("another", "streams: {users: {}}\n"); err != nil || len(s.out.workers) != 1 {
			t.Errorf("%s, with another password: %v", name, err)
		}
	}
}

// What the vendor does not allow is left alone for an hour, and the rest goes on.
func TestDenied(t *testing.T) {
	s := newScript(t)
	s.on("getUsersGeneralInfo", faultAnswer(500, "AccessDisallowedFault", "no", ""))
	s.on("getReportResultCsv", "<return>"+escaped(callHeader+oneCall)+"</return>")
	src := s.drain("back: 3h\nstreams: {users: {}, calls: {}}\n")
	if src == nil || !strings.Contains(src.Error(), `flow "users"`) || strings.Contains(src.Error(), `flow "calls"`) {
		t.Errorf("got %v", src)
	}
	if len(s.out.newestContacts()) != 1 {
		t.Error("calls were not read")
	}
}

// The limit of an operation: the counters tell which stretch is spent, and no call is made before the next begins.
func TestLimited(t *testing.T) {
	s := newScript(t)
	limit := faultAnswer(500, "OperationsLimitExceededFault", "The limit of operations has been exceeded", "<limit>120</limit><operationType>ReportRequest</operationType>")
	s.on("runReport", limit, "<return>id-1</return>")
	s.on("getCallCountersState", "", "<return><callCounterStates><limit>16</limit><operationType>ReportRequest</operationType><value>3</value></callCounterStates><timeout>60</timeout></return>"+
		"<return><callCounterStates><limit>120</limit><operationType>ReportRequest</operationType><value>120</value></callCounterStates><timeout>3600</timeout></return>")
	err := s.drain(callsOnly)
	var spent *quota.Exhausted
	if !errors.As(err, &spent) {
		t.Fatal(err)
	}
	if want := time.Date(2026, 3, 2, 21, 0, 1, 0, time.UTC); !spent.Until.Equal(want) || s.count("runReport") != 1 {
		t.Errorf("until %s, want %s, after %d calls", spent.Until, want, s.count("runReport"))
	}
}

// Until knows the data centre's minute, hour and day.
func TestUntil(t *testing.T) {
	zone := func(name string) *time.Location {
		l, err := time.LoadLocation(name)
		if err != nil {
			t.Fatal(err)
		}
		return l
	}
	f := func(now string, per time.Duration, l, want string) {
		t.Helper()
		at, err := time.Parse(time.RFC3339, now)
		if err != nil {
			t.Fatal(err)
		}
		if got := until(at, per, zone(l)).UTC().Format(time.RFC3339); got != want {
			t.Errorf("%s %s in %s: %s, want %s", now, per, l, got, want)
		}
	}
	f("2026-03-02T20:00:30Z", time.Minute, "America/Los_Angeles", "2026-03-02T20:01:00Z")
	f("2026-03-02T20:00:00Z", time.Minute, "America/Los_Angeles", "2026-03-02T20:01:00Z")
	f("2026-03-02T20:00:30Z", time.Hour, "America/Los_Angeles", "2026-03-02T21:00:00Z")
	f("2026-03-02T20:00:30Z", time.Hour, "Asia/Kolkata", "2026-03-02T20:30:00Z")
	f("2026-03-02T20:00:30Z", 24*time.Hour, "America/Los_Angeles", "2026-03-03T08:00:00Z")
	f("2026-11-01T20:00:30Z", 24*time.Hour, "America/Los_Angeles", "2026-11-02T08:00:00Z")
	f("2026-11-01T06:59:59Z", 24*time.Hour, "America/Los_Angeles", "2026-11-01T07:00:00Z")
}

// The life of a report: an empty identifier, polls, and a time-out.
func TestReportLife(t *testing.T) {
	s := newScript(t)
	s.on("runReport", "<return/>", "<return>id-2</return>")
	s.on("isReportRunning", "<return>true</return>", "<return>true</return>", "<return>false</return>")
	s.on("getReportResultCsv", "<return>"+escaped(callHeader+oneCall)+"</return>")
	if err := s.drain(callsOnly); err != nil {
		t.Fatal(err)
	}
	want := []string{"getCallCountersState", "runReport", "runReport", "isReportRunning", "isReportRunning", "isReportRunning", "getReportResultCsv"}
	if diff := cmp.Diff(want, s.asked[:len(want)]); diff != "" {
		t.Error(diff)
	}
	if !slices.ContainsFunc(s.bodies, func(b string) bool { return strings.Contains(b, "<identifier>id-2</identifier><timeout>5</timeout>") }) {
		t.Error("polls do not name the identifier and the time to wait")
	}

	s = newScript(t)
	s.on("runReport", "<return></return>")
	if err := s.drain(callsOnly); err == nil || s.count("runReport") != 2 {
		t.Errorf("%v after %d calls", err, s.count("runReport"))
	}

	s = newScript(t)
	s.on("isReportRunning", "<return>true</return>")
	began := s.watch.Now()
	err := s.drain(callsOnly + "report_timeout: 2m\n")
	if took := s.watch.Now().Sub(began); err == nil || !strings.Contains(err.Error(), "not ready within 2m0s") || took < 2*time.Minute || took > 3*time.Minute {
		t.Errorf("%v after %s", err, took)
	}
}
