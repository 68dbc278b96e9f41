package iservice

import (
	"context"
	"encoding/json"

	"fmt"
	"strconv"
	"strings"

	"github.com/quarterhour/quarterhour/ingest/flow"
	"github.com/quarterhour/quarterhour/schemas"
)

// list asks for a list that comes whole.
func (s *source) list(ctx context.Context, r *flow.Read, call, path string) ([]json.RawMessage, error) {
	var keep raw
	if r != nil {
		keep = r
	}
	answer, err := s.call(ctx, call, map[string]any{}, keep)
	if err != nil {
		return nil, err
	}
	found, err := records(answer, path)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", call, err)
	}
	return found, nil
}

// readTopics reads the names of all topics.
func (s *source) readTopics(ctx context.Context, r *flow.Read) error {
	o := s.o.Streams.Topics
	found, err := s.list(ctx, r, o.Call, o.Records)
	if err != nil {
		return err
	}
	names := map[string]string{}
	for _, raw := range found {
		if t, err := parseRecord(raw); err == nil && t.text(o.ID) != "" {
			names[t.text(o.ID)] = t.text(o.Name)
		}
	}
	if len(names) < len(found) {
		s.deps.Log.Warn("topics without an id, or twice", "records", len(found), "topics", len(names))
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.topics = names
	return nil
}

// topic is the name of a topic; empty where it is not known. The list is read first where it has not been.
func (s *source) topic(ctx context.Context, id string) (string, error) {
	if s.o.Streams.Topics == nil {
		return "", nil
	}
	s.mu.Lock()
	names := s.topics
	s.mu.Unlock()
	if names == nil {
		if err := s.readTopics(ctx, nil); err != nil {
			return "", err
		}
		return s.topic(ctx, id)
	}
	return names[id], nil
}

// readAgents hands over all agents.
func (s *source) readAgents(ctx context.Context, r *flow.Read) error {
	o := s.o.Streams.Agents
	found, err := s.list(ctx, r, o.Call, o.Records)
	if err != nil {
		return err
	}
	told := 0
	for n, raw := range found {
		a, err := parseRecord(raw)
		id := ""
		if err == nil {
			if id = a.text(o.ID); id == "" {
				err = fmt.Errorf("field %q is empty: the agent cannot be told from others", o.ID)
			}
		}
		if err != nil {
			if err := s.reject(ctx, r, "worker", &fault{"no_identity", err}, o.Call, n, raw); err != nil {
				return err
			}
			continue
		}
		w := &schemas.Worker{WorkerID: id, AgentID: id, System: "iservice", Email: firstAddress(a.text(o.Email)), Name: a.text(o.Name), Active: true}
		if o.Tag != "" {
			w.Tag = strings.ToLower(strings.TrimSpace(a.text(o.Tag)))
		}
		if err := r.Worker(ctx, w); err != nil {
			return err
		}
		told++
	}
	if told == 0 { // were it believed, all people would be withdrawn
		return fmt.Errorf("%s: none of %d records is an agent: check streams.agents, and what the user may see", o.Call, len(found))
	}
	return nil
}

// firstAddress is the first of several addresses, in lower case.
func firstAddress(list string) string {
	for _, a := range strings.FieldsFunc(list, func(r rune) bool { return r == ',' || r == ';' || r == ' ' }) {
		return strings.ToLower(a)
	}
	return ""
}

// loggedIn is what is remembered between two polls: since when each agent is logged in, milliseconds.
type loggedIn struct {
	Since map[string]int64 `json:"since"`
}

// readLogins asks who is logged in. A state begins when a poll first saw it: no earlier, since nobody says when it was.
func (s *source) readLogins(ctx context.Context, r *flow.Read) error {
	o := s.o.Streams.Logins
	known := loggedIn{Since: map[string]int64{}}
	if len(r.State) > 0 {
		if err := json.Unmarshal(r.State, &known); err != nil || known.Since == nil {
			known.Since = map[string]int64{}
		}
	}
	at := s.watch.Now() // before the question: what is asked later may be newer, and is no lie at this instant
	found, err := s.list(ctx, r, o.Call, o.Records)
	if err != nil {
		return err
	}
	if len(found) == 0 { // were it believed, everybody would be logged out
		return fmt.Errorf("%s lists no agent, not even one who is logged out: check streams.logins, and what the user may see", o.Call)
	}
	now := map[string]int64{}
	for n, raw := range found {
		a, err := parseRecord(raw)
		if err == nil && a.text(o.ID) == "" {
			err = fmt.Errorf("field %q is empty: the agent cannot be told from others", o.ID)
		}
		if err != nil {
			if err := s.reject(ctx, r, "agent_state", &fault{"no_identity", err}, o.Call, n, raw); err != nil {
				return err
			}
			continue
		}
		is, ok := a.flag(o.LoggedIn)
		if !ok {
			f := &fault{"no_value", fmt.Errorf("field %q is %q, neither true nor false", o.LoggedIn, a.text(o.LoggedIn))}
			if err := s.reject(ctx, r, "agent_state", f, o.Call, n, raw); err != nil {
				return err
			}
			if since, was := known.Since[a.text(o.ID)]; was {
				now[a.text(o.ID)] = since
			}
			continue
		}
		if err := s.login(ctx, r, a, is, at.UnixMilli(), known.Since, now); err != nil {
			return err
		}
	}
	if err := s.gone(ctx, r, at.UnixMilli(), known.Since, now); err != nil {
		return err
	}
	r.State, err = json.Marshal(loggedIn{now})
	r.Through = at
	return err
}

// login hands over the state of an agent who was not in it at the last poll.
func (s *source) login(ctx context.Context, r *flow.Read, a record, is bool, at int64, before, now map[string]int64) error {
	o := s.o.Streams.Logins
	id := a.text(o.ID)
	since, was := before[id]
	if is {
		now[id] = at
		if was {
			now[id] = since
			return nil
		}
		return r.AgentState(ctx, stateAt(id, a.text(o.Name), at, schemas.StateAvailable))
	}
	if was {
		delete(before, id) // it is said now
		return r.AgentState(ctx, stateAt(id, a.text(o.Name), at, schemas.StateLoggedOut))
	}
	return nil
}

// gone logs out who is no longer listed.
func (s *source) gone(ctx context.Context, r *flow.Read, at int64, before, now map[string]int64) error {
	for id := range before {
		if _, still := now[id]; still {
			continue
		}
		if err := r.AgentState(ctx, stateAt(id, "", at, schemas.StateLoggedOut)); err != nil {
			return err
		}
	}
	return nil
}

func stateAt(agent, name string, at int64, state schemas.State) *schemas.AgentState {
	return &schemas.AgentState{AgentID: agent, AgentName: name, StateID: strconv.FormatInt(at, 10), StartedAt: at, EndedAt: schemas.Null, State: state}
}

// fault is what is wrong with a record.
type fault struct {
	reason string // short, the same as in the metrics
	err    error
}

// reject dead-letters a record.
func (s *source) reject(ctx context.Context, r *flow.Read, fact string, f *fault, call string, n int, payload []byte) error {
	return r.Reject(ctx, &schemas.DeadLetter{
		Fact: fact, Reason: f.reason, Detail: f.err.Error(), Location: fmt.Sprintf("%s, record %d", call, n+1), Payload: payload,
	})
}
