package sourcetest_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/quarterhour/quarterhour/ingest"
	"github.com/quarterhour/quarterhour/ingest/flow"
	"github.com/quarterhour/quarterhour/ingest/sourcetest"
	"github.com/quarterhour/quarterhour/internal/clock"
	"github.com/quarterhour/quarterhour/internal/httpcall"
	"github.com/quarterhour/quarterhour/internal/quota"
	"github.com/quarterhour/quarterhour/internal/spec"
	"github.com/quarterhour/quarterhour/schemas"
)

// options of a source as simple as sources get.
type options struct {
	URL      string `cfg:"url,required" help:"where the vendor answers"`
	Password string `cfg:"password,required,secret" help:"password"`
}

type source struct {
	o *options
	d ingest.Deps
}

// Run reads windows of an hour: calls, and the states of agents.
func (s *source) Run(ctx context.Context, cursor []byte, out ingest.Out) error {
	credential := s.d.Keyring.Open("vendor", quota.Options{Exclusive: true, Secret: s.o.Password, Limits: []quota.Limit{
		{Operation: "call", Count: 500, Per: time.Hour},
	}})
	client, err := httpcall.New(httpcall.Options{
		Name: s.d.Name, Base: s.o.URL, Credential: credential, Watch: s.d.Watch, Log: s.d.Log, Secrets: []string{s.o.Password},
	})
	if err != nil {
		return err
	}
	defer client.Close()
	stream := func(name, kind string, hand func(context.Context, *flow.Read, string, time.Time) error) flow.Flow {
		return flow.Flow{
			Name: name, Facts: []string{kind}, Schedule: flow.Schedule{Every: 10 * time.Minute}, Replaces: true,
			Window: flow.Window{Back: 6 * time.Hour, Overlap: time.Hour, Lag: 5 * time.Minute, Longest: time.Hour},
			Read: func(ctx context.Context, r *flow.Read) error {
				response, err := client.Do(ctx, &httpcall.Request{Path: fmt.Sprintf("/%s?from=%d&to=%d", name, r.From.Unix(), r.To.Unix())})
				if err != nil {
					return err
				}
				defer func() { _ = response.Body.Close() }()
				var rows []row
				if err := json.NewDecoder(response.Body).Decode(&rows); err != nil {
					return fmt.Errorf("the answer is no JSON: %w", err)
				}
				if len(rows) == limit {
					return flow.ErrSplit
				}
				for _, row := range rows {
					if err := hand(ctx, r, row.ID, time.Unix(row.At, 0)); err != nil {
						return err
					}
				}
				return nil
			},
		}
	}
	return flow.Run(ctx, []flow.Flow{
		stream("calls", "contact", func(ctx context.Context, r *flow.Read, id string, at time.Time) error {
			return r.Contact(ctx, &schemas.Contact{
				InteractionID: id, QueueID: "q", OfferedAt: at.UnixMilli(), AnsweredAt: schemas.Null, EndedAt: schemas.Null, WrapEndedAt: schemas.Null,
				TalkMs: schemas.Null, HoldMs: schemas.Null, WrapMs: schemas.Null,
			})
		}),
		stream("states", "agent_state", func(ctx context.Context, r *flow.Read, id string, at time.Time) error {
			return r.AgentState(ctx, &schemas.AgentState{AgentID: "a", StateID: id, StartedAt: at.UnixMilli(), EndedAt: schemas.Null})
		}),
	}, cursor, out, flow.Options{Deps: s.d})
}

type row struct {
	ID string
	At int64
}

// limit is how many rows the vendor gives; it does not say when there are more.
const limit = 30

var registration = ingest.Registration{
	Component: spec.Component{Kind: spec.Ingest, Type: "test", New: func() any { return new(options) }},
	Open:      func(o any, d ingest.Deps) (ingest.Source, error) { return &source{o.(*options), d}, nil },
}

var noon = time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)

// vendor has a call each minute and a state every five, from six hours before noon until five minutes before it.
func vendor(*testing.T, clock.Watch) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var from, to int64
		_, _ = fmt.Sscan(r.FormValue("from"), &from)
		_, _ = fmt.Sscan(r.FormValue("to"), &to)
		step := int64(60)
		if strings.HasPrefix(r.URL.Path, "/states") {
			step = 300
		}
		rows := []row{}
		for at := noon.Add(-5 * time.Hour).Unix(); at < noon.Add(-5*time.Minute).Unix() && len(rows) < limit; at += step {
			if at >= from && at < to {
				rows = append(rows, row{fmt.Sprint(at), at})
			}
		}
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(rows)
	})
}

func TestASourceOfFlowsPasses(t *testing.T) {
	sourcetest.Run(t, sourcetest.Case{
		Registration: registration, YAML: "url: ${URL}\npassword: hunter2\n", Secrets: []string{"hunter2"}, Vendor: vendor, Now: noon, Stops: 6,
	})
}

// What the suite is there to find, it finds.
func TestTheLogNoticesBrokenPromises(t *testing.T) {
	f := func(wanted string, do func(l *sourcetest.Log) error) {
		t.Helper()
		l := sourcetest.NewLog(clock.Wall)
		if err := do(l); err != nil {
			t.Fatal(err)
		}
		if got := strings.Join(l.Problems(), "; "); !strings.Contains(got, wanted) || wanted == "" && got != "" {
			t.Errorf("problems %q, want %q", got, wanted)
		}
	}
	ctx := t.Context()
	state := func(id string, at int64) *schemas.AgentState {
		return &schemas.AgentState{AgentID: id, StateID: "1", StartedAt: at, EndedAt: schemas.Null}
	}
	f("no identity", func(l *sourcetest.Log) error { return l.AgentState(ctx, state("", 5)) })
	f("before a commit", func(l *sourcetest.Log) error {
		return errors.Join(l.AgentState(ctx, state("a", 5)), l.Mark(ctx, "agent_state", 3))
	})
	f("goes back", func(l *sourcetest.Log) error {
		return errors.Join(l.Mark(ctx, "agent_state", 3), l.Mark(ctx, "agent_state", 2))
	})
	f("and it is", func(l *sourcetest.Log) error {
		return l.Mark(ctx, "agent_state", clock.Now().Add(time.Hour).UnixMilli())
	})
	f("after the mark", func(l *sourcetest.Log) error {
		return errors.Join(l.Mark(ctx, "agent_state", 10), l.AgentState(ctx, state("a", 5)), l.Commit(ctx, nil))
	})
	f("", func(l *sourcetest.Log) error {
		return errors.Join(l.AgentState(ctx, state("a", 5)), l.Commit(ctx, nil), l.Mark(ctx, "agent_state", 10),
			l.AgentState(ctx, state("a", 5)), l.AgentState(ctx, state("b", 10)), l.Commit(ctx, nil))
	})
}
