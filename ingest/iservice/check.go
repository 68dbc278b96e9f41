package iservice

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/quarterhour/quarterhour/ingest"
	"github.com/quarterhour/quarterhour/internal/httpcall"
	"github.com/quarterhour/quarterhour/internal/quota"
)

// check looks at the tenant: that it is reached, that the login is accepted and what it may do, that the clocks agree, and that every
// stream's endpoint answers as it is presumed to.
func check(ctx context.Context, options any, d ingest.Deps, report func(ingest.Finding)) error {
	s, err := open(options.(*Options), d)
	if err != nil {
		return err
	}
	defer s.client.Close()
	if !s.checkLogin(ctx, report) {
		return ctx.Err()
	}
	all := &s.o.Streams
	if t := all.Topics; t != nil {
		s.checkList(ctx, report, "topics", t.Call, t.Records, t.ID, t.Name)
	}
	if a := all.Agents; a != nil {
		s.checkList(ctx, report, "agents", a.Call, a.Records, a.ID, a.Email)
	}
	if l := all.Logins; l != nil {
		s.checkList(ctx, report, "logins", l.Call, l.Records, l.ID, l.LoggedIn)
	}
	if all.Interactions != nil {
		s.checkSearch(ctx, report)
	}
	if all.Statistics != nil {
		s.checkStatistics(ctx, report)
	}
	return ctx.Err()
}

// checkLogin asks who is logged in. It says whether there is any use in asking more.
func (s *source) checkLogin(ctx context.Context, report func(ingest.Finding)) bool {
	o := &s.o.Login
	body, resp, err := s.client.Bytes(ctx, &httpcall.Request{
		Method: http.MethodPost, Path: path(o.WhoAmI), Body: []byte("{}"), Judge: s.judge(o.WhoAmI),
		Header: http.Header{"Accept": {"application/json"}, "Content-Type": {"application/json"}},
	})
	what := "login of " + s.o.Username
	var failed *httpcall.Error
	var said *Failure
	switch {
	case err == nil:
	case errors.Is(err, quota.ErrLocked):
		report(ingest.Finding{What: what, Outcome: ingest.Failure, Detail: err.Error() + ": put the right password in place, or, if it was right, say `quarterhour sources reset FILE SOURCE --unlock`"})
		return false
	case errors.As(err, &failed) && failed.Status == 0 && failed.Kind == httpcall.Transient:
		report(ingest.Finding{What: "reach " + s.o.URL, Outcome: ingest.Failure, Detail: err.Error() + ": check url, and that this machine may call it"})
		return false
	case errors.As(err, &said) && said.Call == o.WhoAmI:
		report(ingest.Finding{What: what, Outcome: ingest.Fine})
		report(ingest.Finding{What: "rights", Outcome: ingest.Doubt, Detail: err.Error()})
		return true
	default:
		report(ingest.Finding{What: what, Outcome: ingest.Failure, Detail: err.Error()})
		return false
	}
	report(ingest.Finding{What: what, Outcome: ingest.Fine})
	f := ingest.Finding{What: "rights", Outcome: ingest.Fine, Detail: rights(body)}
	if nobody(body) {
		f.Outcome = ingest.Doubt
		f.Detail += ": the login was accepted, and the call after it is nobody's; see whether a proxy takes cookies away"
	}
	report(f)
	report(ingest.CompareClocks(s.watch.Now(), resp.Header.Get("Date")))
	return true
}

// checkList looks whether a list has records with the fields that are read.
func (s *source) checkList(ctx context.Context, report func(ingest.Finding), stream, call, path string, fields ...string) {
	found, err := s.list(ctx, nil, call, path)
	s.found(report, "stream "+stream, found, err, fields...)
}

func (s *source) found(report func(ingest.Finding), what string, found []json.RawMessage, err error, fields ...string) {
	f := ingest.Finding{What: what, Outcome: ingest.Fine, Detail: fmt.Sprintf("%d records", len(found))}
	switch {
	case err != nil:
		f.Outcome, f.Detail = ingest.Failure, err.Error()
	case len(found) == 0:
		f.Outcome, f.Detail = ingest.Doubt, "no records: that may be so, or the user may not see them"
	default:
		r, err := parseRecord(found[0])
		if err != nil {
			f.Outcome, f.Detail = ingest.Failure, err.Error()
			break
		}
		for _, path := range fields {
			if path != "" && r.value(path) == nil {
				f.Outcome = ingest.Doubt
				f.Detail += fmt.Sprintf("; the first has no field %q", path)
			}
		}
	}
	report(f)
}

// checkSearch searches the last hour, one page of it.
func (s *source) checkSearch(ctx context.Context, report func(ingest.Finding)) {
	o := s.o.Streams.Interactions
	now := s.watch.Now()
	from := now.Add(-time.Hour)
	body := o.search(s.o.calendarAt(from), from, now)
	body["pageNum"], body["perPage"] = s.number(s.o.Paging.First), s.number(s.o.Paging.PerPage)
	answer, err := s.call(ctx, o.Call, body, nil)
	var found []json.RawMessage
	if err == nil {
		found, err = records(answer, o.Records)
	}
	s.found(report, "stream interactions", found, err, o.Fields.ID, o.Fields.Type, o.Fields.Date, o.Fields.Topic)
}

// checkStatistics asks for the steps of the last hour.
func (s *source) checkStatistics(ctx context.Context, report func(ingest.Finding)) {
	o := s.o.Streams.Statistics
	starts := map[string]string{kindQueue: o.Queues.Start, kindAgentQueue: o.Activity.Start, kindAgent: o.Agents.Start}
	now := s.watch.Now()
	from, to := now.Add(-time.Hour), now
	if s.deps.Bounds != nil {
		from, to = s.steps(from, to)
	}
	for _, a := range s.asks() {
		what := s.request(a, from, to)
		answer, err := s.call(ctx, what.call, what.body, nil)
		var found []json.RawMessage
		if err == nil {
			found, err = records(answer, a.records)
		}
		s.found(report, "statistics of kind "+a.kind, found, err, starts[a.kind])
	}
}
