package http

import (
	"context"
	"errors"
	"fmt"
	nethttp "net/http"
	"time"

	"github.com/quarterhour/quarterhour/ingest"
	"github.com/quarterhour/quarterhour/ingest/flow"
	"github.com/quarterhour/quarterhour/internal/httpcall"
	"github.com/quarterhour/quarterhour/internal/quota"
	"github.com/quarterhour/quarterhour/schemas"
)

// checked is how many records of a page are looked at.
const checked = 1000

// check asks for one page of each stream, and looks at its records.
func check(ctx context.Context, options any, d ingest.Deps, report func(ingest.Finding)) error {
	s, err := open(options.(*Options), d)
	if err != nil {
		return err
	}
	defer s.client.Close()
	credentials := false
	for _, name := range s.options.names() {
		st, err := s.newStream(name)
		if err != nil {
			return err
		}
		a, err := st.check(ctx, report)
		if errors.Is(err, quota.ErrLocked) {
			return nil // each further call could do harm, and would say the same
		}
		if err != nil {
			return err
		}
		if a != nil && !credentials {
			credentials = true
			report(ingest.Finding{What: "credentials", Outcome: ingest.Fine, Detail: "accepted"})
			report(ingest.CompareClocks(s.deps.Watch.Now(), a.header.Get("Date")))
		}
	}
	for _, u := range s.credential.Usage() {
		outcome := ingest.Fine
		if u.Spent*10 > u.Count*9 {
			outcome = ingest.Doubt
		}
		report(ingest.Finding{What: fmt.Sprintf("quota of %s", u.Per), Outcome: outcome, Detail: fmt.Sprintf("%d of %d requests are spent", u.Spent, u.Count)})
	}
	return nil
}

// check asks for one page. It returns what was answered, or nil where the stream does not work; and quota.ErrLocked where the credential is
// not accepted.
func (s *stream) check(ctx context.Context, report func(ingest.Finding)) (*answer, error) {
	now := s.deps.Watch.Now()
	var v *values
	if s.o.windowed() {
		v = s.values(now.Add(-min(max(s.o.Lag+time.Hour, s.o.Overlap), max(s.o.Back, time.Hour))), now)
	} else {
		v = s.values(time.Time{}, time.Time{})
	}
	look := &looker{}
	a, _, err := s.once(ctx, look, v, "", 1)
	var failed *httpcall.Error
	what := "stream " + s.name
	switch {
	case ctx.Err() != nil:
		return nil, ctx.Err()
	case errors.Is(err, quota.ErrLocked), errors.As(err, &failed) && failed.Kind == httpcall.Refused && failed.Status != nethttp.StatusForbidden:
		report(ingest.Finding{What: "credentials", Outcome: ingest.Failure, Detail: err.Error()})
		return nil, quota.ErrLocked
	case err != nil && !errors.Is(err, errEnough):
		report(ingest.Finding{What: what, Outcome: ingest.Failure, Detail: err.Error()})
		return nil, nil
	case look.bad > 0 && look.good == 0:
		report(ingest.Finding{What: what, Outcome: ingest.Failure, Detail: fmt.Sprintf("none of %d records can be used: %s", look.bad, look.first)})
	case look.bad > 0:
		report(ingest.Finding{What: what, Outcome: ingest.Doubt, Detail: fmt.Sprintf("%d of %d records cannot be used: %s", look.bad, look.bad+look.good, look.first)})
	case a.records == 0:
		report(ingest.Finding{What: what, Outcome: ingest.Doubt, Detail: "the answer has no records, so that the fields could not be checked"})
	default:
		report(ingest.Finding{What: what, Outcome: ingest.Fine, Detail: fmt.Sprintf("%d records looked at", a.records)})
	}
	return a, nil
}

var errEnough = errors.New("enough was seen")

// looker is a taker that keeps nothing.
type looker struct {
	good, bad int
	first     string
}

func (l *looker) saw() error {
	if l.good+l.bad >= checked {
		return errEnough
	}
	return nil
}

func (l *looker) take() error { l.good++; return l.saw() }

func (l *looker) Contact(context.Context, *schemas.Contact) error       { return l.take() }
func (l *looker) AgentState(context.Context, *schemas.AgentState) error { return l.take() }
func (l *looker) Shift(context.Context, *schemas.Shift) error           { return l.take() }
func (l *looker) Worker(context.Context, *schemas.Worker) error         { return l.take() }
func (l *looker) Keep(context.Context, string) *flow.Keeper             { return nil }

func (l *looker) Reject(_ context.Context, d *schemas.DeadLetter) error {
	if l.bad++; l.first == "" {
		l.first = d.Location + ": " + d.Reason + ": " + d.Detail
	}
	return l.saw()
}
