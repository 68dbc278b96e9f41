package http

import (
	"context"
	"crypto/tls"
	"fmt"
	nethttp "net/http"
	"net/url"
	"regexp"
	"time"

	"github.com/quarterhour/quarterhour/ingest"
	"github.com/quarterhour/quarterhour/ingest/flow"
	"github.com/quarterhour/quarterhour/internal/clock"
	"github.com/quarterhour/quarterhour/internal/expression"
	"github.com/quarterhour/quarterhour/internal/httpcall"
	"github.com/quarterhour/quarterhour/internal/quota"
)

// operation is the budget that every request is paid from.
const operation = "request"

// source reads the streams of one API.
type source struct {
	options    *Options
	deps       ingest.Deps
	zone       *time.Location
	client     *httpcall.Client
	credential *quota.Credential
}

func open(o *Options, d ingest.Deps) (*source, error) {
	s := &source{options: o, deps: d, zone: o.Zone}
	if s.deps.Watch == nil {
		s.deps.Watch = clock.Wall
	}
	if s.zone == nil {
		s.zone = d.Zone
	}
	config, err := o.TLS.Open()
	if err != nil {
		return nil, err
	}
	s.credential = s.openCredential()
	return s, s.openClient(config)
}

func (s *source) openCredential() *quota.Credential {
	o := s.options
	host := o.URL
	if u, err := url.Parse(o.URL); err == nil {
		host = u.Host
	}
	q := quota.Options{Zone: o.LimitZone, Exclusive: o.OneAtATime, Secret: o.Auth.Secret(), Log: s.deps.Log}
	for _, l := range o.Limits {
		q.Limits = append(q.Limits, quota.Limit{Operation: operation, Count: int64(l.Count), Per: l.Per})
	}
	return s.deps.Keyring.Open("http/"+o.Auth.Identity(host), q)
}

func (s *source) openClient(config *tls.Config) error {
	o := s.options
	auth, err := o.Auth.Open(s.deps.Name, config, s.deps.Watch, s.deps.Log)
	if err != nil {
		return err
	}
	s.client, err = httpcall.New(httpcall.Options{
		Name: s.deps.Name, Base: o.URL, Auth: auth, TLS: config, Timeout: o.Timeout, Attempts: o.Attempts, MaxBody: int64(o.MaxPageBytes),
		Credential: s.credential, Hold: o.OneAtATime, LockOnForbidden: o.LockOn403, Watch: s.deps.Watch, Log: s.deps.Log,
		Secrets: o.secrets(),
	})
	return err
}

// secrets are what requests say that is not known to be none: whatever an API takes for a key, under any name.
func (o *Options) secrets() (list []string) {
	take := func(values map[string]string) {
		for name, text := range values {
			if !known.MatchString(text) && len(text) >= leastSecret && !harmless[nethttp.CanonicalHeaderKey(name)] {
				list = append(list, text)
			}
		}
	}
	take(o.Headers)
	for _, name := range o.names() {
		s := o.Streams[name]
		take(s.Headers)
		take(s.Query)
		for _, m := range valued.FindAllStringSubmatch(s.Body, -1) {
			take(map[string]string{"": m[1]})
		}
	}
	return list
}

// leastSecret is the length from which a text may be a key.
const leastSecret = 8

var (
	harmless = map[string]bool{"Accept": true, "Accept-Language": true, "Content-Type": true, "User-Agent": true}
	valued   = regexp.MustCompile(`[:=>]\s*"?([^"&,<>}\s]+)`) // of a body in JSON or XML, or of a form
)

// Run reads the streams until ctx ends, or up to the present.
func (s *source) Run(ctx context.Context, cursor []byte, out ingest.Out) error {
	defer s.client.Close()
	flows, err := s.flows()
	if err != nil {
		return err
	}
	return flow.Run(ctx, flows, cursor, out, flow.Options{Deps: s.deps, KeepRaw: s.options.KeepRaw})
}

func (s *source) flows() ([]flow.Flow, error) {
	var flows []flow.Flow
	for _, name := range s.options.names() {
		st, err := s.newStream(name)
		if err != nil {
			return nil, err
		}
		f := flow.Flow{Name: name, Facts: []string{st.o.As}, Schedule: st.o.schedule(s.zone), Replaces: st.o.Replaces, Read: st.read}
		if st.o.windowed() {
			f.Window = flow.Window{Start: st.start, Back: st.o.Back, Overlap: st.o.Overlap, Lag: st.o.Lag, Longest: st.o.Longest}
		}
		flows = append(flows, f)
	}
	return flows, nil
}

// start reads the option of that name; zero where it is left out.
func (s *Stream) start(zone *time.Location) (time.Time, error) {
	if s.Start == "" {
		return time.Time{}, nil
	}
	ms, err := expression.ParseInstant(s.Start, zone)
	if err != nil {
		return time.Time{}, fmt.Errorf("is %q, not a time such as \"2026-01-31 00:00\"", s.Start)
	}
	return time.UnixMilli(ms), nil
}
