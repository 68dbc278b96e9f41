package iservice

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"sync"
	"time"

	"github.com/quarterhour/quarterhour/ingest"
	"github.com/quarterhour/quarterhour/ingest/flow"
	"github.com/quarterhour/quarterhour/internal/clock"
	"github.com/quarterhour/quarterhour/internal/httpcall"
	"github.com/quarterhour/quarterhour/internal/quota"
)

// source reads one tenant of iService.
type source struct {
	o       *Options
	deps    ingest.Deps
	watch   clock.Watch
	client  *httpcall.Client
	session *session
	expired *regexp.Regexp

	mu     sync.Mutex
	topics map[string]string // names by id; nil before they were read
}

func open(o *Options, d ingest.Deps) (*source, error) {
	s := &source{o: o, deps: d, watch: d.Watch}
	if s.watch == nil {
		s.watch = clock.Wall
	}
	var err error
	if s.expired, err = regexp.Compile(o.Login.Expired); err != nil {
		return nil, fmt.Errorf("login.expired: %w", err)
	}
	if o.Streams.Statistics != nil {
		if err := s.fits(o.Streams.Statistics.Step); err != nil {
			return nil, err
		}
	}
	host, err := url.Parse(o.URL)
	if err != nil {
		return nil, fmt.Errorf("url: %w", err)
	}
	credential := d.Keyring.Open("iservice/"+o.Username+"@"+host.Host, quota.Options{
		Limits: []quota.Limit{{Operation: "call", Count: int64(o.Rate), Per: time.Second}}, Exclusive: true, Secret: o.Password, Log: d.Log,
	})
	s.session = &session{s: s, credential: credential}
	shared := httpcall.Options{Name: d.Name, Base: o.URL, Timeout: o.Timeout, Watch: s.watch, Log: d.Log, Secrets: []string{o.Password}}
	if s.session.login, err = httpcall.New(shared); err != nil {
		return nil, err
	}
	shared.Auth, shared.Credential = s.session, credential
	s.client, err = httpcall.New(shared)
	return s, err
}

// fits says what is wrong with statistics by a step that is not the pipeline's interval.
func (s *source) fits(step time.Duration) error {
	if s.deps.Bounds == nil {
		return nil
	}
	from, to := s.deps.Bounds(0)
	if length := time.Duration(to-from) * time.Millisecond; length != step {
		return fmt.Errorf("the statistics come by %s, and the pipeline's interval is %s: set `interval: %s`, or streams.statistics.step", step, length, step)
	}
	return nil
}

// Run reads until ctx ends.
func (s *source) Run(ctx context.Context, cursor []byte, out ingest.Out) error {
	return flow.Run(ctx, s.flows(), cursor, out, flow.Options{Deps: s.deps, KeepRaw: s.o.KeepRaw})
}

func (s *source) flows() []flow.Flow {
	var flows []flow.Flow
	all := &s.o.Streams
	if t := all.Topics; t != nil {
		flows = append(flows, flow.Flow{Name: "topics", Schedule: every(t.Every), Read: func(ctx context.Context, r *flow.Read) error {
			return s.readTopics(ctx, r)
		}})
	}
	if a := all.Agents; a != nil {
		flows = append(flows, flow.Flow{Name: "agents", Facts: []string{"worker"}, Schedule: every(a.Every), Replaces: true, Read: s.readAgents})
	}
	if l := all.Logins; l != nil {
		flows = append(flows, flow.Flow{Name: "logins", Facts: []string{"agent_state"}, Schedule: every(l.Every), Read: s.readLogins})
	}
	if i := all.Interactions; i != nil {
		flows = append(flows, flow.Flow{
			Name: "interactions", Facts: []string{"contact"}, Schedule: every(i.Every), Replaces: true, Margin: time.Second, Read: s.readInteractions,
			Window: flow.Window{Back: i.Back, Overlap: i.Overlap, Lag: i.Lag, Longest: i.Longest},
		})
	}
	if t := all.Statistics; t != nil {
		flows = append(flows, flow.Flow{
			Name: "statistics", Facts: []string{"interval"}, Schedule: every(t.Every), Replaces: true, Read: s.readStatistics,
			Window: flow.Window{Back: t.Back, Overlap: t.Overlap, Lag: t.Lag, Longest: t.Longest},
		})
	}
	return flows
}

// every is a schedule by the clock, with a jitter of up to a tenth.
func every(d time.Duration) flow.Schedule { return flow.Schedule{Every: d, Jitter: d / 10} }

// raw keeps answers as they came.
type raw interface {
	Raw(ctx context.Context, contentType string, payload []byte) error
}

// call asks an endpoint. A body of nil is a GET. keep, where not nil, may keep the answer.
func (s *source) call(ctx context.Context, call string, body map[string]any, keep raw) ([]byte, error) {
	r := &httpcall.Request{Method: http.MethodGet, Path: path(call), Header: http.Header{"Accept": {"application/json"}}, Judge: s.judge(call)}
	if body != nil {
		text, err := json.Marshal(body)
		if err != nil {
			return nil, fmt.Errorf("%s: the request cannot be written: %w", call, err)
		}
		r.Method, r.Body = http.MethodPost, text
		r.Header.Set("Content-Type", "application/json")
	}
	answer, resp, err := s.client.Bytes(ctx, r)
	if err != nil {
		return nil, err
	}
	if said := complaints(answer); len(said) > 0 { // behind what the judge saw
		return nil, &Failure{Call: call, Messages: said, Class: classify(said, s.expired)}
	}
	if keep != nil {
		if err := keep.Raw(ctx, cmp.Or(resp.Header.Get("Content-Type"), "application/json"), answer); err != nil {
			return nil, err
		}
	}
	return answer, nil
}

// mostPages bounds a list whose pages never end.
const mostPages = 100_000

var errRepeats = errors.New("the same page comes again and again: check paging.first and the names of the paging fields")

// pages asks for a list page by page, and hands over its records one after the other.
func (s *source) pages(ctx context.Context, call, list string, body map[string]any, keep raw, each func(json.RawMessage) error) error {
	before := ""
	for n := range mostPages {
		body["pageNum"], body["perPage"] = s.number(s.o.Paging.First+n), s.number(s.o.Paging.PerPage)
		answer, err := s.call(ctx, call, body, keep)
		if err != nil {
			return err
		}
		found, err := records(answer, list)
		if err != nil {
			return fmt.Errorf("%s: %w", call, err)
		}
		if len(found) > 0 {
			if string(found[0]) == before && len(found) == s.o.Paging.PerPage {
				return fmt.Errorf("%s: %w", call, errRepeats)
			}
			before = string(found[0])
		}
		for _, r := range found {
			if err := each(r); err != nil {
				return err
			}
		}
		if len(found) < s.o.Paging.PerPage {
			return nil
		}
	}
	return fmt.Errorf("%s: %w", call, errRepeats)
}

// number is a number as the option has it.
func (s *source) number(n int) any {
	if s.o.Paging.As == "text" {
		return strconv.Itoa(n)
	}
	return n
}
