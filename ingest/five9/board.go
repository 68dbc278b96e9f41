package five9

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/quarterhour/quarterhour/ingest"
	"github.com/quarterhour/quarterhour/ingest/flow"
	"github.com/quarterhour/quarterhour/schemas"
)

// board is what the statistics service shows: the present state of every agent. Its facts have the identity that the report's will
// have, agent and second of the state's start, so that the report confirms or corrects them; what the report does not have, once it
// has a later state of the agent, is withdrawn (see ledger). Not safe for concurrent use.
type board struct {
	*client
	o        *StatusOptions
	settings map[string]string
	zone     *time.Location
	unknown  *noticed

	entered bool // there is a session
	own     bool // which was begun here
	open    bool // and a statistic was asked for in it
	columns []string
	rows    map[string][]string // by the agent's user name
	at      [statusReason + 1]int
	last    int64 // timestamp of the last answer
	offset  int64 // of the times in the statistics from UTC, milliseconds
	full    time.Time
	ledger  *ledger
}

// The columns of the statistic AgentState.
const (
	statusAgent = iota
	statusName
	statusState
	statusSince
	statusLength
	statusReason
)

var statusColumns = []column{
	statusAgent:  {"agent", []string{"Username"}, true},
	statusName:   {"agent_name", []string{"Full Name"}, false},
	statusState:  {"state", []string{"State"}, true},
	statusSince:  {"since", []string{"State Since"}, true},
	statusLength: {"state_time", []string{"State Duration"}, true},
	statusReason: {"reason", []string{"Reason Code"}, true},
}

// sessionSettings are what a session can be told, in the order of the service's description.
var sessionSettings = []string{"appType", "forceLogoutSession", "idleTimeOut", "rollingPeriod", "shiftStart", "statisticsRange", "timeZone"}

const (
	statistic = "AgentState"
	// fullEvery is how often the whole statistic is asked for, rather than what changed.
	fullEvery = time.Hour
)

// openBoard makes a board. admin is the reports' client, whose user the statistics share unless they have one of their own.
func openBoard(o *Options, t *StatusOptions, d ingest.Deps, l *ledger, admin *client) (*board, error) {
	username, password := t.Username, t.Password
	if username == "" {
		username, password = o.Username, o.Password
	} else {
		var err error
		if admin, err = o.openAdmin(d, username, password); err != nil {
			return nil, err
		}
	}
	c, err := o.open(d, "wssupervisor/"+o.SupervisorVersion+"/SupervisorWebService", supervisorSpace, username, password)
	if err != nil {
		return nil, err
	}
	c.counters = admin
	log := d.Log
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	return &board{
		client: c, o: t, settings: t.Session, zone: o.ReportZone, ledger: l,
		unknown: newNoticed(log, "an agent state of the statistics is not known and counts as not ready: say in states what it is"),
	}, nil
}

// read asks for what changed and hands it over.
func (b *board) read(ctx context.Context, r *flow.Read) error {
	err := b.update(ctx)
	if is(err, Renew) { // the service has forgotten the session, or what it said last
		b.open = false
		err = b.update(ctx)
	}
	if err != nil {
		b.open = false
		return fmt.Errorf("statistics of agent states: %w", err)
	}
	return b.hand(ctx, r)
}

// update brings the board up to date.
func (b *board) update(ctx context.Context) error {
	if err := b.budget(ctx); err != nil {
		return err
	}
	now := b.watch.Now()
	if !b.open {
		if err := b.session(ctx); err != nil {
			return err
		}
	}
	if !b.open || now.Sub(b.full) >= fullEvery {
		return b.whole(ctx)
	}
	return b.changes(ctx)
}

// budget reads the counters now and then. A user that may see statistics and not the counters does without: the vendor's fault tells
// when a limit is reached.
func (b *board) budget(ctx context.Context) error {
	err := b.counters.refresh(ctx)
	if is(err, Stop) || is(err, Misconfigured) {
		return nil
	}
	return err
}

// session makes sure that the user has a session: one that is open is used again.
func (b *board) session(ctx context.Context) error {
	var ignored struct{}
	err := b.ask(ctx, opFree, envelope(b.space, "getSessionParameters"), &ignored)
	if err == nil {
		b.entered = true
	}
	if err == nil || !is(err, Renew) {
		return err
	}
	b.entered, b.own = false, false
	_, seconds := b.watch.Now().In(b.zone).Zone()
	settings := map[string]string{
		"idleTimeOut": "1800", "rollingPeriod": "Minutes10", "shiftStart": "0", "statisticsRange": "CurrentDay", "timeZone": strconv.Itoa(seconds * 1000),
	}
	for name, value := range b.settings {
		settings[name] = value
	}
	view := element{name: "viewSettings"}
	for _, name := range sessionSettings {
		if settings[name] != "" {
			view.children = append(view.children, text(name, settings[name]))
		}
	}
	if err := b.ask(ctx, opFree, envelope(b.space, "setSessionParameters", view), &ignored); err != nil {
		return err
	}
	b.entered, b.own = true, true
	return nil
}

// leaveWithin bounds the call that ends the session.
const leaveWithin = 10 * time.Second

// leave ends the session, and with it the use of a supervisor licence, which the vendor frees only after half an hour otherwise.
// It is called though ctx has ended.
func (b *board) leave(ctx context.Context) {
	if !b.entered {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), leaveWithin)
	defer cancel()
	answer, err := b.once(ctx, opFree, envelope(b.space, "closeSession").body)
	if err != nil {
		b.log.Info("the session of the statistics could not be closed: the vendor ends it, and frees its licence, when it has been idle for long", "err", err)
		return
	}
	_ = answer.Close()
	b.entered, b.own, b.open = false, false, false
}

// whole takes the whole statistic.
func (b *board) whole(ctx context.Context) error {
	var answer statistics
	if err := b.ask(ctx, opStats, envelope(b.space, "getStatistics", text("statisticType", statistic)), &answer); err != nil {
		return err
	}
	if answer.Return == nil {
		return fmt.Errorf("the answer has no statistic")
	}
	var t table
	if err := t.read(answer.Return.Columns.Values.Data, statusColumns, b.o.Columns, statistic); err != nil {
		return err
	}
	copy(b.at[:], t.at)
	b.columns, b.rows = t.header, map[string][]string{}
	for _, row := range answer.Return.Rows {
		b.put(row.Values.Data)
	}
	b.last, b.open, b.full = answer.Return.Timestamp, true, b.watch.Now()
	b.offset = b.vote()
	return nil
}

func (b *board) put(cells []string) {
	if len(cells) == len(b.columns) && cells[b.at[statusAgent]] != "" {
		b.rows[cells[b.at[statusAgent]]] = cells
	}
}

// vote finds by how much the times of the statistic differ from UTC, of which the service says nothing: State Since and the timestamp
// less State Duration are the same instant. Most rows decide, to the quarter of an hour.
func (b *board) vote() int64 {
	const quarter = 15 * 60 * 1000
	votes := map[int64]int{}
	for _, cells := range b.rows {
		civil, err := civilTime(cells[b.at[statusSince]])
		lasted, wrong := strconv.ParseInt(strings.TrimSpace(cells[b.at[statusLength]]), 10, 64)
		if err != nil || wrong != nil {
			continue
		}
		difference := civil - (b.last - lasted)
		votes[((difference+quarter/2)-((difference+quarter/2)%quarter+quarter)%quarter)]++
	}
	best, most := int64(0), 0
	for offset, n := range votes {
		if n > most || n == most && offset < best {
			best, most = offset, n
		}
	}
	if most == 0 {
		_, seconds := time.UnixMilli(b.last).In(b.zone).Zone()
		return int64(seconds) * 1000
	}
	return best
}

// changes takes what changed since the last answer.
func (b *board) changes(ctx context.Context) error {
	var answer struct {
		Return *struct {
			Added   []record `xml:"addedObjects"`
			Changed []struct {
				Object string `xml:"objectName"`
				Column string `xml:"columnName"`
				Value  string `xml:"columnValue"`
			} `xml:"dataUpdate"`
			Deleted []record `xml:"deletedObjects"`
			Last    int64    `xml:"lastTimestamp"`
		} `xml:"return"`
	}
	err := b.ask(ctx, opChanged, envelope(b.space, "getStatisticsUpdate", text("statisticType", statistic), number("previousTimestamp", b.last),
		number("longPollingTimeout", b.o.Wait.Milliseconds())), &answer)
	if err != nil || answer.Return == nil { // unchanged
		return err
	}
	for _, added := range answer.Return.Added {
		b.put(added.Values.Data)
	}
	for _, c := range answer.Return.Changed {
		cells, at := b.rows[c.Object], slices.Index(b.columns, c.Column)
		if cells == nil || at < 0 {
			b.full = time.Time{} // an agent or a column that the statistic did not have: the whole is asked for next
			continue
		}
		cells[at] = c.Value
	}
	for _, deleted := range answer.Return.Deleted {
		for _, agent := range deleted.Values.Data {
			delete(b.rows, agent)
		}
	}
	if answer.Return.Last != 0 {
		b.last = answer.Return.Last
	}
	return nil
}

// hand hands over the states that are new.
func (b *board) hand(ctx context.Context, r *flow.Read) error {
	for agent, cells := range b.rows {
		fact, ok := b.fact(agent, cells)
		if !ok || !b.ledger.status(fact) {
			continue
		}
		if err := r.AgentState(ctx, &fact); err != nil {
			return err
		}
	}
	return nil
}

// logoutAge is how old a logout may be to be told: of those who are away since long, the service shows when they left.
const logoutAge = time.Hour

func (b *board) fact(agent string, cells []string) (fact schemas.AgentState, ok bool) {
	civil, err := civilTime(cells[b.at[statusSince]])
	state := strings.TrimSpace(cells[b.at[statusState]])
	if err != nil || state == "" {
		return fact, false
	}
	of := stateIn(b.o.states, state)
	if !of.known {
		b.unknown.see(state)
	}
	at := (civil - b.offset) / 1000 * 1000
	now := b.watch.Now().UnixMilli()
	switch {
	case at > now+time.Minute.Milliseconds():
		b.full = time.Time{} // the clocks of the service have changed: the whole tells by how much
		return fact, false
	case of.state == schemas.StateLoggedOut && at < now-logoutAge.Milliseconds():
		return fact, false
	}
	fact = schemas.AgentState{
		AgentID: strings.TrimSpace(agent), StateID: stateID(at, 0), StartedAt: at, EndedAt: schemas.Null, State: of.state,
	}
	if i := b.at[statusName]; i >= 0 {
		fact.AgentName = strings.TrimSpace(cells[i])
	}
	reason := strings.TrimSpace(cells[b.at[statusReason]])
	if isNone(reason) {
		reason = ""
	}
	fact.Reason = reasonOf(of, state, reason)
	return fact, true
}
