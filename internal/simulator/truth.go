package simulator

import (
	"maps"
	"time"
)

// Rules are the pipeline's settings that the truth depends on.
type Rules struct {
	Interval, ServiceLevel, ShortAbandon time.Duration
	Messaging                            bool // profile wfm-messaging instead of acd; of agents' states only the login counts
}

// Rows are named as in the tables. Start is seconds since 1970, UTC.
type (
	// QueueKey names a row of queue_intervals.
	QueueKey struct {
		Start          int64
		Queue, Channel string
	}
	// AgentQueueKey names a row of agent_queue_intervals.
	AgentQueueKey struct {
		Start                 int64
		Agent, Queue, Channel string
	}
	// AgentKey names a row of agent_intervals.
	AgentKey struct {
		Start int64
		Agent string
	}
)

// Truth is what the interval tables must say: the measures of every row that is not all zero, by the tables' column names.
type Truth struct {
	Queues      map[QueueKey]map[string]int64
	AgentQueues map[AgentQueueKey]map[string]int64
	Agents      map[AgentKey]map[string]int64
}

// Add takes in the truth about another day or system.
func (t *Truth) Add(o Truth) {
	sum(&t.Queues, o.Queues)
	sum(&t.AgentQueues, o.AgentQueues)
	sum(&t.Agents, o.Agents)
}

func sum[K comparable](rows *map[K]map[string]int64, more map[K]map[string]int64) {
	if *rows == nil {
		*rows = map[K]map[string]int64{}
	}
	for key, measures := range more {
		row := (*rows)[key]
		if row == nil {
			row = map[string]int64{}
			(*rows)[key] = row
		}
		for name, n := range measures {
			if name == "max_wait_ms" {
				row[name] = max(row[name], n)
			} else {
				row[name] += n
			}
		}
	}
}

// Through leaves out the rows that end after an instant.
func (t *Truth) Through(end time.Time, interval time.Duration) {
	last := end.Add(-interval).Unix()
	maps.DeleteFunc(t.Queues, func(k QueueKey, _ map[string]int64) bool { return k.Start > last })
	maps.DeleteFunc(t.AgentQueues, func(k AgentQueueKey, _ map[string]int64) bool { return k.Start > last })
	maps.DeleteFunc(t.Agents, func(k AgentKey, _ map[string]int64) bool { return k.Start > last })
}

// Truth computes the tables from what happened, second-guessing the transform: it walks every interval of the day for every contact.
func (d *Day) Truth(r Rules) Truth {
	t := truth{
		Truth: Truth{map[QueueKey]map[string]int64{}, map[AgentQueueKey]map[string]int64{}, map[AgentKey]map[string]int64{}},
		day:   d, size: r.Interval.Milliseconds(), rules: r,
	}
	contact, agent := t.contact, t.agent
	if r.Messaging {
		contact, agent = t.message, t.login
	}
	for _, c := range d.Contacts {
		contact(c)
	}
	for _, a := range d.Agents {
		agent(a)
	}
	return t.Truth
}

type truth struct {
	Truth
	day   *Day
	size  int64
	rules Rules
}

func (t *truth) start(interval int64) int64 { return t.day.Date.Unix() + interval*t.size/1000 }

func add[K comparable](rows map[K]map[string]int64, key K, measure string, n int64) {
	if n == 0 {
		return
	}
	if rows[key] == nil {
		rows[key] = map[string]int64{}
	}
	rows[key][measure] += n
}

func (t *truth) queue(at int64, c *Contact, measure string, n int64) {
	if c.Queue >= 0 {
		q := t.day.Queues[c.Queue]
		add(t.Queues, QueueKey{t.start(at / t.size), q.ID, q.Channel}, measure, n)
	}
}

func (t *truth) agentQueue(at int64, c *Contact, measure string, n int64) {
	queue, channel := "", "voice"
	if c.Queue >= 0 {
		queue, channel = t.day.Queues[c.Queue].ID, t.day.Queues[c.Queue].Channel
	}
	if c.Agent != nil {
		add(t.AgentQueues, AgentQueueKey{t.start(at / t.size), c.Agent.ID, queue, channel}, measure, n)
	}
}

func (t *truth) both(at int64, c *Contact, measure string, n int64) {
	t.queue(at, c, measure, n)
	t.agentQueue(at, c, measure, n)
}

func (t *truth) contact(c *Contact) {
	t.spans(c)
	if c.Direction == "outbound" {
		t.agentQueue(c.Offered, c, "direct_out", 1)
		add(t.Agents, AgentKey{t.start(c.Offered / t.size), c.Agent.ID}, "direct_out", 1)
		return
	}
	t.queue(c.Offered, c, "offered", 1)
	left := c.Ended
	if c.Answered >= 0 {
		left = c.Answered
		t.both(left, c, "answered", 1)
		t.agentQueue(c.WrapEnd, c, "completed", 1)
		t.waited(c, "wait_ms", "answered_in_sl")
	}
	switch c.Outcome {
	case "abandoned":
		t.queue(left, c, "abandoned", 1)
		t.waited(c, "abandon_wait_ms", "abandoned_in_sl")
		if left-c.Offered < t.rules.ShortAbandon.Milliseconds() {
			t.queue(left, c, "short_abandoned", 1)
		}
	case "transferred":
		t.queue(c.Ended, c, "transferred_out", 1)
	case "overflowed":
		t.queue(c.Ended, c, "overflowed", 1)
	}
	for end := (c.Offered/t.size + 1) * t.size; end <= left; end += t.size {
		t.queue(end-1, c, "backlog", 1)
	}
}

func (t *truth) waited(c *Contact, wait, inServiceLevel string) {
	left := c.Ended
	if c.Answered >= 0 {
		left = c.Answered
	}
	waited := left - c.Offered
	t.queue(left, c, wait, waited)
	if waited <= t.rules.ServiceLevel.Milliseconds() {
		t.queue(left, c, inServiceLevel, 1)
	}
	t.longest(left, c, waited)
}

func (t *truth) longest(at int64, c *Contact, waited int64) {
	if q := t.day.Queues[c.Queue]; waited > 0 {
		key := QueueKey{t.start(at / t.size), q.ID, q.Channel}
		if t.Queues[key] == nil {
			t.Queues[key] = map[string]int64{}
		}
		t.Queues[key]["max_wait_ms"] = max(t.Queues[key]["max_wait_ms"], waited)
	}
}

// spans splits talk, hold and wrap-up over the intervals. Nobody recorded when the hold was: it is spread evenly over the
// conversation, so that up to any instant the whole milliseconds of its share have passed.
func (t *truth) spans(c *Contact) {
	if c.Answered < 0 {
		return
	}
	for from := c.Answered / t.size * t.size; from <= max(c.Ended, c.WrapEnd); from += t.size {
		held := func(at int64) int64 {
			return c.Hold * (min(max(at, c.Answered), c.Ended) - c.Answered) / (c.Ended - c.Answered)
		}
		contact := overlap(c.Answered, c.Ended, from, from+t.size)
		hold := held(from+t.size) - held(from)
		wrap := overlap(c.Ended, c.WrapEnd, from, from+t.size)
		for measure, n := range map[string]int64{
			"contact_ms": contact, "hold_ms": hold, "talk_ms": contact - hold, "wrap_ms": wrap, "handle_ms": contact + wrap,
		} {
			t.both(from, c, measure, n)
		}
		add(t.Agents, AgentKey{t.start(from / t.size), c.Agent.ID}, "concurrency_ms", contact)
	}
}

func overlap(from, to, low, high int64) int64 { return max(0, min(to, high)-max(from, low)) }

func (t *truth) agent(a *Agent) {
	for i, s := range a.States {
		if s.State == "logged_out" {
			continue
		}
		to := a.States[i+1].At // every day ends logged out
		for from := s.At / t.size * t.size; from < to; from += t.size {
			n, key := overlap(s.At, to, from, from+t.size), AgentKey{t.start(from / t.size), a.ID}
			add(t.Agents, key, "login_ms", n)
			add(t.Agents, key, s.State+"_ms", n)
			if s.Reason != "" {
				add(t.Agents, key, "not_ready_by_reason."+s.Reason, n)
			}
		}
	}
}
