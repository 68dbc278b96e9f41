package gladly

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/quarterhour/quarterhour/ingest"
	"github.com/quarterhour/quarterhour/internal/clock"
	"github.com/quarterhour/quarterhour/internal/httpcall"
	"github.com/quarterhour/quarterhour/internal/quota"
)

// The budgets: the vendor counts requests a second by HTTP method, and reports a minute, for the whole organisation.
const (
	getBudget    = "get"
	postBudget   = "post"
	patchBudget  = "patch"
	reportBudget = "report"
)

// client calls the API within its limits.
type client struct {
	http       *httpcall.Client
	slow       *httpcall.Client // for reports
	credential *quota.Credential
	watch      clock.Watch
	log        *slog.Logger
	// reporting has room for one report. The vendor runs two at once for the whole organisation: the other is its users'.
	reporting chan struct{}
}

// reportTimeout is how long the vendor may think about a report before the first byte; its own sample waits 5 minutes.
const reportTimeout = 5 * time.Minute

func newClient(o *Options, d ingest.Deps) (*client, error) {
	c := &client{watch: d.Watch, log: d.Log, reporting: make(chan struct{}, 1)}
	if d.Keyring != nil {
		base, err := url.Parse(o.base())
		if err != nil {
			return nil, fmt.Errorf("url %q: %w", o.URL, err)
		}
		c.credential = d.Keyring.Open("gladly/"+o.Email+"@"+base.Host, quota.Options{
			Limits: []quota.Limit{
				{Operation: getBudget, Count: int64(o.Budget.PerSecond), Per: time.Second},
				{Operation: postBudget, Count: int64(o.Budget.PerSecond), Per: time.Second},
				{Operation: patchBudget, Count: int64(o.Budget.PerSecond), Per: time.Second},
				{Operation: reportBudget, Count: int64(o.Budget.Reports), Per: time.Minute},
			},
			Secret: o.Token, Log: d.Log,
		})
	}
	call := httpcall.Options{
		Name: d.Name, Base: o.base(), Auth: httpcall.Basic(o.Email, o.Token), Credential: c.credential, Watch: d.Watch, Log: d.Log, Secrets: o.secrets(),
		Pause: 2 * time.Second, // a 429 has no Retry-After: seconds are what the limit is counted by
	}
	var err error
	if c.http, err = httpcall.New(call); err != nil {
		return nil, err
	}
	call.Timeout, call.Idle = reportTimeout, reportTimeout
	c.slow, err = httpcall.New(call)
	return c, err
}

func (c *client) close() {
	c.http.Close()
	c.slow.Close()
}

func (o *Options) secrets() []string {
	all := []string{o.Token}
	for _, s := range []string{o.Webhook.Password, o.Webhook.Value} {
		if s != "" {
			all = append(all, s)
		}
	}
	return all
}

// do makes a call. The caller closes the body.
func (c *client) do(ctx context.Context, r *httpcall.Request) (*httpcall.Response, error) {
	resp, err := c.http.Do(ctx, r)
	if err != nil {
		return nil, err
	}
	c.count(r, resp.Header)
	return resp, nil
}

// count takes over what the vendor has counted, others' requests included: its limit, and that nothing is left of the second.
func (c *client) count(r *httpcall.Request, h http.Header) {
	limit, err := strconv.ParseInt(h.Get("Ratelimit-Limit-Second"), 10, 64)
	left, err2 := strconv.ParseInt(h.Get("Ratelimit-Remaining-Second"), 10, 64)
	if c.credential == nil || err != nil || err2 != nil || limit <= 0 || r.Operation == reportBudget {
		return
	}
	c.credential.Spent(r.Operation, time.Second, max(0, limit-left), limit)
	if left <= 0 {
		c.credential.Hold(r.Operation, c.watch.Now().Add(time.Second))
	}
}

// get reads a JSON answer.
func (c *client) get(ctx context.Context, path string, into any) (http.Header, error) {
	r := &httpcall.Request{Method: http.MethodGet, Path: path, Operation: getBudget, Header: http.Header{"Accept": {"application/json"}}}
	return c.json(ctx, r, into)
}

// send makes a call with a JSON body; into may be nil.
func (c *client) send(ctx context.Context, method, path, budget string, body, into any) (http.Header, error) {
	text, err := json.Marshal(body)
	if err != nil {
		return nil, err
	}
	r := &httpcall.Request{Method: method, Path: path, Operation: budget, Body: text, Header: http.Header{"Content-Type": {"application/json"}}}
	return c.json(ctx, r, into)
}

func (c *client) json(ctx context.Context, r *httpcall.Request, into any) (http.Header, error) {
	body, resp, err := c.http.Bytes(ctx, r)
	if err != nil {
		return nil, err
	}
	c.count(r, resp.Header)
	if into == nil {
		return resp.Header, nil
	}
	if err := json.Unmarshal(body, into); err != nil {
		return nil, fmt.Errorf("%s %s: the answer is not the JSON it should be: %w", r.Method, r.Path, err)
	}
	return resp.Header, nil
}

// report runs a report and hands its CSV to read; one at a time.
func (c *client) report(ctx context.Context, path string, body any, read func(*httpcall.Response) error) error {
	select {
	case c.reporting <- struct{}{}:
		defer func() { <-c.reporting }()
	case <-ctx.Done():
		return ctx.Err()
	}
	text, err := json.Marshal(body)
	if err != nil {
		return err
	}
	r := &httpcall.Request{
		Method: http.MethodPost, Path: path, Operation: reportBudget, Body: text,
		Header: http.Header{"Content-Type": {"application/json"}, "Accept": {"text/csv"}},
	}
	resp, err := c.slow.Do(ctx, r)
	if err != nil {
		return err
	}
	defer func() { _ = resp.Body.Close() }()
	return read(resp)
}

// status is that of a call that failed, 0 where there is none.
func status(err error) int {
	var failed *httpcall.Error
	if errors.As(err, &failed) {
		return failed.Status
	}
	return 0
}
