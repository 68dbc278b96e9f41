package playvox

import (
	"errors"
	"strconv"
	"sync"
	"time"

	"github.com/quarterhour/quarterhour/internal/expression"
	"github.com/quarterhour/quarterhour/internal/spec"
	"github.com/quarterhour/quarterhour/sinks/columns"
	"github.com/quarterhour/quarterhour/sinks/objects"
)

// layout is how Playvox writes instants.
const layout = "2006-01-02T15:04:05.000Z"

func instant(ms int64) string { return time.UnixMilli(ms).UTC().Format(layout) }

// taskView is an agent state as a task of the person.
type taskView struct {
	Key       string `avro:"key"`
	Tenant    string `avro:"tenant"`
	Source    string `avro:"source"`
	Alias     string `avro:"integration_alias"`
	UserEmail string `avro:"user_email"`
	UserID    string `avro:"user_id"`
	AgentID   string `avro:"agent_id"`
	AgentName string `avro:"agent_name"`
	StateID   string `avro:"state_id"`
	State     string `avro:"state"`
	Reason    string `avro:"reason"`
	Channel   string `avro:"channel"`
	Task      string `avro:"task"`
	StartedAt int64  `avro:"started_at"`
	EndedAt   int64  `avro:"ended_at"`
}

// contactView is a contact, or what an agent handled of it.
type contactView struct {
	Key           string `avro:"key"`
	Tenant        string `avro:"tenant"`
	Source        string `avro:"source"`
	Alias         string `avro:"integration_alias"`
	UserEmail     string `avro:"user_email"`
	UserID        string `avro:"user_id"`
	AgentID       string `avro:"agent_id"`
	AgentName     string `avro:"agent_name"`
	InteractionID string `avro:"interaction_id"`
	Segment       string `avro:"segment"`
	Channel       string `avro:"channel"`
	Direction     string `avro:"direction"`
	QueueID       string `avro:"queue_id"`
	QueueName     string `avro:"queue_name"`
	Outcome       string `avro:"outcome"`
	OfferedAt     int64  `avro:"offered_at"`
	AnsweredAt    int64  `avro:"answered_at"`
	EndedAt       int64  `avro:"ended_at"`
	WrapEndedAt   int64  `avro:"wrap_ended_at"`
	StartedAt     int64  `avro:"started_at"`
	FinishedAt    int64  `avro:"finished_at"`
	TalkMs        int64  `avro:"talk_ms"`
	HoldMs        int64  `avro:"hold_ms"`
	WrapMs        int64  `avro:"wrap_ms"`
	Retracted     bool   `avro:"retracted"`
}

// identifierView is an id that a source knows a person by.
type identifierView struct {
	Key       string `avro:"key"`
	Tenant    string `avro:"tenant"`
	Source    string `avro:"source"`
	System    string `avro:"system"`
	Alias     string `avro:"integration_alias"`
	UserEmail string `avro:"user_email"`
	UserID    string `avro:"user_id"`
	WorkerID  string `avro:"worker_id"`
	AgentID   string `avro:"agent_id"`
	Name      string `avro:"name"`
	Active    bool   `avro:"active"`
	Retracted bool   `avro:"retracted"`
}

func exprs(pairs ...string) (list spec.Exprs) {
	for n := 0; n < len(pairs); n += 2 {
		list = append(list, spec.NamedExpr{Name: pairs[n], Expr: spec.Expr{Source: pairs[n+1]}})
	}
	return list
}

// The usual members: of tasks those that readers get; the others by the same names.
var (
	taskFields = exprs("userEmail", "user_email", "integrationAlias", "integration_alias", "integrationUserId", "agent_id", "taskIdentifier", "task",
		"startTime", "started_at", "endTime", "ended_at")
	contactFields = exprs("externalId", "key", "userEmail", `user_email == "" ? nil : user_email`, "integrationAlias", "integration_alias",
		"integrationUserId", `agent_id == "" ? nil : agent_id`, "channel", "channel", "direction", "direction", "queueName", "queue_name", "outcome", "outcome",
		"startTime", "started_at", "answeredTime", "answered_at", "endTime", "finished_at")
	sessionFields = exprs("externalId", "key", "userEmail", "user_email", "integrationAlias", "integration_alias", "integrationUserId", "agent_id",
		"channel", "channel", "queueName", "queue_name", "startTime", "started_at", "endTime", "finished_at")
	identifierFields = exprs("userEmail", "user_email", "integrationAlias", "integration_alias", "integrationUserId", "agent_id", "isActive", "active")
)

// form writes records of one kind. Safe for concurrent use.
type form[T any] struct {
	shape *objects.Shape
	whole bool // truth values are 0 and 1

	mu       sync.Mutex
	view     T
	record   *expression.Record
	programs []*expression.Program
	env      expression.Env
}

func newForm[T any](fields, usual spec.Exprs, whole bool) (*form[T], error) {
	if len(fields) == 0 {
		fields = usual
	}
	f := &form[T]{whole: whole}
	f.record = expression.Bind(&f.view)
	c := expression.Compiler{Columns: f.record, Zone: time.UTC}
	var names []string
	for _, e := range fields {
		p, err := c.Compile(e.Expr)
		if err != nil {
			return nil, err
		}
		f.programs, names = append(f.programs, p), append(names, e.Name)
	}
	var err error
	f.shape, err = objects.New(names)
	return f, err
}

// check reports expressions that cannot be compiled.
func check[T any](path string, fields spec.Exprs, problem func(path, message string)) {
	for _, e := range fields {
		if _, err := newForm[T](spec.Exprs{e}, nil, false); err != nil {
			message := err.Error()
			var wrong *expression.Error
			if errors.As(err, &wrong) {
				message = wrong.Message
			}
			problem(path+"."+e.Name, message)
			return
		}
	}
	if len(fields) > 0 {
		if _, err := newForm[T](fields, nil, false); err != nil {
			problem(path, "has members that cannot be together: "+err.Error())
		}
	}
}

// line is the JSON object of a record.
func (f *form[T]) line(v T) ([]byte, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.view = v
	f.env.Renew()
	f.record.Load(&f.env)
	values := make([]expression.Value, len(f.programs))
	for n, p := range f.programs {
		var err error
		if values[n], err = p.Eval(&f.env); err != nil {
			return nil, p.Explain(err)
		}
	}
	return f.shape.JSON(nil, func(dst []byte, n int) ([]byte, bool) { return f.value(dst, values[n]), true }), nil
}

func (f *form[T]) value(dst []byte, v expression.Value) []byte {
	switch {
	case v.Kind == expression.Instant:
		return objects.Quoted(dst, instant(v.Milliseconds()))
	case v.Kind == expression.Duration:
		return strconv.AppendInt(dst, columns.Seconds(v.Milliseconds()), 10)
	case v.Kind == expression.Bool && f.whole:
		if v.True() {
			return append(dst, '1')
		}
		return append(dst, '0')
	}
	dst, _ = objects.Value(dst, v)
	return dst
}
