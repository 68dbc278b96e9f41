package calabrio

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"time"

	"github.com/quarterhour/quarterhour/internal/clock"
	"github.com/quarterhour/quarterhour/internal/httpcall"
	"github.com/quarterhour/quarterhour/internal/spec"
	"github.com/quarterhour/quarterhour/schemas"
	"github.com/quarterhour/quarterhour/sinks"
	"github.com/quarterhour/quarterhour/sinks/columns"
	"github.com/quarterhour/quarterhour/sinks/delivery"
	"github.com/quarterhour/quarterhour/sinks/horizon"
)

// statesOfARequest is how many states a request has where the pipeline file does not say. Services refuse batches that are too big;
// 200 were too many for those of which it is known.
const statesOfARequest = 50

var stateNames = map[string]bool{"available": true, "on_contact": true, "wrap": true, "not_ready": true, "logged_out": true}

// adherence is the SOAP service for real-time adherence.
type adherence struct {
	o      *Adherence
	client *httpcall.Client
	code   *columns.Table
	watch  clock.Watch
	log    *slog.Logger
	size   int
	agents *agents
	turn   chan struct{} // holds one: states leave in order
	begun  bool          // the snapshot is through, or none is wanted
}

func (o *Options) openAdherence(d sinks.Deps) (sinks.Delivering, error) {
	a := o.Adherence
	to := &adherence{o: a, watch: d.Watch, log: d.Log, size: statesOfARequest, turn: make(chan struct{}, 1), begun: a.Snapshot == nil}
	if o.Batch > 0 {
		to.size = o.Batch
	}
	var err error
	if to.code, err = a.codes(); err != nil {
		return sinks.Delivering{}, fmt.Errorf("sink %q: user_code: %w", d.Name, err)
	}
	file := ""
	if a.Snapshot != nil {
		file = a.Snapshot.File
	}
	if to.agents, err = openAgents(file, d.Watch.Now()); err != nil {
		return sinks.Delivering{}, fmt.Errorf("sink %q: %w", d.Name, err)
	}
	if to.agents.horizon, err = horizon.New(0, d.Retention, time.UTC, d.Watch); err != nil {
		return sinks.Delivering{}, fmt.Errorf("sink %q: %w", d.Name, err)
	}
	config, err := a.TLS.Open()
	if err != nil {
		return sinks.Delivering{}, fmt.Errorf("sink %q: %w", d.Name, err)
	}
	to.client, err = httpcall.New(httpcall.Options{
		Name: d.Name, Base: a.URL, TLS: config, Timeout: a.Timeout, Attempts: 1, MaxBody: 1 << 20, Watch: d.Watch, Log: d.Log, Secrets: []string{a.AuthenticationKey},
	})
	if err != nil {
		return sinks.Delivering{}, fmt.Errorf("sink %q: %w", d.Name, err)
	}
	plan := delivery.Plan{Kinds: o.kinds(), Items: to.size, Concurrency: 1, Key: newest}
	return sinks.Delivering{Destination: to, Plan: plan, Options: o.Options}, nil
}

func (a *Adherence) codes() (*columns.Table, error) {
	return columns.New(kindState, spec.Exprs{{Name: "user_code", Expr: spec.Expr{Source: a.UserCode}}}, columns.Format{})
}

// orderBits are those of a revision that tell corrections of one state apart, by their order in the log.
const orderBits = 20

// newest names what the service keeps: one state of each agent of a source. The state that began last wins, and of its corrections
// the last of the log.
func newest(i *delivery.Item) (key string, revision int64) {
	s := i.AgentState
	return strings.Join([]string{kindState, s.Tenant, s.Source, s.AgentID}, "/"), max(s.StartedAt, 0)<<orderBits | i.Revision&(1<<orderBits-1)
}

// Send sends the states of the items, after those of all agents where it is the first.
func (a *adherence) Send(ctx context.Context, items []delivery.Item) error {
	select {
	case a.turn <- struct{}{}:
		defer func() { <-a.turn }()
	case <-ctx.Done():
		return ctx.Err()
	}
	out := &delivery.Refused{}
	var states []userState
	var at []int
	for n := range items {
		i := &items[n]
		if s := i.AgentState; len(a.o.Sources) > 0 && !slices.Contains(a.o.Sources, s.Source) {
			continue
		}
		made, err := a.state(i)
		if err != nil {
			out.Items = append(out.Items, refused(n, err))
			continue
		}
		if now, ok := a.agents.enter(i, made); ok {
			states, at = append(states, now), append(at, n)
		}
	}
	a.agents.forget()
	if err := a.agents.save(); err != nil {
		return err
	}
	if err := a.snapshot(ctx); err != nil {
		return err
	}
	not, err := a.save(ctx, states)
	if err != nil {
		return err
	}
	for _, n := range not {
		a.agents.leaveOut(&items[at[n]])
		out.Items = append(out.Items, delivery.RefusedItem{Index: at[n], Reason: "unknown_agent", Detail: fmt.Sprintf("Calabrio knows no agent %q: add it to the external logons there", states[n].UserCode)})
	}
	if len(out.Items) > 0 {
		return out
	}
	return nil
}

// state is what the service is told of an item. A state that has ended, and that none follows, is a logout.
func (a *adherence) state(i *delivery.Item) (userState, error) {
	values, err := a.code.Values(nil, i)
	if err != nil {
		return userState{}, err
	}
	user := column{name: "user_code"}
	text, err := user.text(values[0])
	if err != nil {
		return userState{}, err
	}
	if text == "" {
		return userState{}, &wrongField{"user_code", "is empty, which would end a snapshot: give it an expression"}
	}
	s := i.AgentState
	state, reason, at := s.State.String(), s.Reason, s.StartedAt
	if at == schemas.Null {
		at = i.Start
	}
	if s.EndedAt != schemas.Null && s.EndedAt <= a.watch.Now().UnixMilli() {
		state, reason, at = schemas.StateLoggedOut.String(), "", s.EndedAt
	}
	return userState{UserCode: text, Code: a.stateCode(state, reason), Description: described(state, reason), LoggedOn: state != schemas.StateLoggedOut.String(), At: at}, nil
}

func (a *adherence) stateCode(state, reason string) string {
	for _, name := range []string{state + "/" + reason, state} {
		if code, ok := a.o.States[name]; ok {
			return code
		}
	}
	return state
}

func described(state, reason string) string {
	if reason != "" {
		return reason
	}
	return strings.ReplaceAll(state, "_", " ")
}

// save sends states. What it returns are those of agents that the service does not know.
func (a *adherence) save(ctx context.Context, states []userState) ([]int, error) {
	if len(states) == 0 {
		return nil, nil
	}
	n, err := a.call(ctx, "SaveBatchExternalUserState", a.batch(states, a.watch.Now(), false))
	if err == nil {
		err = a.judge(n)
	}
	if !errors.Is(err, errUnknownAgent) {
		return nil, err
	}
	switch {
	case a.o.UnknownAgents == "ignore":
		a.log.Info("Calabrio does not know all of these agents", "states", len(states))
		return nil, nil
	case len(states) == 1:
		return []int{0}, nil
	}
	return nil, err // the engine finds out whose they are, by halves
}

var errUnknownAgent = errors.New("the service does not know one of the agents")

// judge says what a result means.
func (a *adherence) judge(n int) error {
	switch {
	case n >= 0:
		return nil
	case n == unknownUser:
		return &httpcall.Error{Kind: httpcall.Permanent, Err: errUnknownAgent}
	case n == unknownPlatform:
		return &httpcall.Error{Kind: httpcall.Refused, Err: fmt.Errorf("the service does not know platform_type_id %q: set it as at Calabrio", a.o.PlatformTypeID)}
	case n == unknownSource:
		return &httpcall.Error{Kind: httpcall.Refused, Err: fmt.Errorf("the service does not know source_id %q: set it as at Calabrio", a.o.SourceID)}
	}
	return &httpcall.Error{Kind: httpcall.Transient, Sent: true, Err: fmt.Errorf("the service answers with %d", n)}
}

// snapshot sends the states of all agents once, and ends with a state of nobody: the service logs out whoever was not named. So there is
// none before all are known.
func (a *adherence) snapshot(ctx context.Context) error {
	if a.begun {
		return nil
	}
	id := a.watch.Now()
	if !a.agents.complete(id) {
		a.log.Warn("no snapshot, as it would log out agents whose states are not known yet: changes only are sent; a start after the time named sends one",
			"file", a.agents.file, "after", a.agents.since.Add(settled))
		a.begun = true
		return nil
	}
	send := func(operation string, body []byte) error {
		n, err := a.call(ctx, operation, body)
		if err == nil {
			err = a.judge(n)
		}
		if errors.Is(err, errUnknownAgent) {
			err = nil // the others were taken
		}
		return err
	}
	var err error
	for part := range slices.Chunk(a.agents.all(), a.size) {
		if err = send("SaveBatchExternalUserState", a.batch(part, id, true)); err != nil {
			break
		}
	}
	if err == nil {
		err = send("SaveExternalUserState", a.closing(id))
	}
	var fault *httpcall.Error
	if errors.As(err, &fault) && fault.Kind == httpcall.Permanent && !fault.Misplaced {
		a.log.Error("the service does not take the snapshot, changes only are sent", "err", err)
		err = nil
	}
	a.begun = err == nil
	return err
}

// Close implements delivery.Destination.
func (a *adherence) Close() error { a.client.Close(); return nil }
