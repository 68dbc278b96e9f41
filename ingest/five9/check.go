package five9

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/quarterhour/quarterhour/ingest"
	"github.com/quarterhour/quarterhour/internal/quota"
)

// check looks at a domain: whether it is reached, accepts the user, allows what the streams do, has the reports and their columns, tells
// the same time, and has quota left. Each report is run once over a minute, which costs one of the day's.
func check(ctx context.Context, options any, d ingest.Deps, report func(ingest.Finding)) error {
	s, err := open(options.(*Options), d)
	if err != nil {
		return err
	}
	c := &checking{source: s, report: report}
	if !c.reached(ctx) {
		return nil
	}
	c.report(c.admin.clock())
	c.quota()
	c.users(ctx)
	for _, t := range s.streams() {
		c.table(ctx, t)
	}
	if s.board != nil {
		err := s.board.update(ctx)
		if s.board.own { // one that was there may be in use
			defer s.board.leave(ctx)
		}
		c.tell("statistics of agent states", err, fmt.Sprintf("%d agents", len(s.board.rows)))
		c.spent(s.board.client, opChanged, "statistics", int64(24*time.Hour/s.board.o.Every))
	}
	return nil
}

type checking struct {
	*source
	report func(ingest.Finding)
}

// tell reports a failure, or that all is well.
func (c *checking) tell(what string, err error, fine string) bool {
	f := ingest.Finding{What: what, Outcome: ingest.Fine, Detail: fine}
	if err != nil {
		f.Outcome, f.Detail = ingest.Failure, err.Error()
	}
	c.report(f)
	return err == nil
}

// reached makes the one call that costs nothing.
func (c *checking) reached(ctx context.Context) bool {
	_, err := c.admin.count(ctx)
	what := "host"
	if f := faultOf(err); f != nil || err == nil {
		what = "credentials"
		if f != nil && f.Kind == Stop {
			what = "rights"
		}
	} else if refused(err) || errors.Is(err, quota.ErrLocked) {
		what = "credentials"
	}
	return c.tell(what, err, "the configuration web service answers user "+c.o.Username)
}

// quota shows what is left, and whether a day's quota lasts for the schedule.
func (c *checking) quota() {
	planned := int64(0)
	for _, t := range c.streams() {
		planned += perDay(t)
	}
	c.spent(c.admin.client, opReport, "reports", planned)
}

// spent shows what is left of an operation, of which so many are planned a day.
func (c *checking) spent(of *client, operation, name string, planned int64) {
	for _, u := range of.credential.Usage() {
		if u.Operation != operation {
			continue
		}
		f := ingest.Finding{What: "quota of " + name + " per " + unit(u.Per), Outcome: ingest.Fine}
		f.Detail = fmt.Sprintf("%d of %d are spent", u.Spent, u.Count)
		if u.Per == 24*time.Hour {
			f.Detail += fmt.Sprintf("; the streams need about %d a day", planned)
			if planned > u.Count {
				f.Outcome = ingest.Doubt
				f.Detail += ": read less often, or ask the vendor for more"
			}
		}
		if u.Spent >= u.Count {
			f.Outcome = ingest.Doubt
			f.Detail += ": nothing is left until " + u.Until.Format(time.RFC3339)
		}
		c.report(f)
	}
}

func unit(per time.Duration) string {
	switch per {
	case time.Minute:
		return "minute"
	case time.Hour:
		return "hour"
	}
	return "day"
}

// perDay is about how many reports a stream runs in a day.
func perDay(t *stream) int64 {
	if t.every <= 0 {
		return 0
	}
	n := int64(24 * time.Hour / t.every)
	if o := t.reading; o.RevisitEvery > 0 && o.Longest > 0 {
		n += int64(24*time.Hour/o.RevisitEvery) * int64((o.RevisitBack+o.Longest-1)/o.Longest)
	}
	return n
}

func (c *checking) users(ctx context.Context) {
	if c.o.Streams.Users == nil {
		return
	}
	n, email := 0, 0
	err := c.eachUser(ctx, func(u *user) error {
		if n++; strings.TrimSpace(u.Email) != "" {
			email++
		}
		return nil
	})
	if c.tell("users", err, fmt.Sprintf("%d users, %d of them with an e-mail address", n, email)) && email == 0 && n > 0 {
		c.report(ingest.Finding{What: "users", Outcome: ingest.Doubt, Detail: "no user has an e-mail address: people cannot be matched with other systems"})
	}
}

// table runs a report over one minute that is past, and looks at its columns.
func (c *checking) table(ctx context.Context, t *stream) {
	to := c.admin.watch.Now().Add(-t.lag).Truncate(time.Minute)
	q := request{t.folder, t.report, span{to.Add(-time.Minute), to}}
	what := fmt.Sprintf("report %s/%s", t.folder, t.report)
	a, err := c.admin.run(ctx, q)
	if err != nil {
		c.tell(what, err, "")
		return
	}
	defer func() { _ = a.Close() }()
	header, err := a.sheet().next()
	if err == nil {
		err = t.mapper(window{q.from.UnixMilli(), q.to.UnixMilli()}, &page{source: c.source, stream: t}).header(header)
	}
	c.tell(what, err, fmt.Sprintf("%d columns, all that are needed among them; this took one of the day's reports", len(header)))
}

// refused says whether the password was not accepted.
func refused(err error) bool { return errors.Is(err, errRefused) }
