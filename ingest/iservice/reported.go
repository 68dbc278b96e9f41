package iservice

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/quarterhour/quarterhour/schemas"
)

// fields reads the fields of a record. The first fault stays.
type fields struct {
	*source
	record
	fault *fault
}

func (f *fields) fail(reason, format string, args ...any) {
	if f.fault == nil {
		f.fault = &fault{reason, fmt.Errorf(format, args...)}
	}
}

// start is the step that the record is about, which must be one of the pipeline's intervals.
func (f *fields) start(path string) int64 {
	text := f.text(path)
	if text == "" {
		f.fail("no_time", "field %q is empty: the record cannot be placed", path)
		return 0
	}
	at, err := f.o.calendarAt(f.watch.Now()).parse(text)
	if err != nil {
		f.fail("time", "field %q: %w", path, err)
		return 0
	}
	if from, _ := f.deps.Bounds(at); from != at {
		f.fail("off_grid", "field %q is %q, where no interval begins: the one that holds it begins at %s", path, text, time.UnixMilli(from).UTC().Format(time.RFC3339))
	}
	return at
}

// longest is how many characters an id or a name may have: the vendor's contract says 1 to 100.
const longest = 100

// name is an id or a name of 1 to 100 characters; empty is for others to judge.
func (f *fields) name(path string) string {
	text := f.text(path)
	n := utf8.RuneCountInString(text)
	if n <= longest {
		return text
	}
	if f.o.Streams.Statistics.LongTexts == "cut" {
		return string([]rune(text)[:longest])
	}
	f.fail("too_long", "field %q has %d characters, and %d are allowed: set streams.statistics.long_texts: cut to use the first %d", path, n, longest, longest)
	return ""
}

// identity is an id and a name, of which either may stand in for the other.
func (f *fields) identity(idPath, namePath string) (id, name string) {
	id, name = f.name(idPath), f.name(namePath)
	if id == "" {
		id = name
	}
	if id == "" {
		f.fail("no_identity", "fields %q and %q are empty: the record cannot be told from others", idPath, namePath)
	}
	return id, name
}

// first is the first of a list of names: the agent's name is the first e-mail of the login list.
func first(list string) string {
	for _, n := range strings.FieldsFunc(list, func(r rune) bool { return r == ',' || r == ';' }) {
		if n = strings.TrimSpace(n); n != "" {
			return n
		}
	}
	return ""
}

var (
	errNumber = errors.New("not a whole number")
	errRange  = errors.New("beyond 32 bits")
)

// whole is a whole number of 32 bits, which may stand in quotes; ok is false where there is none.
func (f *fields) whole(path string) (n int64, ok bool) {
	var text string
	switch v := f.value(path).(type) {
	case nil:
		return 0, false
	case json.Number:
		text = v.String()
	case string:
		text = strings.TrimSpace(v)
	default:
		f.fail("no_number", "field %q is %v: %w", path, v, errNumber)
		return 0, false
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		x, e := strconv.ParseFloat(text, 64)
		if e != nil || x != math.Trunc(x) || math.Abs(x) > math.MaxInt32 {
			f.fail("no_number", "field %q is %q: %w", path, text, errNumber)
			return 0, false
		}
		n = int64(x)
	}
	if n > math.MaxInt32 || n < math.MinInt32 {
		f.fail("too_large", "field %q is %q: %w", path, text, errRange)
		return 0, false
	}
	return n, true
}

// count is a number that cannot be negative; required says that it must be there. An empty path is not asked for.
func (f *fields) count(path string, required bool) (n int64, ok bool) {
	if path == "" {
		return 0, false
	}
	n, ok = f.whole(path)
	if !ok && required {
		f.fail("no_value", "field %q is absent", path)
	}
	if n < 0 {
		f.fail("negative", "field %q is %d: it cannot be negative", path, n)
	}
	return n, ok
}

// queueRow makes a row of a record of the queue statistics.
func (s *source) queueRow(rec record) (any, *fault) {
	o, f := &s.o.Streams.Statistics.Queues, &fields{source: s, record: rec}
	row := schemas.QueueInterval{IntervalStart: f.start(o.Start), Channel: s.o.Channel, Facts: 1}
	row.QueueID, row.QueueName = f.identity(o.QueueID, o.Queue)
	row.Offered, _ = f.count(o.Offered, true)
	row.Answered, _ = f.count(o.Answered, true)
	contact, _ := f.count(o.Contact, true)
	row.ContactMs = contact * 1000
	return &row, f.fault
}

// activityRow makes a row of a record of the agents' activity.
func (s *source) activityRow(rec record) (any, *fault) {
	o, f := &s.o.Streams.Statistics.Activity, &fields{source: s, record: rec}
	row := schemas.AgentQueueInterval{IntervalStart: f.start(o.Start), Channel: s.o.Channel, Completed: schemas.Null, Facts: 1}
	row.QueueID, row.QueueName = f.identity(o.QueueID, o.Queue)
	row.AgentID, row.AgentName = f.agent(o.AgentID, o.Agent)
	row.Answered, _ = f.count(o.Answered, true)
	if n, ok := f.count(o.Completed, false); ok {
		row.Completed = n
	}
	contact, _ := f.count(o.Contact, true)
	row.ContactMs = contact * 1000
	return &row, f.fault
}

// agent is the agent's id and name. The name is the first e-mail of the login list, should the whole list be given.
func (f *fields) agent(idPath, namePath string) (id, name string) {
	list := f.text(namePath)
	if !strings.ContainsAny(list, ",;") {
		return f.identity(idPath, namePath)
	}
	alone := fields{source: f.source, record: record{"id": f.text(idPath), "name": first(list)}, fault: f.fault}
	id, name = alone.identity("id", "name")
	f.fault = alone.fault
	return id, name
}

// agentRow makes a row of a record of the agents' logins.
func (s *source) agentRow(rec record) (any, *fault) {
	o, f := &s.o.Streams.Statistics.Agents, &fields{source: s, record: rec}
	row := schemas.AgentInterval{IntervalStart: f.start(o.Start), ScheduledMs: schemas.Null, AdherentMs: schemas.Null, Facts: 1}
	row.AgentID, row.AgentName = f.agent(o.AgentID, o.Agent)
	login, ok := f.whole(o.Login)
	if !ok {
		f.fail("no_value", "field %q is absent", o.Login)
	}
	// The time from the login to the end of the step: a login after it makes less than nothing, one long before it more than all.
	row.LoginMs = min(max(login*1000, 0), s.o.Streams.Statistics.Step.Milliseconds())
	row.DirectOut, _ = f.count(o.DirectOut, o.DirectOut != "")
	return &row, f.fault
}
