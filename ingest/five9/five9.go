package five9

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/quarterhour/quarterhour/ingest"
	"github.com/quarterhour/quarterhour/ingest/flow"
	"github.com/quarterhour/quarterhour/schemas"
)

// source reads one domain.
type source struct {
	o      *Options
	deps   ingest.Deps
	log    *slog.Logger
	admin  *reports
	board  *board // what the statistics service shows; nil where it is not asked
	ledger *ledger
}

func open(o *Options, d ingest.Deps) (*source, error) {
	o.Streams.validate(func(string, string) {}) // fills what follows from the options
	s := &source{o: o, deps: d, log: d.Log, ledger: newLedger()}
	if s.log == nil {
		s.log = slog.New(slog.DiscardHandler)
	}
	admin, err := o.openAdmin(d, o.Username, o.Password)
	if err != nil {
		return nil, err
	}
	s.admin = &reports{
		client: admin, zone: o.ReportZone, poll: o.ReportPoll.Truncate(time.Second), timeout: o.ReportTimeout, rows: o.Result == "rows",
	}
	if t := o.Streams.Statuses; t != nil {
		if s.board, err = openBoard(o, t, d, s.ledger, admin); err != nil {
			return nil, err
		}
	}
	return s, nil
}

// openAdmin makes the client of the configuration service.
func (o *Options) openAdmin(d ingest.Deps, username, password string) (*client, error) {
	space := adminSpace
	if o.AdminVersion == "v2" {
		space += "v2/"
	}
	return o.open(d, "wsadmin/"+o.AdminVersion+"/AdminWebService", space, username, password)
}

// Run reads the streams until ctx ends.
func (s *source) Run(ctx context.Context, cursor []byte, out ingest.Out) error {
	flows, err := s.flows(cursor)
	if err != nil {
		return err
	}
	if s.o.Streams.AgentStates != nil {
		if err := s.ledger.recall(ctx, s.deps, s.admin.watch.Now()); err != nil {
			return err
		}
	}
	if s.board != nil {
		defer s.board.leave(ctx)
	}
	return flow.Run(ctx, flows, cursor, out, flow.Options{Deps: s.deps, KeepRaw: s.o.KeepRaw})
}

// flows are the streams that the options name.
func (s *source) flows(cursor []byte) ([]flow.Flow, error) {
	at, err := flow.ParseCursor(cursor)
	if err != nil {
		return nil, err
	}
	var flows []flow.Flow
	if t := s.o.Streams.Users; t != nil {
		flows = append(flows, flow.Flow{
			Name: "users", Facts: []string{"worker"}, Replaces: true, Schedule: flow.Schedule{Every: t.Every, Zone: s.o.ReportZone, Jitter: min(t.Every/10, time.Minute)}, Read: s.users,
		})
	}
	for _, t := range s.streams() {
		flows = append(flows, s.flow(at, t))
	}
	if t := s.o.Streams.Statuses; t != nil {
		// No kind: the source is complete as far as the report is, not as far as the statuses go.
		flows = append(flows, flow.Flow{Name: "statuses", Schedule: flow.Schedule{Every: t.Every, Jitter: t.Every / 10}, Read: s.board.read})
	}
	return flows, nil
}

// streams are the reports that the options name.
func (s *source) streams() (list []*stream) {
	if o := s.o.Streams.AgentStates; o != nil {
		list = append(list, &stream{name: "agent_states", fact: "agent_state", report: o.Report, every: o.Every, lag: o.Lag, reading: &o.Reading, mapper: s.stateMapper, goesOn: true})
	}
	if o := s.o.Streams.Calls; o != nil {
		list = append(list, &stream{
			name: "calls", fact: "contact", report: o.Report, every: o.Every, lag: o.Lag, reading: &o.Reading, mapper: s.callMapper,
			margin: o.Margin, owns: func(fact any) bool { return !isDigital(fact) },
		})
	}
	if o := s.o.Streams.Digital; o != nil {
		list = append(list, &stream{
			name: "digital", fact: "contact", report: o.Report, every: o.Every, lag: o.Lag, reading: &o.Reading, mapper: s.digitalMapper, owns: isDigital,
		})
	}
	for _, t := range list {
		if t.folder = t.reading.Folder; t.folder == "" {
			t.folder = s.o.Folder
		}
	}
	return list
}

func isDigital(fact any) bool {
	c, ok := fact.(*schemas.Contact)
	return ok && strings.HasPrefix(c.Segment, digitalSegment)
}

// flow is how a report is read again and again.
func (s *source) flow(at *flow.Cursor, t *stream) flow.Flow {
	o := t.reading
	w := flow.Window{Overlap: o.Overlap, Lag: t.lag, Longest: o.Longest}
	if o.RevisitEvery > 0 {
		w.Overlap = max(o.Overlap, o.RevisitBack)
	}
	if p := at.Flows[t.name]; p == nil || p.Through.IsZero() {
		w.Start = s.admin.watch.Now().Add(-s.o.Back)
	}
	schedule := flow.Schedule{Every: t.every, Cron: o.Cron, Zone: s.o.ReportZone, Align: o.Align, Jitter: o.Jitter}
	if o.Cron != "" {
		schedule.Every = 0
	}
	return flow.Flow{
		Name: t.name, Facts: []string{t.fact}, Schedule: schedule, Window: w, Replaces: true, Margin: t.margin, Owns: t.owns,
		Read: func(ctx context.Context, r *flow.Read) error { return s.read(ctx, r, t) },
	}
}

func (s *source) callMapper(w window, _ *page) mapper {
	return &callMapper{
		o: s.o.Streams.Calls, zone: newZone(s.o.ReportZone), window: w, legs: newNumbering(), types: map[string]int{},
		unknown: newNoticed(s.log, "a call type is not known: say in call_types what it is"),
	}
}

func (s *source) digitalMapper(w window, _ *page) mapper {
	return &digitalMapper{o: s.o.Streams.Digital, zone: newZone(s.o.ReportZone), window: w, legs: newNumbering()}
}

func (s *source) stateMapper(w window, p *page) mapper {
	return &stateMapper{
		o: s.o.Streams.AgentStates, zone: newZone(s.o.ReportZone), window: w, page: p, ledger: s.ledger,
		unknown: newNoticed(s.log, "an agent state is not known and counts as not ready: say in states what it is"),
	}
}

// users reads the list of users.
func (s *source) users(ctx context.Context, r *flow.Read) error {
	n := 0
	return s.eachUser(ctx, func(u *user) error {
		n++
		w := u.worker()
		w.Tag = strings.ToLower(strings.TrimSpace(u.tag(s.o.Streams.Users.Tag)))
		if w.WorkerID != "" {
			return r.Worker(ctx, &w)
		}
		return r.Reject(ctx, &schemas.DeadLetter{
			Fact: "worker", Reason: "no_identity", Detail: "the user has neither id nor userName", Location: fmt.Sprintf("getUsersGeneralInfo, user %d", n),
		})
	})
}

func (s *source) eachUser(ctx context.Context, each func(*user) error) error {
	var answer users
	pattern := s.o.Streams.Users.Pattern
	if err := s.admin.ask(ctx, opQuery, envelope(s.admin.space, "getUsersGeneralInfo", text("userNamePattern", pattern)), &answer); err != nil {
		return err
	}
	if len(answer.Return) == 0 { // were it believed, all workers would be withdrawn
		return fmt.Errorf("getUsersGeneralInfo gave no user for the pattern %q: make it match at least one", pattern)
	}
	for i := range answer.Return {
		if err := each(&answer.Return[i]); err != nil {
			return err
		}
	}
	return nil
}

// tag is the attribute that says who the person is.
func (u *user) tag(attribute string) string {
	switch attribute {
	case "federationId":
		return u.FederationID
	case "osLogin":
		return u.OSLogin
	case "userName":
		return u.UserName
	case "extension":
		return u.Extension
	}
	return ""
}

// worker is the user as a fact. Reports know agents by their user names.
func (u *user) worker() schemas.Worker {
	w := schemas.Worker{
		WorkerID: strings.TrimSpace(u.ID), Email: strings.ToLower(strings.TrimSpace(u.Email)), Name: strings.TrimSpace(u.FullName), System: "five9",
		AgentID: strings.TrimSpace(u.UserName), Active: yes(strings.TrimSpace(u.Active)),
	}
	if w.Name == "" {
		w.Name = strings.TrimSpace(u.FirstName + " " + u.LastName)
	}
	if w.WorkerID == "" {
		w.WorkerID = w.AgentID
	}
	return w
}
