package five9

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/quarterhour/quarterhour/ingest"
	"github.com/quarterhour/quarterhour/internal/clock"
	"github.com/quarterhour/quarterhour/internal/httpcall"
	"github.com/quarterhour/quarterhour/internal/quota"
)

// client calls one of the two services with one user. Safe for concurrent use: the credential lets one call through at a time.
type client struct {
	http       *httpcall.Client
	credential *quota.Credential
	space      string
	zone       *time.Location // of the data centre, whose clock begins minutes, hours and days of the budgets
	counters   *client        // that reads the user's counters: only the configuration service tells them
	watch      clock.Watch
	log        *slog.Logger

	mu     sync.Mutex
	denied map[string]denial // by operation
	clocks ingest.Finding    // what the last answer's Date said of our clock

	counting sync.Mutex
	counted  time.Time // when the counters were read last
}

// denial is an operation that the account is not allowed. It is not tried again for a while, since a service may count it as an attack.
type denial struct {
	fault *Fault
	until time.Time
}

const (
	// deniedFor is how long.
	deniedFor = time.Hour
	// closedPause is how long to wait before the one further try after somebody else closed the session.
	closedPause = 15 * time.Second
	// graceMargin is how much longer than a long poll a call may take that is under way when the source is told to stop.
	graceMargin = 3 * time.Second
	// limitTries is how often an operation is tried again in a new stretch of the vendor's clock.
	limitTries = 2
)

// open makes the client of a service: path is that of the service, as wsadmin/v13/AdminWebService.
func (o *Options) open(d ingest.Deps, path, space, username, password string) (*client, error) {
	host := o.Host
	base := o.URL
	if base == "" {
		base = "https://" + host
	}
	c := &client{space: space, zone: o.DataCenterZone, watch: d.Watch, log: d.Log, denied: map[string]denial{}}
	if c.watch == nil {
		c.watch = clock.Wall
	}
	if c.log == nil {
		c.log = slog.New(slog.DiscardHandler)
	}
	if c.zone == nil {
		c.zone = o.ReportZone
	}
	c.credential = d.Keyring.Open("five9/"+username+"@"+strings.TrimPrefix(strings.TrimPrefix(base, "https://"), "http://"), quota.Options{
		Limits: limits(), Zone: c.zone, Exclusive: true, Secret: password, Log: d.Log,
	})
	c.counters = c
	longest := o.ReportPoll
	if t := o.Streams.Statuses; t != nil {
		longest = max(longest, t.Wait)
	}
	transport := http.DefaultTransport
	if t, ok := transport.(*http.Transport); ok {
		transport = t.Clone()
	}
	var err error
	c.http, err = httpcall.New(httpcall.Options{
		Name: d.Name, Base: strings.TrimSuffix(base, "/") + "/" + path, Auth: httpcall.Basic(username, password),
		Timeout: o.Timeout, Credential: c.credential, Hold: true, Watch: c.watch, Log: d.Log,
		Transport: &finishing{transport, longest + graceMargin},
	})
	return c, err
}

// limits are the vendor's default budgets (its documentation of domain limits, 2026). getCallCountersState tells the domain's own.
func limits() (list []quota.Limit) {
	for _, l := range [...]struct {
		operation         string
		minute, hour, day int64
	}{
		{opQuery, 450, 15_000, 172_800},
		{opReport, 16, 120, 800},
		{opResult, 20, 200, 1_000},
	} {
		list = append(list, quota.Limit{Operation: l.operation, Count: l.minute, Per: time.Minute},
			quota.Limit{Operation: l.operation, Count: l.hour, Per: time.Hour}, quota.Limit{Operation: l.operation, Count: l.day, Per: 24 * time.Hour})
	}
	return list
}

// The budgets, named as the vendor's apiOperationType.
const (
	opQuery   = "Query"
	opReport  = "ReportRequest"
	opResult  = "RetrieveReport"
	opStats   = "QueryStatistics"
	opChanged = "QueryChangedStatistics"
	// opFree is what the vendor does not count.
	opFree = "Counters"
)

// call makes one operation, paid from a budget. The answer's body must be closed, and until it is read or closed no other call can be made.
func (c *client) call(ctx context.Context, budget string, m message) (io.ReadCloser, error) {
	if err := c.allowed(m.operation); err != nil {
		return nil, err
	}
	closed, limited := false, 0
	for {
		resp, err := c.once(ctx, budget, m.body)
		if err == nil {
			return resp, nil
		}
		fault := faultOf(err)
		if fault == nil {
			return nil, err
		}
		switch {
		case fault.Kind == Again && !closed:
			closed = true
			c.log.Info("the session was closed, by another tool with the same user: once more after a pause", "operation", m.operation, "pause", closedPause)
			if err := c.watch.Sleep(ctx, closedPause); err != nil {
				return nil, err
			}
		case fault.Kind == Limited && limited < limitTries:
			limited++
			if err := c.limited(ctx, budget, fault); err != nil {
				return nil, err
			}
		case fault.Kind == Stop:
			c.deny(m.operation, fault)
			return nil, err
		default:
			return nil, err
		}
	}
}

func (c *client) once(ctx context.Context, budget string, body []byte) (io.ReadCloser, error) {
	resp, err := c.http.Do(called(ctx), &httpcall.Request{
		Method: http.MethodPost, Operation: budget, Body: body, Judge: c.judge,
		Header: http.Header{"Content-Type": {"text/xml;charset=UTF-8"}, "SOAPAction": {`""`}, "Accept": {"text/xml"}},
	})
	if err != nil {
		return nil, clean(err)
	}
	return resp.Body, nil
}

// clean shortens the error of a fault to the fault: address, status and the XML around it say nothing more.
func clean(err error) error {
	if f := faultOf(err); f != nil {
		return f
	}
	return err
}

// judge looks for a fault whatever the status: the vendor sends faults with 500 and with 200. A page of HTML is no answer, and with
// status 401 it is the refusal of the password.
func (c *client) judge(status int, header http.Header, head []byte) *httpcall.Error {
	c.note(header)
	if status == http.StatusUnauthorized {
		return c.refused(errRefused)
	}
	if !maybeFault(head) {
		return nil
	}
	f := faultIn(head)
	if f == nil {
		return nil
	}
	switch f.Kind {
	case Backoff:
		return &httpcall.Error{Kind: httpcall.Transient, Err: f, Excerpt: " "}
	case Refused:
		return c.refused(f)
	}
	return &httpcall.Error{Kind: httpcall.Permanent, Err: f, Excerpt: " "}
}

// refused locks the credential while the call still has its turn: the next in the queue must not try the same password again.
func (c *client) refused(why error) *httpcall.Error {
	if err := c.credential.Refused(context.Background(), why.Error()); err != nil {
		c.log.Error("the refusal of a credential could not be stored", "error", err)
	}
	return &httpcall.Error{Kind: httpcall.Refused, Err: why, Excerpt: " "}
}

var errRefused = errors.New("user name or password are not accepted: no further call is made, since the account would be locked")

// note keeps what the vendor's clock says of ours.
func (c *client) note(header http.Header) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.clocks = ingest.CompareClocks(c.watch.Now(), header.Get("Date"))
}

// clock is what the last answer said of our clock.
func (c *client) clock() ingest.Finding {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.clocks
}

func (c *client) allowed(operation string) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if d, ok := c.denied[operation]; ok && c.watch.Now().Before(d.until) {
		return d.fault
	}
	return nil
}

func (c *client) deny(operation string, f *Fault) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.denied[operation] = denial{f, c.watch.Now().Add(deniedFor)}
	c.log.Error("the vendor does not allow an operation: it is left alone for a while", "operation", operation, "pause", deniedFor, "error", f)
}

// ask makes one operation whose answer is small, and decodes it: a pointer to a struct whose fields are the children of the
// answer's wrapper.
func (c *client) ask(ctx context.Context, budget string, m message, into any) error {
	resp, err := c.call(ctx, budget, m)
	if err != nil {
		return err
	}
	defer func() { _ = resp.Close() }()
	if err := decode(resp, into); err != nil {
		return fmt.Errorf("answer to %s: %w", m.operation, err)
	}
	return nil
}
