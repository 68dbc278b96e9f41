package playvox

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	nethttp "net/http"
	"net/url"
	"sync"
	"sync/atomic"
	"time"

	"github.com/quarterhour/quarterhour/internal/clock"
	"github.com/quarterhour/quarterhour/internal/httpcall"
	"github.com/quarterhour/quarterhour/internal/identity"
	"github.com/quarterhour/quarterhour/internal/quota"
	"github.com/quarterhour/quarterhour/sinks"
	"github.com/quarterhour/quarterhour/sinks/delivery"
	"github.com/quarterhour/quarterhour/sinks/objects"
)

// What a request has at most, and how many are under way: Playvox does not say, and 100 calls in 30 s bound it anyway.
const (
	usualItems       = 100
	usualConcurrency = 3
)

// sink is an open Playvox.
type sink struct {
	o      *Options
	tenant *httpcall.Client
	region *httpcall.Client
	people *people
	watch  clock.Watch

	tasks       *form[taskView]
	contacts    *form[contactView]
	sessions    *form[contactView]
	identifiers *form[identifierView]

	held held

	joined    atomic.Int64 // how often further agents came to this process
	writing   sync.Mutex   // agent states are sent one request after the other: the end of one is another's
	timelines map[string]*timeline
	seen      reading
	known     int64 // of joined: what timelines and seen are of
}

func deliver(_ context.Context, options any, d sinks.Deps) (sinks.Delivering, error) {
	o := options.(*Options)
	s := &sink{o: o, watch: d.Watch, timelines: map[string]*timeline{}, held: held{keys: map[string]bool{}}}
	var errs [4]error
	s.tasks, errs[0] = newForm[taskView](o.States.fields(), taskFields, true)
	s.contacts, errs[1] = newForm[contactView](o.Contacts.fields(), contactFields, false)
	s.sessions, errs[2] = newForm[contactView](o.Sessions.fields(), sessionFields, false)
	s.identifiers, errs[3] = newForm[identifierView](o.Identifiers.fields(), identifierFields, false)
	if err := errors.Join(errs[:]...); err != nil {
		return sinks.Delivering{}, err
	}
	if err := s.connect(d); err != nil {
		return sinks.Delivering{}, err
	}
	plan := delivery.Plan{Kinds: o.kinds(), Items: usualItems, Concurrency: usualConcurrency}
	return sinks.Delivering{Destination: s, Plan: plan, Options: o.Options}, nil
}

// connect opens the clients of the two hosts, which share the token and the budget.
func (s *sink) connect(d sinks.Deps) error {
	o := s.o
	config, err := o.TLS.Open()
	if err != nil {
		return err
	}
	token, err := httpcall.New(httpcall.Options{Name: d.Name, TLS: config, Timeout: o.Timeout, Attempts: 1, MaxBody: 1 << 20, Watch: d.Watch, Log: d.Log, Secrets: []string{o.Secret}})
	if err != nil {
		return err
	}
	host, err := url.Parse(o.URL)
	if err != nil {
		return err
	}
	auth := httpcall.NewOAuth2(httpcall.OAuth2{
		TokenURL: host.JoinPath(o.TokenPath).String(), ClientID: o.Identifier, ClientSecret: o.Secret, Style: "basic",
		Token: "data.accessToken", ExpiresIn: "data.expiresIn", Watch: d.Watch, Client: token,
	})
	credential := d.Keyring.Open("playvox/"+o.Identifier+"@"+host.Host, quota.Options{Limits: limits(o.Calls, o.Per), Secret: o.Identifier + "\x00" + o.Secret, Log: d.Log})
	open := func(base string) *httpcall.Client {
		c, opened := httpcall.New(httpcall.Options{
			Name: d.Name, Base: base, Auth: auth, TLS: config, Timeout: o.Timeout, Attempts: 1, Asked: delivery.LongestAsked, Credential: credential, Persists: true,
			Watch: d.Watch, Log: d.Log, Secrets: []string{o.Secret},
		})
		err = errors.Join(err, opened)
		return c
	}
	s.tenant, s.region = open(o.URL), open(o.RegionURL)
	s.people = &people{o: &o.Users, client: s.region, tenant: d.Tenant, aliases: identity.Aliases(d.Aliases), workers: d.Workers, watch: d.Watch}
	return err
}

// Joined implements delivery.Joiner. Tasks of the agents that came may have been written by another process since they were read.
func (s *sink) Joined() { s.joined.Add(1) }

// limits keep any stretch of `per` within so many calls, also where it lies across two of ours: ten short stretches of which eleven may
// be touched.
func limits(calls int, per time.Duration) []quota.Limit {
	const parts = 10
	if calls > parts {
		return []quota.Limit{{Operation: operation, Count: int64(calls / (parts + 1)), Per: per / parts}}
	}
	return []quota.Limit{{Operation: operation, Count: 1, Per: per / time.Duration(calls)}}
}

// operation is what calls are named where they are counted.
const operation = "call"

// Send implements delivery.Destination.
func (s *sink) Send(ctx context.Context, items []delivery.Item) error {
	refused := &delivery.Refused{}
	var err error
	switch {
	case items[0].AgentState != nil:
		err = s.sendStates(ctx, items, refused)
	case items[0].Contact != nil:
		err = s.sendContacts(ctx, items, refused)
	case items[0].Worker != nil:
		err = s.sendWorkers(ctx, items, refused)
	default:
		err = fmt.Errorf("%s is of a kind that Playvox does not take", items[0].Key)
	}
	if err == nil && len(refused.Items) > 0 {
		return refused
	}
	return err
}

// write sends records in one request.
func (s *sink) write(ctx context.Context, method, path string, records [][]byte) error {
	if len(records) == 0 {
		return nil
	}
	list := append(append([]byte{'['}, bytes.Join(records, []byte{','})...), ']')
	if s.o.Envelope != "." {
		whole := objects.Quoted([]byte{'{'}, s.o.Envelope)
		list = append(append(append(whole, ':'), list...), '}')
	}
	_, answer, err := s.tenant.Bytes(ctx, &httpcall.Request{
		Method: method, Path: path, Body: list, Operation: operation,
		Header: nethttp.Header{"Content-Type": {"application/json"}, "Accept": {"application/json"}},
		Judge: func(status int, _ nethttp.Header, _ []byte) *httpcall.Error {
			if method == nethttp.MethodDelete && (status == nethttp.StatusNotFound || status == nethttp.StatusGone) {
				return nil // the record is not there
			}
			return httpcall.Misplaced(status)
		},
	})
	delivery.Answered(ctx, answer, err)
	return err
}

// person finds who an item is about. A record that is to be refused or held is, and ok is false.
func (s *sink) person(ctx context.Context, i *delivery.Item, n int, source, agent string, refused *delivery.Refused) (u user, ok bool, err error) {
	u, reason, detail, err := s.people.find(ctx, source, agent)
	if err != nil {
		return u, false, err
	}
	if reason != "" {
		refused.Items = append(refused.Items, s.held.judge(s, i, n, reason, detail))
		return u, false, nil
	}
	s.held.release(i.Key)
	return u, true, nil
}

// mostHeld is how many records wait for their people at most: they are kept in memory, and the log is not committed beyond them.
const mostHeld = 500

// held are the records that wait for their people.
type held struct {
	mu   sync.Mutex
	keys map[string]bool
}

// judge holds a record whose person may come to be known soon, and refuses any other.
func (h *held) judge(s *sink, i *delivery.Item, n int, reason, detail string) delivery.RefusedItem {
	h.mu.Lock()
	defer h.mu.Unlock()
	r := delivery.RefusedItem{Index: n, Reason: reason, Detail: detail}
	young := s.watch.Now().Sub(time.UnixMilli(i.Start)) < s.o.UnmatchedWait
	if reason != unmatched || !young || !h.keys[i.Key] && len(h.keys) >= mostHeld {
		delete(h.keys, i.Key)
		return r
	}
	h.keys[i.Key] = true
	r.Later = s.o.Users.Soonest
	return r
}

func (h *held) release(key string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	delete(h.keys, key)
}

// alias is what Playvox calls a source.
func (s *sink) alias(source string) string {
	if s.o.Alias != "" {
		return s.o.Alias
	}
	return source
}

func refuse(refused *delivery.Refused, n int, err error) {
	refused.Items = append(refused.Items, delivery.RefusedItem{Index: n, Reason: "field", Detail: err.Error()})
}

// permanent says whether the destination will never take a request as it is.
func permanent(err error) bool {
	var fault *httpcall.Error
	return errors.As(err, &fault) && fault.Kind == httpcall.Permanent && !fault.Misplaced
}

// Close implements delivery.Destination.
func (s *sink) Close() error {
	s.tenant.Close()
	s.region.Close()
	return nil
}
