package five9

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/quarterhour/quarterhour/internal/simulator/centre"
)

// session is a user's session of the statistics service.
type session struct {
	settings map[string]string
	zone     *time.Location
	idle     time.Duration
	used     time.Time
	last     map[string]*table // by type of statistic: what the client was told last
}

// settings of a session, in the vendor's order.
var settings = []string{"appType", "forceLogoutSession", "idleTimeOut", "rollingPeriod", "shiftStart", "statisticsRange", "timeZone"}

// statistics does an operation of the statistics service.
func (s *Server) statistics(ctx context.Context, op *operation, n *node, user string) (body, *fault) {
	if op.name == "setSessionParameters" {
		return s.begin(n.child("viewSettings"), user)
	}
	v, f := s.session(user)
	if f != nil {
		return nil, f
	}
	kind, _ := n.value("statisticType")
	switch op.name {
	case "getSessionParameters":
		return func(w *writer) {
			w.in("return", func() {
				for _, name := range settings {
					w.some(name, v.settings[name])
				}
			})
		}, nil
	case "getStatistics":
		return s.take(v, kind, n)
	case "getStatisticsUpdate":
		return s.update(ctx, v, kind, n)
	case "getColumnNames":
		return func(w *writer) { w.in("return", func() { w.data(cells(columnsOf(kind)...)) }) }, nil
	case "getUserLimits":
		open := int64(len(s.Sessions()))
		return func(w *writer) {
			w.in("return", func() {
				for i, name := range []string{"mobileLimit", "mobileLoggedin", "supervisorLimit", "supervisorsLoggedin"} {
					w.number(name, []int64{5, 0, int64(s.o.Licences), open}[i])
				}
			})
		}, nil
	case "getLoggedInUsers":
		return func(w *writer) { w.in("return", func() { w.leaf("role", "Supervisor"); w.leaf("username", user) }) }, nil
	}
	s.mu.Lock() // closeSession
	defer s.mu.Unlock()
	delete(s.sessions, user)
	return nil, nil
}

// begin opens a session, or replaces the user's.
func (s *Server) begin(n *node, user string) (body, *fault) {
	if n == nil {
		return nil, failed("MissedArgument", "viewSettings is missing")
	}
	v := &session{settings: map[string]string{}, zone: s.zone, idle: s.o.Idle, used: s.watch.Now(), last: map[string]*table{}}
	for _, name := range settings {
		v.settings[name], _ = n.value(name)
	}
	if seconds, err := strconv.Atoi(v.settings["idleTimeOut"]); err == nil && seconds > 0 {
		v.idle = time.Duration(seconds) * time.Second
	}
	if ms, err := strconv.Atoi(v.settings["timeZone"]); err == nil {
		if ms < -14*3600_000 || ms > 14*3600_000 {
			return nil, incorrect("timeZone %d is out of range", ms)
		}
		v.zone = time.FixedZone("", ms/1000)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if open := s.open(); !slices.Contains(open, user) && len(open) >= s.o.Licences {
		return nil, failed("UserLimitReached", fmt.Sprintf("All %d supervisor licences are in use", s.o.Licences))
	}
	s.sessions[user] = v
	return nil, nil
}

// open lists the users whose sessions take a licence. The lock is held.
func (s *Server) open() (users []string) {
	now := s.watch.Now()
	for user, v := range s.sessions {
		if now.Sub(v.used) <= v.idle {
			users = append(users, user)
		}
	}
	slices.Sort(users)
	return users
}

// session is the user's, as long as it is not idle for too long.
func (s *Server) session(user string) (*session, *fault) {
	now := s.watch.Now()
	s.mu.Lock()
	defer s.mu.Unlock()
	v := s.sessions[user]
	if v == nil || now.Sub(v.used) > v.idle {
		delete(s.sessions, user)
		return nil, failed("SessionNotInitialized", "Session parameters were not set")
	}
	v.used = now
	return v, nil
}

// table is a statistic at an instant.
type table struct {
	at      int64 // its timestamp
	columns []string
	rows    map[string][]string // by the first column
}

func (t *table) keys() []string { return slices.Sorted(maps.Keys(t.rows)) }

// only keeps the columns asked for, and the key.
func (t *table) only(names []string) *fault {
	var keep []int
	for _, name := range names {
		i := slices.Index(t.columns, name)
		if i < 0 {
			return failed("UnknownColumn", "Unknown column "+name)
		}
		keep = append(keep, i)
	}
	choose := func(row []string) (out []string) {
		for _, i := range keep {
			out = append(out, row[i])
		}
		return out
	}
	for key, row := range t.rows {
		t.rows[key] = choose(row)
	}
	t.columns = choose(t.columns)
	return nil
}

func (s *Server) take(v *session, kind string, n *node) (body, *fault) {
	if kind == "" {
		return nil, failed("MissedArgument", "statisticType is missing")
	}
	t := s.table(v, kind, s.watch.Now())
	if asked := n.child("columnNames").child("values"); asked != nil && len(asked.children) > 0 {
		var names []string
		for _, c := range asked.children {
			names = append(names, c.text)
		}
		if f := t.only(names); f != nil {
			return nil, f
		}
	}
	v.last[kind] = t
	return func(w *writer) {
		w.in("return", func() {
			w.in("columns", func() { w.data(cells(t.columns...)) })
			for _, key := range t.keys() {
				w.in("rows", func() { w.data(cells(t.rows[key]...)) })
			}
			w.number("timestamp", t.at)
			w.leaf("type", kind)
		})
	}, nil
}

// update answers with what changed since the client was told last; it waits for a change as long as the client wants to.
func (s *Server) update(ctx context.Context, v *session, kind string, n *node) (body, *fault) {
	text, _ := n.value("previousTimestamp")
	previous, _ := strconv.ParseInt(text, 10, 64)
	last := v.last[kind]
	if last == nil {
		return nil, failed("StatisticsNotRequested", "Statistics of type "+kind+" were not requested")
	}
	if last.at != previous {
		return nil, failed("UnknownTimestamp", "Unknown timestamp "+text)
	}
	text, _ = n.value("longPollingTimeout")
	patience, _ := strconv.ParseInt(text, 10, 64)
	until := s.watch.Now().Add(time.Duration(patience) * time.Millisecond)
	for {
		now := s.watch.Now()
		t := s.table(v, kind, now)
		if f := t.only(last.columns); f != nil {
			return nil, f
		}
		if write := changes(last, t, kind); write != nil {
			v.last[kind] = t
			return write, nil
		}
		if !now.Before(until) {
			return nil, nil // unchanged
		}
		if err := s.watch.Sleep(ctx, min(time.Second, until.Sub(now))); err != nil {
			return nil, nil
		}
	}
}

// moving says that a column changes by itself: it makes no update.
func moving(column string) bool {
	return strings.HasSuffix(column, "Duration") || strings.HasSuffix(column, "Queue Time")
}

// changes writes the difference of two tables; nil where there is none worth telling.
func changes(last, t *table, kind string) body {
	type change struct{ column, value, object string }
	var list []change
	for _, key := range t.keys() {
		before := last.rows[key]
		for i, v := range t.rows[key] {
			if before != nil && before[i] != v && !moving(t.columns[i]) {
				list = append(list, change{t.columns[i], v, key})
			}
		}
	}
	if len(list) == 0 {
		return nil
	}
	return func(w *writer) {
		w.in("return", func() {
			for _, c := range list {
				w.in("dataUpdate", func() {
					w.leaf("columnName", c.column)
					w.some("columnValue", c.value)
					w.leaf("objectName", c.object)
				})
			}
			w.number("lastTimestamp", t.at)
			w.number("previousTimestamp", last.at)
			w.leaf("type", kind)
		})
	}
}

func columnsOf(kind string) []string {
	switch kind {
	case "AgentState":
		return []string{"Username", "Full Name", "State", "State Since", "State Duration", "Reason Code", "Reason Since", "Reason Duration", "Call Type",
			"Campaign Name", "Customer", "Media Availability", "On Hold Duration", "Not Ready State Duration", "On Call State Duration"}
	case "ACDStatus":
		return []string{"Skill Name", "Calls In Queue", "Current Longest Queue Time", "Longest Queue Time", "Agents Logged In", "Agents Not Ready For Calls",
			"Agents On Call", "Agents Ready For Calls", "Queue Callbacks", "VMs In Queue"}
	}
	return []string{"Name"}
}

func (s *Server) table(v *session, kind string, now time.Time) *table {
	t := &table{at: now.UnixMilli(), columns: columnsOf(kind), rows: map[string][]string{}}
	switch kind {
	case "AgentState":
		for _, a := range s.agents() {
			t.rows[a.ID] = s.present(a).row(v.zone, now)
		}
	case "ACDStatus":
		s.queues(t, now)
	}
	return t
}

// ms is a length as the service writes it.
func ms(d time.Duration) string { return strconv.FormatInt(max(d, 0).Milliseconds(), 10) }

// row says what an agent does at an instant.
func (p *present) row(zone *time.Location, now time.Time) []string {
	since := p.since.In(zone).Format("2006-01-02 15:04:05")
	lasted := now.Sub(p.since)
	row := []string{p.account.ID, p.account.Name, p.state, since, ms(lasted), p.reason, "", "0", "", "", "", "Voice", "0", "0", "0"}
	if p.reason != "" {
		row[6], row[7] = since, ms(lasted)
	}
	switch p.state {
	case "Not Ready":
		row[13] = ms(lasted)
	case "On Call":
		row[8], row[9], row[14] = "Inbound", "Main Line", ms(lasted)
	case "On Hold":
		row[8], row[9], row[12] = "Inbound", "Main Line", ms(lasted)
	}
	return row
}

// queues says how long the queues are.
func (s *Server) queues(t *table, now time.Time) {
	waiting, longest := map[string]int{}, map[string]time.Duration{}
	s.centre.Visits(centre.Five9, now.Add(-2*time.Hour), now, func(d *day, c *contact) bool {
		left := c.Ended
		if c.Answered >= 0 {
			left = c.Answered
		}
		if q, queued := queueOf(d, c); queued && d.At(left).After(now) {
			waiting[q.Name]++
			longest[q.Name] = max(longest[q.Name], now.Sub(d.At(c.Offered)))
		}
		return true
	})
	counts := map[string]int{}
	for _, a := range s.centre.Accounts(centre.Five9) {
		counts[s.present(a).state]++
	}
	in := 0
	for state, n := range counts {
		in += pick(state == "Logged Out", 0, n)
	}
	for _, q := range s.centre.Queues(centre.Five9) {
		t.rows[q.Name] = []string{q.Name, strconv.Itoa(waiting[q.Name]), ms(longest[q.Name]), ms(longest[q.Name]), fmt.Sprintf("%d (%d)", in, in),
			strconv.Itoa(counts["Not Ready"]), strconv.Itoa(counts["On Call"]), strconv.Itoa(counts["Ready"]), "0", "0"}
	}
}
