package five9

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

const users = "getUsersGeneralInfo"

func TestWrongPasswordIsAPageAndThenALockedAccount(t *testing.T) {
	r := start(t, Options{FaultStatus: http.StatusInternalServerError})
	text := envelope(admin.namespace, users, "")
	for range 2 {
		status, header, body := r.post(adminPath, User, "guess", text)
		if status != http.StatusUnauthorized || !strings.HasPrefix(header.Get("Content-Type"), "text/html") || !strings.Contains(body, "JBoss Web/7.5.3.Final - JBWEB000064: Error report") {
			t.Errorf("status %d, %s: %s", status, header.Get("Content-Type"), body)
		}
	}
	if status, _, _ := r.post(adminPath, User, Password, text); status != http.StatusOK {
		t.Errorf("the right password between wrong ones: status %d", status)
	}
	if v := r.Violations(); len(v) > 0 {
		t.Errorf("two wrong passwords are no violation yet: %v", v)
	}
	for range 3 {
		r.post(adminPath, User, "guess", text)
	}
	for _, password := range []string{"guess", Password} {
		if status, _, body := r.post(adminPath, User, password, text); status != http.StatusInternalServerError || r.fault(body) != "InvalidAccountFault" {
			t.Errorf("a locked account, password %q: status %d, %s", password, status, body)
		}
	}
	if v := r.Violations(); len(v) != 1 || !strings.Contains(v[0], "locked after 3 wrong passwords") {
		t.Errorf("violations %v", v)
	}
	r.Unlock()
	if err := r.SetPassword(User, "new"); err != nil {
		t.Fatal(err)
	}
	if status, _, body := r.post(adminPath, User, "new", text); status != http.StatusOK {
		t.Errorf("unlocked, with a new password: status %d, %s", status, body)
	}
}

// paused is a watch whose sleepers wait until they are let go.
type paused struct {
	*hands
	asleep, wake chan struct{}
}

func (p *paused) Sleep(ctx context.Context, d time.Duration) error {
	p.asleep <- struct{}{}
	<-p.wake
	return p.hands.Sleep(ctx, d)
}

func TestOneCallAtATime(t *testing.T) {
	r := start(t, Options{})
	p := &paused{r.clock, make(chan struct{}), make(chan struct{})}
	id := r.start(CallReport, r.clock.Now().Add(-time.Hour), r.clock.Now())
	r.Server.watch = p
	var first atomic.Value
	done := make(chan struct{})
	go func() {
		defer close(done)
		first.Store(r.call("isReportRunning", "<identifier>"+id+"</identifier><timeout>5</timeout>"))
	}()
	<-p.asleep
	if got := r.fault(r.call(users, "")); got != "UserAlreadyLoggedInFault" {
		t.Errorf("a second call of the user got %q", got)
	}
	if _, _, text := r.post(adminPath, Supervisor, Password, envelope(admin.namespace, "getSkills", "")); len(r.returned(text)) == 0 {
		t.Errorf("another user waits for nobody: %s", text)
	}
	close(p.wake)
	<-done
	if v := r.Violations(); len(v) != 1 || !strings.Contains(v[0], users+" was called while isReportRunning") {
		t.Errorf("violations %v", v)
	}
	if got := r.returned(first.Load().(string)); !slices.Equal(got, []string{"true"}) {
		t.Errorf("the first call got %v", got)
	}
}

func TestFaultsComeWithBothStatusesAndAnyPrefix(t *testing.T) {
	r := start(t, Options{})
	statuses, heads := map[int]int{}, map[string]bool{}
	for range 20 {
		status, _, body := r.post(adminPath, User, Password, envelope(admin.namespace, "getReportResult", "<identifier>none</identifier>"))
		if got := r.fault(body); got != "UnknownIdentifierFault" {
			t.Fatalf("unknown identifier: %q", got)
		}
		statuses[status]++
		_, _, body = r.post(adminPath, User, Password, envelope(admin.namespace, "getVCCConfiguration", ""))
		heads[strings.SplitN(strings.SplitN(body, "?>", 2)[1], ":", 2)[0]] = true
	}
	if statuses[200] == 0 || statuses[500] == 0 || len(statuses) != 2 {
		t.Errorf("statuses %v", statuses)
	}
	if len(heads) < 3 {
		t.Errorf("prefixes %v", heads)
	}
}

func TestFaultsOnDemandAndForgetting(t *testing.T) {
	r := start(t, Options{})
	id := r.start(CallReport, r.clock.Now().Add(-time.Hour), r.clock.Now())
	r.Fail("ServiceUnavailable", "AdminSessionClosed")
	for _, want := range []string{"ServiceUnavailableFault", "AdminSessionClosedFault"} {
		if got := r.fault(r.call(users, "")); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
	r.wait(id)
	r.Forget()
	if got := r.fault(r.call("isReportRunning", "<identifier>"+id+"</identifier><timeout>0</timeout>")); got != "UnknownIdentifierFault" {
		t.Errorf("a forgotten report: %q", got)
	}
}

func TestPathsAndVersions(t *testing.T) {
	r := start(t, Options{})
	f := func(path, space string, want int) {
		t.Helper()
		if status, _, body := r.post(path, User, Password, envelope(space, "closeSession", "")); status != want || want == 200 && !strings.Contains(body, "closeSessionResponse") {
			t.Errorf("%s: status %d, want %d: %s", path, status, want, body)
		}
	}
	f("/wsadmin/v13/AdminWebService", admin.namespace, 200)
	f("/wsadmin/v9_5/AdminWebService", admin.namespace, 200)
	f("/wsadmin/v2/AdminWebService", admin.namespace+"v2/", 200)
	f("/wsadmin/AdminWebService", admin.namespace+"v2/", 200)
	f("/wsadmin/v99/AdminWebService", admin.namespace, 404)
	f("/wssupervisor/v13/AdminWebService", admin.namespace, 404)
}
