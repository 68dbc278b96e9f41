package gladly

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"github.com/quarterhour/quarterhour/ingest"
	"github.com/quarterhour/quarterhour/internal/httpcall"
	"github.com/quarterhour/quarterhour/internal/quota"
)

// check looks at what the source will need. A credential that is refused ends it: each further call could do harm.
func check(ctx context.Context, options any, d ingest.Deps, report func(ingest.Finding)) error {
	g, err := newSource(options.(*Options), d)
	if err != nil {
		return err
	}
	defer g.client.close()
	c := checker{source: g, report: report}
	if !c.credentials(ctx) {
		return ctx.Err()
	}
	c.events(ctx)
	c.reports(ctx)
	c.hook(ctx)
	c.budget()
	return ctx.Err()
}

type checker struct {
	*source
	report func(ingest.Finding)
}

func (c *checker) say(what string, outcome ingest.Outcome, format string, args ...any) {
	c.report(ingest.Finding{What: what, Outcome: outcome, Detail: fmt.Sprintf(format, args...)})
}

// credentials asks for the agents, and compares the clocks by the way.
func (c *checker) credentials(ctx context.Context) bool {
	var agents []agent
	header, err := c.client.get(ctx, "agents", &agents)
	var failed *httpcall.Error
	switch {
	case err == nil:
		c.say("credentials", ingest.Fine, "%s reads %d agents at %s", c.options.Email, len(agents), c.options.base())
	case errors.Is(err, quota.ErrLocked):
		c.say("credentials", ingest.Failure, "Gladly refused this token before: give another in api_token, or, if it was right, say `quarterhour sources reset FILE SOURCE --unlock`")
	case status(err) == http.StatusUnauthorized:
		c.say("credentials", ingest.Failure, "Gladly does not accept email %q with this api_token: a token belongs to the agent who made it, and to one environment (production or sandbox)", c.options.Email)
	case status(err) == http.StatusForbidden:
		c.say("credentials", ingest.Failure, "%q lacks the permission API User", c.options.Email)
	case status(err) == http.StatusNotFound:
		c.say("credentials", ingest.Failure, "there is no Gladly at %s: check organization or url", c.options.base())
	case errors.As(err, &failed) && failed.Status == 0:
		c.say("reach", ingest.Failure, "%s is not reached: %v: check organization or url, and the way out of this network", c.options.base(), failed.Err)
	default:
		c.say("credentials", ingest.Failure, "%v", err)
	}
	if err == nil {
		c.report(ingest.CompareClocks(c.deps.Watch.Now(), header.Get("Date")))
	}
	return err == nil
}

// events asks for a minute of them.
func (c *checker) events(ctx context.Context) {
	if c.options.Streams.Statuses.Every == 0 && c.options.Streams.Contacts.Every == 0 {
		return
	}
	now := c.deps.Watch.Now()
	q := url.Values{"startAt": {query(now.Add(-2 * time.Minute))}, "endAt": {query(now.Add(-time.Minute))}, "entities": append(statusEntities, contactEntities...)}
	resp, err := c.client.do(ctx, &httpcall.Request{Method: http.MethodGet, Path: "events?" + q.Encode(), Operation: getBudget})
	if err != nil {
		c.say("events", ingest.Failure, "%v", err)
		return
	}
	_ = resp.Body.Close()
	c.say("events", ingest.Fine, "can be read")
}

// reports asks for the shortest report there is, and looks at its columns.
func (c *checker) reports(ctx context.Context) {
	if c.options.Streams.WorkSessions.Every == 0 {
		return
	}
	now := c.deps.Watch.Now()
	body := map[string]any{"startAtTime": toMinute(now.Add(-time.Minute)), "endAtTime": toMinute(now)}
	err := c.client.report(ctx, "reports/"+workSessions, body, func(resp *httpcall.Response) error {
		t, err := openTable(workSessions, resp.Body, sessionColumns...)
		if err != nil || t == nil {
			return err
		}
		for _, column := range []string{c.options.Queue, c.options.OfferedAt} {
			if !t.has(column) {
				return fmt.Errorf("report %s has no column %q", workSessions, column)
			}
		}
		return nil
	})
	what := "report " + workSessions
	switch {
	case err == nil:
		c.say(what, ingest.Fine, "can be run, and has its columns")
	case status(err) == http.StatusForbidden:
		c.say(what, ingest.Failure, "%q may not run reports: give the user the right to reports", c.options.Email)
	case status(err) == http.StatusTooManyRequests:
		c.say(what, ingest.Doubt, "the organisation runs as many reports as it may: 10 a minute, 2 at once")
	default:
		c.say(what, ingest.Failure, "%v", err)
	}
}

func (c *checker) hook(ctx context.Context) {
	w := &c.options.Webhook
	if !w.on() {
		return
	}
	w.listener().Check(c.report)
	what := "webhook " + w.Name
	found, err := c.findHook(ctx)
	switch {
	case status(err) == http.StatusForbidden:
		c.say(what, ingest.Failure, "%q may not see webhooks: without that right contacts come from the event stream only", c.options.Email)
	case err != nil:
		c.say(what, ingest.Failure, "%v", err)
	case found == nil:
		c.say(what, ingest.Doubt, "is not registered so far: that is done when the source runs")
	case found.DisabledAt != "":
		c.say(what, ingest.Doubt, "was disabled at %s after deliveries that failed: it is enabled again when the source runs; see why %s did not answer", found.DisabledAt, w.URL)
	case !found.Enabled:
		c.say(what, ingest.Doubt, "is disabled: it is enabled when the source runs")
	case w.differs(found):
		c.say(what, ingest.Doubt, "delivers elsewhere or other events than the options say: it is changed when the source runs")
	default:
		c.say(what, ingest.Fine, "is enabled and delivers to %s", found.URL)
	}
}

// budget says what is left.
func (c *checker) budget() {
	if c.client.credential == nil {
		return
	}
	var list bytes.Buffer
	outcome := ingest.Fine
	for _, u := range c.client.credential.Usage() {
		if list.Len() > 0 {
			list.WriteString(", ")
		}
		fmt.Fprintf(&list, "%s: %d of %d a %s", u.Operation, u.Spent, u.Count, unit(u.Per))
		if u.Per > time.Second && u.Spent >= u.Count {
			outcome = ingest.Doubt
		}
	}
	c.say("budget", outcome, "used of %s", list.String())
}

func unit(per time.Duration) string {
	switch per {
	case time.Second:
		return "second"
	case time.Minute:
		return "minute"
	case time.Hour:
		return "hour"
	}
	return per.String()
}
