package calabrio

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"sync"

	"github.com/quarterhour/quarterhour/internal/httpcall"
	"github.com/quarterhour/quarterhour/sinks"
	"github.com/quarterhour/quarterhour/sinks/delivery"
)

// recordsOfARequest is how many records a request has where the pipeline file does not say: what the API takes at most is not published.
const recordsOfARequest = 100

// historical is the historical-data API.
type historical struct {
	o      *Historical
	client *httpcall.Client
	sets   map[string]*recorder // by kind
	paths  map[string]string
	queues owners
	agents owners
}

func (o *Options) openHistorical(d sinks.Deps) (sinks.Delivering, error) {
	h := o.Historical
	var unfit error
	o.Fit(d.Interval, func(path, message string) { unfit = fmt.Errorf("sink %q: %s %s", d.Name, path, message) })
	if unfit != nil {
		return sinks.Delivering{}, unfit
	}
	to := &historical{o: h, sets: map[string]*recorder{}, paths: map[string]string{}}
	for kind, set := range map[string]*RecordSet{kindQueue: h.Queue, kindAgentQueue: h.AgentQueue, kindAgent: h.Agent} {
		if set == nil {
			continue
		}
		t, err := newTable(kind, records[kind], set.Fields)
		if err != nil {
			return sinks.Delivering{}, fmt.Errorf("sink %q: %w", d.Name, err)
		}
		to.sets[kind] = &recorder{table: t, interval: h.Interval, cut: h.TooLong == "cut", directQueue: h.DirectQueue}
		to.paths[kind] = set.Path
	}
	config, err := h.TLS.Open()
	if err != nil {
		return sinks.Delivering{}, fmt.Errorf("sink %q: %w", d.Name, err)
	}
	to.client, err = httpcall.New(httpcall.Options{
		Name: d.Name, Base: h.URL, Auth: keys{h}, TLS: config, Timeout: h.Timeout, Attempts: 1, MaxBody: 4 << 20, Watch: d.Watch, Log: d.Log,
	})
	if err != nil {
		return sinks.Delivering{}, fmt.Errorf("sink %q: %w", d.Name, err)
	}
	plan := delivery.Plan{Kinds: o.kinds(), Items: recordsOfARequest, Concurrency: 2}
	if o.Batch > 0 {
		plan.Items = o.Batch
	}
	return sinks.Delivering{Destination: to, Plan: plan, Options: o.Options}, nil
}

// keys signs with both keys.
type keys struct{ o *Historical }

// Sign implements httpcall.Auth.
func (k keys) Sign(_ context.Context, r *http.Request) error {
	r.Header.Set("Authorization", "Bearer "+k.o.TenantKey)
	switch k.o.KeyIn {
	case "header":
		r.Header.Set(k.o.KeyName, k.o.DataSourceKey)
	case "query":
		q := r.URL.Query()
		q.Set(k.o.KeyName, k.o.DataSourceKey)
		r.URL.RawQuery = q.Encode()
	}
	return nil
}

// Renew implements httpcall.Auth: the keys do not change.
func (k keys) Renew(context.Context) (bool, error) { return false, nil }

// Secrets are what never to show.
func (k keys) Secrets() []string { return []string{k.o.TenantKey, k.o.DataSourceKey} }

// Send posts the records of the items.
func (h *historical) Send(ctx context.Context, items []delivery.Item) error {
	kind := kindOf(&items[0])
	r := h.sets[kind]
	if r == nil {
		return &httpcall.Error{Kind: httpcall.Permanent, Err: fmt.Errorf("the sink has no path for %s", kind)}
	}
	var bodies [][]byte
	var at []int // the item of each record
	out := &delivery.Refused{}
	for n := range items {
		made, err := r.record(&items[n])
		if err == nil && made != nil {
			err = errors.Join(h.queues.claim("queueId", made.queue, made.queueOf), h.agents.claim("agentId", made.agent, made.whose))
		}
		switch {
		case err != nil:
			out.Items = append(out.Items, refused(n, err))
		case made != nil:
			bodies, at = append(bodies, made.body), append(at, n)
		}
	}
	if len(bodies) > 0 {
		not, err := h.post(ctx, h.paths[kind], bodies)
		if err != nil {
			return err
		}
		for _, r := range not {
			r.Index = at[r.Index]
			out.Items = append(out.Items, r)
		}
	}
	if len(out.Items) > 0 {
		return out
	}
	return nil
}

// post makes the request. What it returns are the records that were not taken while all others were.
func (h *historical) post(ctx context.Context, path string, bodies [][]byte) ([]delivery.RefusedItem, error) {
	list := append(append([]byte{'['}, bytes.Join(bodies, []byte{','})...), ']')
	var head []byte
	answer, response, err := h.client.Bytes(ctx, &httpcall.Request{
		Method: http.MethodPost, Path: path, Body: h.wrap(list),
		Header: http.Header{"Content-Type": {"application/json"}, "Accept": {"application/json"}},
		Judge: func(status int, _ http.Header, body []byte) *httpcall.Error {
			head = bytes.Clone(body)
			return httpcall.Misplaced(status)
		},
	})
	delivery.Answered(ctx, response, err)
	if err == nil {
		return h.o.Refusals.read(answer, len(bodies), h.client.Excerpt), nil
	}
	var fault *httpcall.Error
	if errors.As(err, &fault) && fault.Kind == httpcall.Permanent && !fault.Misplaced && fault.Status >= 400 {
		if not := h.o.Refusals.read(head, len(bodies), h.client.Excerpt); len(not) > 0 {
			return not, nil
		}
	}
	return nil, err
}

// wrap puts the list of records into the envelope.
func (h *historical) wrap(list []byte) []byte {
	if h.o.Envelope == "" {
		return list
	}
	body := []byte{'{'}
	if h.o.KeyIn == "body" {
		body = append(appendJSON(append(appendJSON(body, h.o.KeyName), ':'), h.o.DataSourceKey), ',')
	}
	body = append(append(appendJSON(body, h.o.Envelope), ':'), list...)
	return append(body, '}')
}

// Close implements delivery.Destination.
func (h *historical) Close() error { h.client.Close(); return nil }

// read finds the records that an answer says were not taken; an answer in which they cannot be told apart names none. shown is what may be shown
// of a reason.
func (r *Refusals) read(answer []byte, sent int, shown func(text string) string) (list []delivery.RefusedItem) {
	if r.List == "" {
		return nil
	}
	decoder := json.NewDecoder(bytes.NewReader(answer))
	decoder.UseNumber()
	var whole any
	if decoder.Decode(&whole) != nil {
		return nil
	}
	entries, _ := member(whole, r.List).([]any)
	seen := map[int]bool{}
	for _, entry := range entries {
		index, err := strconv.Atoi(fmt.Sprint(member(entry, r.Index)))
		if err != nil || index < 0 || index >= sent {
			return nil
		}
		detail := fmt.Sprintf("record %d", index)
		if text := member(entry, r.Reason); text != nil {
			detail = shown(fmt.Sprint(text))
		}
		if !seen[index] {
			list = append(list, delivery.RefusedItem{Index: index, Reason: "refused", Detail: detail})
		}
		seen[index] = true
	}
	return list
}

// member is what stands at a path of names with dots between; nil where nothing does.
func member(v any, path string) any {
	if path == "." {
		return v
	}
	for _, name := range strings.Split(path, ".") {
		object, ok := v.(map[string]any)
		if !ok {
			return nil
		}
		v = object[name]
	}
	return v
}

// owners remembers what each id at the destination was made of: two queues or agents with one id would overwrite each other's totals.
type owners struct {
	mu sync.Mutex
	of map[string]string
}

// claim fails where the id is another's.
func (o *owners) claim(field, id, of string) error {
	if id == "" {
		return nil
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.of == nil {
		o.of = map[string]string{}
	}
	other, taken := o.of[id]
	if !taken {
		o.of[id] = of
	}
	if !taken || other == of {
		return nil
	}
	return &wrongField{field, fmt.Sprintf("is %q for %s and for %s, whose totals would overwrite each other: give it an expression that tells them apart, as queue_id + \"-\" + channel",
		id, shownOwner(other), shownOwner(of))}
}

func shownOwner(of string) string {
	id, channel, ok := strings.Cut(of, "\x00")
	if !ok {
		return strconv.Quote(id)
	}
	return fmt.Sprintf("queue %q, channel %q", id, channel)
}

// kindOf is the kind of an item's record.
func kindOf(i *delivery.Item) string {
	switch {
	case i.Queue != nil:
		return kindQueue
	case i.AgentQueue != nil:
		return kindAgentQueue
	case i.Agent != nil:
		return kindAgent
	}
	return kindState
}
