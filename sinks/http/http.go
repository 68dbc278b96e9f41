package http

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"time"

	"github.com/quarterhour/quarterhour/internal/httpcall"
	"github.com/quarterhour/quarterhour/internal/quota"
	"github.com/quarterhour/quarterhour/sinks"
	"github.com/quarterhour/quarterhour/sinks/delivery"
)

// What a destination takes unless the pipeline file says otherwise.
const (
	usualItems       = 100
	usualConcurrency = 4
)

// sink is an open destination.
type sink struct {
	o       *Options
	client  *httpcall.Client
	feeds   map[string]*feed
	secrets []string
}

func deliver(_ context.Context, options any, d sinks.Deps) (sinks.Delivering, error) {
	o := options.(*Options).resolved()
	var wrong error
	feeds := o.compile(func(path, message string) { wrong = errors.Join(wrong, fmt.Errorf("%s %s", path, message)) })
	if wrong != nil {
		return sinks.Delivering{}, wrong
	}
	s := &sink{o: o, feeds: feeds, secrets: []string{o.Auth.Password, o.Auth.Token, o.Auth.Value, o.Auth.ClientSecret}}
	if err := s.connect(d); err != nil {
		return sinks.Delivering{}, err
	}
	plan := delivery.Plan{Kinds: o.kinds(), Items: usualItems, Concurrency: usualConcurrency, ZeroRows: o.ZeroRows == "always"}
	if s.singly() {
		plan.Items = 1
	} else if o.Batch > 0 {
		plan.Items = o.Batch
	}
	return sinks.Delivering{Destination: s, Plan: plan, Options: o.Options}, nil
}

// singly says whether each record goes in a request of its own.
func (s *sink) singly() bool {
	for _, f := range s.feeds {
		if !f.one {
			return false
		}
	}
	return true
}

func (s *sink) connect(d sinks.Deps) error {
	o := s.o
	config, err := o.TLS.Open()
	if err != nil {
		return err
	}
	auth, err := o.Auth.Open(d.Name, config, d.Watch, d.Log)
	if err != nil {
		return err
	}
	host := o.URL
	if u, err := url.Parse(o.URL); err == nil {
		host = u.Host
	}
	limits := quota.Options{Exclusive: o.OneAtATime, Secret: o.Auth.Secret(), Log: d.Log}
	for _, l := range o.Limits {
		limits.Limits = append(limits.Limits, quota.Limit{Operation: operation, Count: int64(l.Count), Per: l.Per})
	}
	s.client, err = httpcall.New(httpcall.Options{
		Name: d.Name, Base: o.URL, Auth: auth, TLS: config, Timeout: o.Timeout, Attempts: 1, Asked: delivery.LongestAsked, Watch: d.Watch, Log: d.Log,
		Credential: d.Keyring.Open("http/"+o.Auth.Identity(host), limits), Persists: true, Hold: o.OneAtATime, Secrets: s.secrets,
	})
	return err
}

// operation is what requests are called where they are counted.
const operation = "call"

// Send implements delivery.Destination. Items whose path, headers or envelope differ go in requests of their own; where one of
// them fails, all items are sent again, which changes nothing at a destination that replaces.
func (s *sink) Send(ctx context.Context, items []delivery.Item) error {
	f := s.feeds[kindOf(&items[0])]
	if f == nil {
		return fmt.Errorf("%s is of a kind that is not sent", items[0].Key)
	}
	refused := &delivery.Refused{}
	for _, r := range f.requests(items, refused) {
		list, err := s.post(ctx, f, r)
		if err != nil {
			return err
		}
		for _, no := range list {
			no.Index = r.index[no.Index]
			refused.Items = append(refused.Items, no)
		}
	}
	if len(refused.Items) > 0 {
		return refused
	}
	return nil
}

func (s *sink) post(ctx context.Context, f *feed, r *request) ([]delivery.RefusedItem, error) {
	var head []byte
	body, answer, err := s.client.Bytes(ctx, &httpcall.Request{
		Method: f.method, Path: r.path, Header: r.header, Body: f.whole(r.around, r.records), Operation: operation, Judge: s.o.Answer.judge(len(f.path.holes) > 0, &head),
	})
	delivery.Answered(ctx, answer, err)
	return s.o.Answer.taken(body, head, err, len(r.records), s.client.Secrets())
}

// Close implements delivery.Destination.
func (s *sink) Close() error {
	s.client.Close()
	return nil
}

func sameInstant(text string, ms int64) bool {
	at, err := time.Parse(time.RFC3339Nano, text)
	return err == nil && at.UnixMilli() == ms
}
