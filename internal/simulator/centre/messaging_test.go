package centre

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/quarterhour/quarterhour/internal/simulator"
)

// The messaging truth against a count that puts every question and answer where the definitions do, and walks logins by the second.
func TestMessagingTruth(t *testing.T) {
	c := small(t, "America/Los_Angeles", 4)
	truth := c.Truth(rules, c.Until(), IService)
	quarter := func(at time.Time) int64 { return at.Unix() - at.Unix()%900 }
	queues := map[string]map[simulator.QueueKey]int64{"offered": {}, "answered": {}, "contact_ms": {}, "wait_ms": {}, "abandoned": {}}
	agents := map[string]map[simulator.AgentQueueKey]int64{"answered": {}, "contact_ms": {}}
	login := map[simulator.AgentKey]int64{}
	for n := range c.Days {
		d := c.Day(IService, n)
		for _, v := range d.Contacts {
			if v.Queue < 0 {
				continue
			}
			q := d.Queues[v.Queue]
			at := func(ms int64) simulator.QueueKey {
				return simulator.QueueKey{Start: quarter(d.At(ms)), Queue: q.ID, Channel: q.Channel}
			}
			queues["offered"][at(v.Offered)]++
			if v.Answered < 0 {
				if v.Outcome == "abandoned" {
					queues["abandoned"][at(v.Ended)]++
				}
				continue
			}
			queues["answered"][at(v.Ended)]++
			queues["contact_ms"][at(v.Ended)] += v.Ended - v.Answered
			queues["wait_ms"][at(v.Ended)] += v.Answered - v.Offered
			by := func(ms int64) simulator.AgentQueueKey {
				return simulator.AgentQueueKey{Start: quarter(d.At(ms)), Agent: v.Agent.ID, Queue: q.ID, Channel: q.Channel}
			}
			agents["answered"][by(v.Answered)]++
			agents["contact_ms"][by(v.Ended)] += v.Ended - v.Answered
		}
		for _, a := range d.Agents {
			in, out := d.At(a.States[0].At), d.At(a.States[len(a.States)-1].At)
			for start := quarter(in); start < out.Unix() || start*1000 < out.UnixMilli(); start += 900 {
				login[simulator.AgentKey{Start: start, Agent: a.ID}] += (start+900)*1000 - max(in.UnixMilli(), start*1000)
			}
		}
	}
	for measure, want := range queues {
		same(t, measure, want, truth.Queues)
	}
	for measure, want := range agents {
		same(t, "agent's "+measure, want, truth.AgentQueues)
	}
	same(t, "login_ms", login, truth.Agents)
}

// same compares one measure, whose name is the last word.
func same[K comparable](t *testing.T, measure string, want map[K]int64, rows map[K]map[string]int64) {
	t.Helper()
	name, got := measure, map[K]int64{}
	if _, after, ok := strings.Cut(measure, " "); ok {
		name = after
	}
	for k, m := range rows {
		if m[name] != 0 {
			got[k] = m[name]
		}
	}
	for k, n := range want {
		if n == 0 {
			delete(want, k)
		}
	}
	if diff := cmp.Diff(want, got); diff != "" || len(want) == 0 {
		t.Errorf("%s of %d rows: %s", measure, len(want), diff)
	}
}

// Rows that end after the instant are left out, and no others.
func TestTruthThrough(t *testing.T) {
	c := small(t, "Europe/Berlin", 5)
	whole := c.Truth(rules, c.Until(), Five9)
	noon := c.From.AddDate(0, 0, 1).Add(12*time.Hour + 7*time.Minute)
	part := c.Truth(rules, noon, Five9)
	for k, m := range whole.Queues {
		_, ok := part.Queues[k]
		if want := k.Start+900 <= noon.Unix(); ok != want || ok && !cmp.Equal(m, part.Queues[k]) {
			t.Errorf("row %v is there: %t, want %t", k, ok, want)
		}
	}
	if len(part.Queues) == 0 || len(part.Queues) == len(whole.Queues) {
		t.Errorf("%d of %d rows", len(part.Queues), len(whole.Queues))
	}
}
