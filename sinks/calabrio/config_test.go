package calabrio

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/quarterhour/quarterhour/internal/clock"
	"github.com/quarterhour/quarterhour/internal/spec"
	"github.com/quarterhour/quarterhour/schemas"
	"github.com/quarterhour/quarterhour/sinks"
	"github.com/quarterhour/quarterhour/sinks/delivery"
)

// options reads options as they stand in a pipeline file; problems are on lines.
func options(t *testing.T, text string) (o *Options, problems string) {
	t.Helper()
	node, found := spec.Document("p.yaml", []byte(text))
	if err := spec.Err(found); err != nil {
		t.Fatal(err)
	}
	o = new(Options)
	if err := spec.Err(spec.Decode(node, o, spec.Source{File: "p.yaml", Path: "sinks.wfm", Env: spec.Environment{}, Also: []string{"type"}})); err != nil {
		return nil, err.Error()
	}
	return o, ""
}

// opened is a sink under test: what it logs, and the time it goes by.
type opened struct {
	delivery.Destination
	plan delivery.Plan
	said *bytes.Buffer
	now  time.Time
}

func (o *opened) Now() time.Time { return o.now }
func (o *opened) Sleep(ctx context.Context, d time.Duration) error {
	o.now = o.now.Add(d)
	return ctx.Err()
}

var _ clock.Watch = (*opened)(nil)

// first is the interval of the tests' rows.
var first = time.Date(2026, time.March, 2, 9, 0, 0, 0, time.UTC)

func open(t *testing.T, text string) *opened {
	t.Helper()
	o, problems := options(t, text)
	if problems != "" {
		t.Fatal(problems)
	}
	to := &opened{said: &bytes.Buffer{}, now: first.Add(time.Hour)}
	d, err := Registration.Deliver(t.Context(), o, sinks.Deps{
		Tenant: "acme", Pipeline: "p", Name: "wfm", Interval: 15 * time.Minute, Zone: time.UTC, Watch: to, Log: slog.New(slog.NewTextHandler(to.said, nil)),
	})
	if err != nil {
		t.Fatal(err)
	}
	to.Destination, to.plan = d.Destination, d.Plan
	t.Cleanup(func() {
		if err := to.Close(); err != nil {
			t.Error(err)
		}
	})
	return to
}

// refusals are what a sink refused of a request, "" for nothing.
func refusals(t *testing.T, err error) string {
	t.Helper()
	var out *delivery.Refused
	if err == nil {
		return ""
	}
	if !errors.As(err, &out) {
		t.Fatal(err)
	}
	var list []string
	for _, r := range out.Items {
		list = append(list, r.Reason+": "+r.Detail)
	}
	return strings.Join(list, "\n")
}

func row(key string, start time.Time, revision int64) delivery.Item {
	return delivery.Item{Key: key, Revision: revision, Tenant: "acme", Start: start.UnixMilli(), Seconds: 900, Final: true}
}

func queueRow(id, channel string, start time.Time, revision int64) delivery.Item {
	i := row("queue/acme/"+start.Format(time.RFC3339)+"/"+id+"/"+channel, start, revision)
	i.Queue = &schemas.QueueInterval{
		Tenant: "acme", IntervalStart: i.Start, IntervalSeconds: 900, QueueID: id, QueueName: strings.ToUpper(id), Channel: channel,
		Offered: 17, Answered: 12, Abandoned: 4, ShortAbandoned: 1, AnsweredInSl: 10, AbandonedInSl: 2, Overflowed: 1, WaitMs: 90_500, AbandonWaitMs: 31_500,
		MaxWaitMs: 40_499, TalkMs: 5_100_000, HoldMs: 30_500, WrapMs: 60_250, ContactMs: 5_130_500, HandleMs: 5_190_750, Final: true, Revision: revision,
	}
	return i
}

func agentQueueRow(agent, queue string, start time.Time, revision int64) delivery.Item {
	i := row("agent_queue/acme/"+start.Format(time.RFC3339)+"/"+agent+"/"+queue+"/voice", start, revision)
	i.AgentQueue = &schemas.AgentQueueInterval{
		Tenant: "acme", IntervalStart: i.Start, IntervalSeconds: 900, AgentID: agent, AgentName: "Ann", QueueID: queue, QueueName: strings.ToUpper(queue), Channel: "voice",
		Answered: 5, Completed: schemas.Null, ContactMs: 210_500, TalkMs: 200_250, HoldMs: 10_250, WrapMs: 30_500, Final: true, Revision: revision,
	}
	return i
}

func agentRow(agent string, start time.Time, revision int64) delivery.Item {
	i := row("agent/acme/"+start.Format(time.RFC3339)+"/"+agent, start, revision)
	i.Agent = &schemas.AgentInterval{
		Tenant: "acme", IntervalStart: i.Start, IntervalSeconds: 900, AgentID: agent, AgentName: "Ann", LoginMs: 899_600, AvailableMs: 500_000, OnContactMs: 200_500,
		WrapMs: 39_500, NotReadyMs: 60_000, DirectOut: 3, ScheduledMs: schemas.Null, AdherentMs: schemas.Null, Final: true, Revision: revision,
	}
	return i
}

const someHistorical = "historical: {url: 'https://a.test/x', tenant_key: t, data_source_key: d, queue: {path: q}"

func TestOptions(t *testing.T) {
	f := func(text string, want ...string) {
		t.Helper()
		_, got := options(t, text)
		if len(want) == 0 && got != "" || len(want) > 0 && strings.Count(got, "\n")+1 != len(want) {
			t.Errorf("%s\n%s", text, got)
		}
		for _, w := range want {
			if !strings.Contains(got, w) {
				t.Errorf("%s\n%s\nwant %s", text, got, w)
			}
		}
	}
	f(someHistorical + "}")
	f("logserver: {dir: x}\nwhen: provisional\nkinds: [queue_interval]")
	f("queue_import: {dir: x, date: 02.01.2006, fields: {wait_dur: wait_ms}}")
	f("when: final", "names 0 doors")
	f("logserver: {dir: x}\nqueue_import: {dir: x}", "names 2 doors")
	f("historical: {url: a.test, tenant_key: t, data_source_key: d}", "is \"a.test\"", "is left out, and so are agent_queue and agent")
	f(someHistorical+", key_in: body}", "p.yaml:1: sinks.wfm.historical.key_in is body")
	f(someHistorical + ", key_in: body, envelope: records}")
	f(someHistorical+", interval: 20m, timeout: 1ms}", "interval is 20m0s", "timeout must be")
	f("historical: {url: 'https://a.test', tenant_key: t, data_source_key: d, queue: {path: q, fields: {queueId: quee_id, further: offered, intervalStartDateTime: offered}}}",
		`did you mean "queue_id"`, "is always the start of the interval")
	f("adherence: {url: 'https://a.test', authentication_key: k, source_id: 1}")
	f("adherence: {url: 'https://a.test', authentication_key: k, source_id: 1, platform_type_id: x, user_code: agnt_id, states: {busy: B, not_ready/Lunch: L}, timeout: 0s}",
		"not a GUID", "did you mean", `names "busy"`, "timeout must be")
	f("adherence: {url: 'https://a.test', authentication_key: k}", "source_id")
	f("logserver: {dir: x, date: Jan, time: '3:04', file_date: 2006/01/02, queue: {answered: answered, answ_call_cnt: ansered}}",
		"date is \"Jan\"", `time is "3:04"`, "file_date is", "answered is no column", `did you mean "answered"`)
	f("queue_import: {dir: x, prefix: ../x, extension: xls, fields: {queue: offered +}}", "prefix is", "extension", "fields.queue")
}

func TestKinds(t *testing.T) {
	for text, want := range map[string]string{
		someHistorical + ", agent: {path: a}}": "queue_interval agent_interval",
		"logserver: {dir: x}":                  "queue_interval agent_queue_interval agent_interval",
		"queue_import: {dir: x}":               "queue_interval",
		"adherence: {url: 'https://a.test', authentication_key: k, source_id: 1}": "agent_state",
	} {
		o, problems := options(t, text)
		if problems != "" {
			t.Fatal(problems)
		}
		if got := strings.Join(Registration.Kinds(o), " "); got != want {
			t.Errorf("%s: %s", text, got)
		}
	}
}

// Rows of half hours would fall into one of two quarters.
func TestIntervalsMustBeTheDestinations(t *testing.T) {
	o, problems := options(t, someHistorical+"}")
	if problems != "" {
		t.Fatal(problems)
	}
	if _, err := Registration.Deliver(t.Context(), o, sinks.Deps{Name: "wfm", Interval: 30 * time.Minute}); err == nil || !strings.Contains(err.Error(), "the pipeline's interval is 30m0s") {
		t.Errorf("error %v", err)
	}
}
