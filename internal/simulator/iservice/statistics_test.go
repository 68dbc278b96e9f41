package iservice_test

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/quarterhour/quarterhour/internal/simulator"
	"github.com/quarterhour/quarterhour/internal/simulator/iservice"
)

func (v *vendor) statistics(kind string, from, to time.Time) []map[string]any {
	v.Helper()
	return v.must("integration-api-workforce-management?api="+kind, map[string]any{
		"from": from.UTC().Format(time.RFC3339), "to": to.UTC().Format(time.RFC3339), "step": "15",
	}).records("records")
}

func TestWhatStatisticsRefuse(t *testing.T) {
	v := open(t, iservice.Options{})
	f := func(part string, body map[string]any) {
		t.Helper()
		if got := v.call("integration-api-workforce-management?api=agentlogin", body).wrong(); !strings.Contains(got, part) {
			t.Errorf("%v: %q, want %q", body, got, part)
		}
	}
	f(`Invalid date: from ""`, map[string]any{})
	f(`Invalid date: to "noon"`, map[string]any{"from": "2026-10-31T10:00:00Z", "to": "noon"})
	f("must be after", map[string]any{"from": "2026-10-31T10:00:00Z", "to": "2026-10-31T10:00:00Z"})
	v.Expire()
	f("session has expired", map[string]any{"from": "2026-10-31T10:00:00Z", "to": "2026-10-31T11:00:00Z"})
}

func TestNamesOfStatisticsAreOptions(t *testing.T) {
	v := open(t, iservice.Options{Statistics: iservice.Statistics{Form: "wfm", Queues: "q", From: "begin", To: "end"}})
	body := map[string]any{"begin": v.centre.From.UTC().Format(time.RFC3339), "end": v.watch.Now().UTC().Format(time.RFC3339)}
	if got := v.must("wfm?api=q", body).records("records"); len(got) == 0 {
		t.Error("no records")
	}
	a, err := v.client.Get(fmt.Sprintf("%s/f/wfm?api=q&begin=%s&end=%s", v.url, body["begin"], body["end"]))
	if err != nil {
		t.Fatal(err)
	}
	defer a.Body.Close()
	text, _ := io.ReadAll(a.Body)
	var said reply
	if err := json.Unmarshal(text, &said); err != nil || len(said.records("records")) == 0 {
		t.Errorf("by GET: %s", text)
	}
}

// The statistics, once they have settled, are the truth.
func TestStatisticsAreTheTruth(t *testing.T) {
	v := open(t, iservice.Options{Reported: true, OddLogins: true})
	v.set(v.centre.Until().Add(25 * time.Hour))
	from, to := v.centre.From, v.centre.Until()
	start := func(r map[string]any) int64 {
		at, err := time.Parse(time.RFC3339, r["intervalStartDateTime"].(string))
		if err != nil || at.Unix()%900 != 0 {
			t.Fatalf("record %v", r)
		}
		return at.Unix()
	}
	row := func(pairs map[string]any) map[string]int64 {
		kept := map[string]int64{}
		for name, v := range pairs {
			if n, ok := v.(float64); ok && n > 0 {
				if kept[name] = int64(n); strings.HasSuffix(name, "_ms") {
					kept[name] *= 1000
				}
			}
		}
		return kept
	}
	got := simulator.Truth{Queues: map[simulator.QueueKey]map[string]int64{}, AgentQueues: map[simulator.AgentQueueKey]map[string]int64{}, Agents: map[simulator.AgentKey]map[string]int64{}}
	for _, r := range v.statistics("queuestatistics", from, to) {
		got.Queues[simulator.QueueKey{Start: start(r), Queue: r["queueId"].(string), Channel: "email"}] = row(map[string]any{
			"offered": r["offeredContacts"], "answered": r["answeredContacts"], "contact_ms": r["contactTime"]})
	}
	null, known := 0, 0
	for _, r := range v.statistics("agentactivity", from, to) {
		got.AgentQueues[simulator.AgentQueueKey{Start: start(r), Agent: r["agentId"].(string), Queue: r["queueId"].(string), Channel: "email"}] = row(map[string]any{
			"answered": r["answeredContacts"], "contact_ms": r["contactTime"], "completed": r["completedContacts"]})
		if r["completedContacts"] == nil {
			null++
		} else {
			known++
		}
	}
	odd := 0
	for _, r := range v.statistics("agentlogin", from, to) {
		login := r["loginTime"].(float64)
		if login > 900 || !strings.Contains(strings.ToLower(r["agentName"].(string)), "@") {
			t.Errorf("record %v", r)
		}
		if login < 0 {
			odd++
		}
		if cells := row(map[string]any{"login_ms": r["loginTime"], "direct_out": r["directOutContacts"]}); len(cells) > 0 {
			got.Agents[simulator.AgentKey{Start: start(r), Agent: r["agentId"].(string)}] = cells
		}
	}
	if diff := cmp.Diff(v.Truth(rules, v.centre.Until()), got); diff != "" {
		t.Error(diff)
	}
	if null == 0 || known == 0 || odd == 0 {
		t.Errorf("completedContacts null in %d records, known in %d; %d login times below zero", null, known, odd)
	}
}

// A step that is read at once is corrected later; steps without anything have no record.
func TestStatisticsAreCorrected(t *testing.T) {
	v := open(t, iservice.Options{})
	begin := v.centre.From.Add(12 * time.Hour)
	f := func(kind string) {
		t.Helper()
		changed, steps := 0, map[any]bool{}
		for n := range 12 {
			from := begin.Add(time.Duration(n) * 15 * time.Minute)
			v.set(from.Add(15 * time.Minute))
			early := v.statistics(kind, from, from.Add(15*time.Minute))
			v.watch.add(40 * time.Minute)
			if late := v.statistics(kind, from, from.Add(15*time.Minute)); !cmp.Equal(early, late) {
				changed++
			}
		}
		if changed == 0 {
			t.Errorf("%s: nothing was corrected", kind)
		}
		v.set(v.centre.From.Add(23 * time.Hour))
		for _, r := range v.statistics(kind, v.centre.From, v.watch.Now()) {
			steps[r["intervalStartDateTime"]] = true
		}
		if len(steps) == 0 || len(steps) >= 92 {
			t.Errorf("%s: records for %d steps", kind, len(steps))
		}
	}
	f("queuestatistics")
	f("agentactivity")
	f("agentlogin")
	v.set(begin.Add(time.Minute))
	if got := v.statistics("agentlogin", begin, begin.Add(time.Hour)); len(got) == 0 || got[len(got)-1]["intervalStartDateTime"] != begin.UTC().Format(time.RFC3339) {
		t.Errorf("records of steps that have not begun: %v", got)
	}
}
