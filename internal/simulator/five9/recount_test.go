package five9

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/quarterhour/quarterhour/internal/simulator"
)

// recount works out some measures from report rows alone, second by second.
type recount struct {
	*rig
	seen                        map[string]bool
	offered, answered, lost     map[simulator.QueueKey]int64
	contact, wrap, login, ready map[simulator.AgentKey]int64
	states                      map[string][]mark
}

type mark struct {
	at    time.Time
	state string
}

func newRecount(r *rig) *recount {
	c := &recount{rig: r, seen: map[string]bool{}, states: map[string][]mark{}}
	for _, m := range []*map[simulator.QueueKey]int64{&c.offered, &c.answered, &c.lost} {
		*m = map[simulator.QueueKey]int64{}
	}
	for _, m := range []*map[simulator.AgentKey]int64{&c.contact, &c.wrap, &c.login, &c.ready} {
		*m = map[simulator.AgentKey]int64{}
	}
	return c
}

// take reads the rows of a window in which the data centre's clock did not change; when is in it.
func (c *recount) take(report string, rows []map[string]string, when time.Time) {
	c.Helper()
	_, offset := when.Zone()
	zone := time.FixedZone("", offset)
	for _, row := range rows {
		key := fmt.Sprint(report, offset) + rowKey(row)
		if c.seen[key] { // the report lists it twice
			continue
		}
		c.seen[key] = true
		at, err := time.ParseInLocation("Mon, 2 Jan 2006 15:04:05", row["TIMESTAMP"], zone)
		if err != nil {
			c.Fatal(err)
		}
		if report == StateReport {
			c.states[row["AGENT"]] = append(c.states[row["AGENT"]], mark{at, row["STATE"]})
			continue
		}
		c.visit(row, at)
	}
}

// rowKey tells rows apart. Days of timestamps have one digit or two.
func rowKey(row map[string]string) string {
	return row["CALL ID"] + row["SESSION GUID"] + strings.Replace(row["TIMESTAMP"], ", 0", ", ", 1) + row["CALL TYPE"] + row["AGENT"] + row["SKILL"] + row["STATE"]
}

func (c *recount) lasts(row map[string]string, columns ...string) (sum time.Duration) {
	c.Helper()
	for _, name := range columns {
		if text := row[name]; text != "" {
			h, rest, _ := strings.Cut(text, ":")
			m, s, _ := strings.Cut(rest, ":")
			d, err := time.ParseDuration(h + "h" + m + "m" + s + "s")
			if err != nil {
				c.Fatal(err)
			}
			sum += d
		}
	}
	return sum
}

func quarter(t time.Time) int64 { return t.Unix() / 900 * 900 }

func (c *recount) visit(row map[string]string, at time.Time) {
	c.Helper()
	skill, user := strings.Trim(row["SKILL"], "[None]"), row["AGENT"]
	if row["SKILL"] != "[None]" {
		skill = row["SKILL"]
	}
	channel := strings.ToLower(row["MEDIA TYPE"])
	if channel == "" {
		channel = "voice"
	}
	offered := at.Add(c.lasts(row, "IVR TIME"))
	left := offered.Add(c.lasts(row, "QUEUE WAIT TIME", "RING TIME", "QUEUE TIME"))
	if skill != "" {
		c.offered[simulator.QueueKey{Start: quarter(offered), Queue: skill, Channel: channel}]++
	}
	if user == "" || user == "[None]" {
		if row["ABANDONED"] == "1" || row["WORK ITEM STATUS"] == "Abandoned" {
			c.lost[simulator.QueueKey{Start: quarter(left), Queue: skill, Channel: channel}]++
		}
		return
	}
	if skill != "" {
		c.answered[simulator.QueueKey{Start: quarter(left), Queue: skill, Channel: channel}]++
	}
	end := left.Add(c.lasts(row, "TALK TIME", "CHAT TIME", "EMAIL TIME"))
	wrapped := end.Add(c.lasts(row, "AFTER CALL WORK TIME", "AFTER CHAT WORK"))
	c.seconds(c.contact, user, left, end)
	c.seconds(c.wrap, user, end, wrapped)
}

func (c *recount) seconds(to map[simulator.AgentKey]int64, user string, from, end time.Time) {
	for ; from.Before(end); from = from.Add(time.Second) {
		to[simulator.AgentKey{Start: quarter(from), Agent: user}] += 1000
	}
}

func (c *recount) live() {
	for user, marks := range c.states {
		slices.SortStableFunc(marks, func(a, b mark) int { return a.at.Compare(b.at) })
		for i, m := range marks {
			if m.state == "Logout" {
				continue
			}
			c.seconds(c.login, user, m.at, marks[i+1].at)
			if m.state == "Ready" {
				c.seconds(c.ready, user, m.at, marks[i+1].at)
			}
		}
	}
}

func (c *recount) compare(truth simulator.Truth) {
	c.Helper()
	queues := func(measure string, got map[simulator.QueueKey]int64) {
		c.Helper()
		want := map[simulator.QueueKey]int64{}
		for k, m := range truth.Queues {
			want[k] = m[measure]
		}
		same(c, measure, want, got)
	}
	queues("offered", c.offered)
	queues("answered", c.answered)
	queues("abandoned", c.lost)
	contact, wrap, login, ready := map[simulator.AgentKey]int64{}, map[simulator.AgentKey]int64{}, map[simulator.AgentKey]int64{}, map[simulator.AgentKey]int64{}
	for k, m := range truth.AgentQueues {
		contact[simulator.AgentKey{Start: k.Start, Agent: k.Agent}] += m["contact_ms"]
		wrap[simulator.AgentKey{Start: k.Start, Agent: k.Agent}] += m["wrap_ms"]
	}
	for k, m := range truth.Agents {
		login[k], ready[k] = m["login_ms"], m["available_ms"]
	}
	same(c, "contact_ms", contact, c.contact)
	same(c, "wrap_ms", wrap, c.wrap)
	same(c, "login_ms", login, c.login)
	same(c, "available_ms", ready, c.ready)
}

func same[K comparable](c *recount, measure string, want, got map[K]int64) {
	c.Helper()
	var sum int64
	for k, n := range want {
		if sum += n; got[k] != n {
			c.Errorf("%s of %v: want %d, got %d", measure, k, n, got[k])
		}
	}
	for k, n := range got {
		if want[k] != n {
			c.Errorf("%s of %v: want %d, got %d", measure, k, want[k], n)
		}
	}
	if sum == 0 {
		c.Error(fmt.Sprint(measure, " is nothing at all"))
	}
}
