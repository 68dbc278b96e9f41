package iservice

import (
	"cmp"
	"net/http/httptest"
	"reflect"
	"strings"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/quarterhour/quarterhour/internal/simulator"
	"github.com/quarterhour/quarterhour/internal/simulator/centre"
	vendor "github.com/quarterhour/quarterhour/internal/simulator/iservice"
	"github.com/quarterhour/quarterhour/schemas"
	"github.com/quarterhour/quarterhour/transform"
)

// simulated is an iService over HTTP, and a source that reads it.
type simulated struct {
	*reading
	*vendor.Server
	centre *centre.Centre
	grid   *transform.Grid
}

func simulate(t *testing.T, o vendor.Options, days int, streams string) *simulated {
	t.Helper()
	zone, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	c, err := centre.New(centre.Options{
		Seed: 5, From: time.Date(2026, 3, 28, 0, 0, 0, 0, zone), Days: days, // the second day has 23 hours
		Sizes: map[centre.Vendor]centre.Size{centre.IService: {Agents: 4, Queues: 3, Contacts: 70}},
	})
	if err != nil {
		t.Fatal(err)
	}
	s := &simulated{centre: c}
	s.reading = newTenant(t).reading("streams: {agents: {}}")
	s.reading.watch.at = c.From
	s.Server = vendor.New(c, s.watch, o)
	web := httptest.NewServer(s.Server)
	t.Cleanup(web.Close)
	opts, problem := options(t, "url: "+web.URL+"\nusername: api@example.test\npassword: iservice-password\nrate: 1000\n"+streams)
	if problem != "" {
		t.Fatal(problem)
	}
	s.o = opts
	if s.grid, err = transform.NewGrid(zone, 15*time.Minute); err != nil {
		t.Fatal(err)
	}
	s.deps.Bounds = s.grid.Bounds
	return s
}

// play reads in steps of simulated time, each in a process of its own, until two hours after the last day.
func (s *simulated) play(step time.Duration) {
	s.t.Helper()
	for end := s.centre.Until().Add(2 * time.Hour); s.watch.Now().Before(end); {
		if err := s.once(); err != nil {
			s.t.Fatal(err)
		}
		_ = s.watch.Sleep(s.t.Context(), step)
	}
	if broken := s.Violations(); len(broken) > 0 {
		s.t.Errorf("rules broken: %q", broken)
	}
}

func rules() simulator.Rules {
	return simulator.Rules{Interval: 15 * time.Minute, ServiceLevel: 20 * time.Second, ShortAbandon: 5 * time.Second, Messaging: true}
}

// rowTables are merged rows as the simulator's truth has them.
type rowTables struct {
	simulator.Truth
	t       *testing.T
	through int64
}

// measures are the values of a row that are not zero, by column.
func measures(row any) map[string]int64 {
	values := map[string]int64{}
	v := reflect.ValueOf(row).Elem()
	for i := range v.NumField() {
		name := v.Type().Field(i).Tag.Get("avro")
		if name == "interval_start" || name == "facts" || name == "revision" || v.Field(i).Kind() != reflect.Int64 {
			continue
		}
		if n := v.Field(i).Int(); n != 0 && n != schemas.Null {
			values[name] = n
		}
	}
	return values
}

func (r *rowTables) Queue(q *schemas.QueueInterval) error {
	if m := measures(q); len(m) > 0 && q.IntervalStart < r.through {
		r.Queues[simulator.QueueKey{Start: q.IntervalStart / 1000, Queue: strings.Clone(q.QueueID), Channel: strings.Clone(q.Channel)}] = m
		r.final(q.Final, q.IntervalStart)
	}
	return nil
}

func (r *rowTables) AgentQueue(q *schemas.AgentQueueInterval) error {
	if m := measures(q); len(m) > 0 && q.IntervalStart < r.through {
		key := simulator.AgentQueueKey{Start: q.IntervalStart / 1000, Agent: strings.Clone(q.AgentID), Queue: strings.Clone(q.QueueID), Channel: strings.Clone(q.Channel)}
		r.AgentQueues[key] = m
		r.final(q.Final, q.IntervalStart)
	}
	return nil
}

func (r *rowTables) Agent(a *schemas.AgentInterval) error {
	if m := measures(a); len(m) > 0 && a.IntervalStart < r.through {
		r.Agents[simulator.AgentKey{Start: a.IntervalStart / 1000, Agent: strings.Clone(a.AgentID)}] = m
		r.final(a.Final, a.IntervalStart)
	}
	return nil
}

func (r *rowTables) Completeness(*schemas.Completeness) error { return nil }

func (r *rowTables) final(is bool, start int64) {
	if !is {
		r.t.Errorf("the row of %s is not final", time.UnixMilli(start).UTC())
	}
}

// partials hands a shard's partials to a merge.
type partials struct {
	*transform.Merge
	shard string
}

func (p partials) Queue(r *schemas.QueueInterval) error { p.Merge.Queue(p.shard, r); return nil }
func (p partials) AgentQueue(r *schemas.AgentQueueInterval) error {
	p.Merge.AgentQueue(p.shard, r)
	return nil
}
func (p partials) Agent(r *schemas.AgentInterval) error { p.Merge.Agent(p.shard, r); return nil }
func (p partials) Mark(m *schemas.ShardMark) error      { p.Merge.Mark(m); return nil }

// rows folds and merges all that was handed over, as a pipeline does.
func (s *simulated) rows(through time.Time) simulator.Truth {
	s.t.Helper()
	o := transform.Options{Tenant: "acme", Pipeline: "mail", Zone: s.centre.Zone(), Interval: 15 * time.Minute, StageOptions: transform.StageOptions{
		Profile: transform.ProfileMessaging, Late: transform.LateRevise, ServiceLevel: 20 * time.Second, ShortAbandon: 5 * time.Second,
	}}
	var feeds []transform.Feed
	for _, kind := range s.o.facts() {
		shard := kind + "/0"
		if kind == transform.FactInterval {
			shard = transform.ReportedShard("mail")
		}
		feeds = append(feeds, transform.Feed{Shard: shard, Source: "mail", Fact: kind})
	}
	merge := transform.NewMerge(o, feeds)
	s.fold(o, merge)
	for i := range s.out.queues {
		merge.Queue(transform.ReportedShard("mail"), &s.out.queues[i])
	}
	for i := range s.out.pairs {
		merge.AgentQueue(transform.ReportedShard("mail"), &s.out.pairs[i])
	}
	for i := range s.out.agents {
		merge.Agent(transform.ReportedShard("mail"), &s.out.agents[i])
	}
	merge.Mark(&schemas.ShardMark{Tenant: "acme", Shard: transform.ReportedShard("mail"), Source: "mail", CompleteThrough: s.out.marks[transform.FactInterval]})
	r := &rowTables{t: s.t, through: through.UnixMilli(), Truth: simulator.Truth{
		Queues: map[simulator.QueueKey]map[string]int64{}, AgentQueues: map[simulator.AgentQueueKey]map[string]int64{}, Agents: map[simulator.AgentKey]map[string]int64{},
	}}
	if err := merge.Emit(r); err != nil {
		s.t.Fatal(err)
	}
	return r.Truth
}

// fold folds contacts and states into partials.
func (s *simulated) fold(o transform.Options, merge *transform.Merge) {
	for _, kind := range []string{"contact", "agent_state"} {
		shard, err := transform.NewShard(kind+"/0", o)
		if err != nil {
			s.t.Fatal(err)
		}
		offset := int64(0)
		check := func(r transform.Result) {
			if offset++; r.Outcome != transform.Applied {
				s.t.Errorf("a %s is %s: %s", kind, r.Outcome, r.Detail())
			}
		}
		if kind == "contact" {
			for i := range s.out.contacts {
				c := s.out.contacts[i]
				c.Tenant, c.Source = "acme", "mail"
				check(shard.Contact(&c, offset))
			}
		} else {
			for i := range s.out.states {
				a := s.out.states[i]
				a.Tenant, a.Source = "acme", "mail"
				check(shard.State(&a, offset))
			}
		}
		if at, ok := s.out.marks[kind]; ok {
			shard.Mark(&schemas.Mark{Tenant: "acme", Source: "mail", Fact: kind, CompleteThrough: at}, offset)
		}
		if err := shard.Emit(partials{merge, shard.Name()}); err != nil {
			s.t.Fatal(err)
		}
	}
}

func same(t *testing.T, want, got simulator.Truth) {
	t.Helper()
	if len(want.Queues) < 20 || len(want.AgentQueues) < 20 || len(want.Agents) < 20 {
		t.Fatalf("the truth has %d, %d and %d rows", len(want.Queues), len(want.AgentQueues), len(want.Agents))
	}
	for _, diff := range []string{gocmp.Diff(want.Queues, got.Queues), gocmp.Diff(want.AgentQueues, got.AgentQueues), gocmp.Diff(want.Agents, got.Agents)} {
		if diff != "" {
			t.Errorf("(-truth +rows)\n%s", diff[:min(len(diff), 3000)])
		}
	}
}

// Questions that move, spam that disappears, late messages, sessions that end, errors that pass, a day's change of the clock and a
// restart at every step: the rows of the interactions are what happened.
func TestInteractionsMakeTheTruth(t *testing.T) {
	s := simulate(t, vendor.Options{Faults: vendor.Faults{ExpireEvery: 23, FailEvery: 17}}, 2, `paging: {per_page: 40, as: text}
timezone: Europe/Berlin
streams:
  topics: {}
  interactions: {every: 5m}
  statistics: {kinds: [agent], agents: {direct_out: ''}}
`)
	s.play(50 * time.Minute)
	through := s.centre.Until()
	same(t, s.Truth(rules(), through), s.rows(through))
	if len(s.out.dead) > 0 {
		t.Errorf("%d dead letters, the first %+v", len(s.out.dead), s.out.dead[0])
	}
	names := map[string]string{}
	for _, q := range s.centre.Queues(centre.IService) {
		names[q.ID] = q.Name
	}
	for _, c := range s.out.contacts {
		if c.QueueID != "" && !c.Retracted && names[c.QueueID] != c.QueueName {
			t.Errorf("topic %q is named %q", c.QueueID, c.QueueName)
		}
	}
}

// The rows that the vendor reports are what happened, although the newest steps are corrected.
func TestReportedStatisticsAreTheTruth(t *testing.T) {
	f := func(o vendor.Options, step time.Duration, more string) {
		t.Helper()
		s := simulate(t, o, 2, "streams: {statistics: {"+more+"}}\n")
		s.play(step)
		through := s.centre.Until()
		same(t, s.Reported(rules(), through), s.rows(through))
		if len(s.out.dead) > 0 {
			t.Errorf("%d dead letters, the first %+v", len(s.out.dead), s.out.dead[0])
		}
	}
	f(vendor.Options{OddLogins: true, LongNames: true, Faults: vendor.Faults{ExpireEvery: 31}}, 30*time.Minute, "long_texts: cut")
	f(vendor.Options{}, 43*time.Minute, "overlap: 3h, method: GET")
}

// Names that are too long are dead letters with the field named, and the rows of other topics are there.
func TestLongNamesAreDeadLetters(t *testing.T) {
	s := simulate(t, vendor.Options{LongNames: true, Steady: true}, 1, "streams: {statistics: {}}\n")
	s.play(4 * time.Hour)
	long := s.centre.Queues(centre.IService)[0].ID
	for _, d := range s.out.dead {
		if d.Reason != "too_long" || !strings.Contains(d.Detail, `"queueName"`) || !strings.Contains(string(d.Payload), `"queueId":"`+long+`"`) {
			t.Errorf("%+v", d)
		}
	}
	for _, q := range s.out.queues {
		if q.QueueID == long {
			t.Errorf("%+v", q)
		}
	}
	if len(s.out.dead) == 0 || len(s.out.queues) == 0 {
		t.Errorf("%d dead letters, %d rows", len(s.out.dead), len(s.out.queues))
	}
}

// An outage of hours is caught up with.
func TestAnOutageIsCaughtUpWith(t *testing.T) {
	s := simulate(t, vendor.Options{}, 1, "streams: {interactions: {}, statistics: {kinds: [agent], agents: {direct_out: ''}}}\n")
	down := false
	for end := s.centre.Until().Add(2 * time.Hour); s.watch.Now().Before(end); _ = s.watch.Sleep(t.Context(), time.Hour) {
		away := s.watch.Now().Sub(s.centre.From) > 9*time.Hour && s.watch.Now().Sub(s.centre.From) < 14*time.Hour
		if away != down {
			down = away
			s.Break(func(f *vendor.Faults) { f.Down = away })
		}
		if err := s.once(); (err != nil) != away {
			t.Fatalf("at %s: %v", s.watch.Now(), err)
		}
	}
	through := s.centre.Until()
	same(t, s.Truth(rules(), through), s.rows(through))
}

// Who is logged in is known to within a poll.
func TestPolledLoginsAreCloseToTheTruth(t *testing.T) {
	const poll = 10 * time.Minute
	s := simulate(t, vendor.Options{Steady: true}, 1, "streams: {logins: {every: 10m}}\n")
	s.play(poll)
	truth := s.Truth(rules(), s.centre.Until())
	logged, polled := map[string]int64{}, map[string]int64{}
	for key, row := range truth.Agents {
		logged[key.Agent] = cmp.Or(min(logged[key.Agent], key.Start), key.Start)
		_ = row["login_ms"]
	}
	for _, a := range s.out.states {
		if a.State == schemas.StateAvailable {
			polled[a.AgentID] = a.StartedAt / 1000
		}
	}
	if len(polled) == 0 {
		t.Fatal("nobody logged in")
	}
	for id, at := range polled {
		if first := logged[id]; at < first || at >= first+900+int64(poll.Seconds()) {
			t.Errorf("agent %s logged in at %d, and the first row is of %d", id, at, first)
		}
	}
}
