package iservice_test

import (
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/quarterhour/quarterhour/internal/simulator"
	"github.com/quarterhour/quarterhour/internal/simulator/centre"
	"github.com/quarterhour/quarterhour/internal/simulator/iservice"
)

const search = "webapp-api-mqsearch?api=search"

// fields are the groups of a search, one field each: id, text, where.
func fields(conditions ...[3]string) map[string]any {
	var groups []any
	for _, c := range conditions {
		groups = append(groups, map[string]any{"fields": []any{map[string]any{"fieldID": c[0], "searchString": c[1], "where": c[2]}}})
	}
	return map[string]any{"groups": groups}
}

// found are all messages of a stretch, page by page.
func (v *vendor) found(from, to time.Time, more ...[3]string) (all []map[string]any) {
	v.Helper()
	conditions := append([][3]string{{"dateFrom", from.UTC().Format(time.DateTime), "entire"}, {"dateTo", to.UTC().Format(time.DateTime), "entire"}}, more...)
	for page := 1; ; page++ {
		a := v.must(search, map[string]any{"fields": fields(conditions...), "pageNum": page, "perPage": "500", "sort": "date"})
		list := a.records("interactions")
		if all = append(all, list...); len(list) < 500 {
			if total, _ := strconv.Atoi(a["total"].(string)); total != len(all) {
				v.Errorf("%d messages, total says %v", len(all), a["total"])
			}
			return all
		}
	}
}

func TestWhatSearchRefuses(t *testing.T) {
	v := open(t, iservice.Options{})
	f := func(part string, body map[string]any) {
		t.Helper()
		if got := v.call(search, body).wrong(); !strings.Contains(got, part) {
			t.Errorf("%v: %q, want %q", body, got, part)
		}
	}
	f("Unknown search field: colour", map[string]any{"fields": fields([3]string{"colour", "red", "anywhere"})})
	f("Invalid value of where", map[string]any{"fields": fields([3]string{"type", "Ticket", "somewhere"})})
	f("Invalid date", map[string]any{"fields": fields([3]string{"dateFrom", "yesterday", "entire"})})
	f("Invalid paging", map[string]any{"pageNum": 0})
	f("Invalid paging", map[string]any{"perPage": "many"})
}

func TestSearch(t *testing.T) {
	v := open(t, iservice.Options{})
	v.set(v.centre.From.Add(34 * time.Hour))
	all := v.found(v.centre.From, v.centre.From.AddDate(0, 0, 1))
	kinds := map[string]int{}
	for i, m := range all {
		kinds[m["type"].(string)]++
		if _, err := strconv.Atoi(m["id"].(string)); err != nil {
			t.Errorf("id %v", m["id"])
		}
		if i > 0 && m["date"].(string) < all[i-1]["date"].(string) {
			t.Errorf("message %d is out of order", i)
		}
	}
	for _, kind := range []string{"Customer Email", "Ticket", "Agent Response", "Agent Email", "Private Note", "Public Note", "Resolve Note"} {
		if kinds[kind] == 0 {
			t.Errorf("no %s among %v", kind, kinds)
		}
	}
	for page, seen := 1, 0; ; page++ {
		list := v.must(search, map[string]any{"fields": fields([3]string{"dateFrom", "2026-10-31", "entire"}), "pageNum": page, "perPage": 50}).records("interactions")
		for i, m := range list {
			if seen+i < len(all) && m["id"] != all[seen+i]["id"] {
				t.Fatalf("page %d begins with %v", page, m["id"])
			}
		}
		if seen += len(list); len(list) < 50 {
			if seen < len(all) {
				t.Errorf("%d messages page by page, %d at once", seen, len(all))
			}
			break
		}
	}
	count := func(c [3]string) int { return len(v.found(v.centre.From, v.centre.From.AddDate(0, 0, 1), c)) }
	if got := count([3]string{"type", "note", "end"}); got != kinds["Private Note"]+kinds["Public Note"]+kinds["Resolve Note"] {
		t.Errorf("%d notes", got)
	}
	if got := count([3]string{"type", "agent", "start"}); got != kinds["Agent Email"]+kinds["Agent Response"] {
		t.Errorf("%d of agents", got)
	}
	if got := count([3]string{"type", "Agent Email", "entire"}); got != kinds["Agent Email"] {
		t.Errorf("%d e-mails of agents", got)
	}
	for _, one := range []any{1, "1", true} { // the guide has all of them
		if got := v.must(search, map[string]any{"pageNum": one, "perPage": 7}).records("interactions"); len(got) != 7 {
			t.Errorf("pageNum %v: %d messages", one, len(got))
		}
	}
	if got := v.must(search, map[string]any{}).records("interactions"); len(got) != 20 {
		t.Errorf("%d messages a page", len(got))
	}
	// By another offset, dates read and are written otherwise, and the same messages are found.
	local := v.must(search, map[string]any{"__TZO__": "-07:00", "perPage": 1000, "fields": fields(
		[3]string{"dateFrom", v.centre.From.Format(time.DateTime), ""}, [3]string{"dateTo", v.centre.From.AddDate(0, 0, 1).Format(time.DateTime), ""})}).records("interactions")
	if len(local) != len(all) || local[0]["id"] != all[0]["id"] || local[0]["date"] == all[0]["date"] {
		t.Errorf("%d messages by the local offset, %d by UTC", len(local), len(all))
	}
	for _, group := range []string{"Unassigned", "Resolved"} {
		both := map[string]any{"groups": []any{map[string]any{"fields": []any{
			map[string]any{"fieldID": "status", "searchString": group, "where": "entire"}, map[string]any{"fieldID": "status", "searchString": "Sent", "where": "entire"},
		}}}}
		if a := v.must(search, map[string]any{"fields": both, "perPage": 1000}).records("interactions"); len(a) == 0 {
			t.Errorf("nothing is %s or Sent", group)
		}
	}
}

func TestOneInteraction(t *testing.T) {
	v := open(t, iservice.Options{})
	m := v.found(v.centre.From, v.watch.Now(), [3]string{"type", "Agent Response", "entire"})[0]
	a := v.must("webapp-api-mq-myqueue?api=details", map[string]any{"interactionID": m["id"], "__TZO__": "+00:00"})
	d := a["details"].(map[string]any)
	if d["threadID"] != m["threadID"] || d["bodyPlain"] == "" || d["date"] != m["date"] || d["agentID"] == "" {
		t.Errorf("details %v", d)
	}
	thread := v.must("webapp-api-History?api=details", map[string]any{"threadID": m["threadID"]}).records("interactions")
	if len(thread) < 2 || thread[0]["id"] != m["threadID"] || thread[0]["agentID"] != "" {
		t.Errorf("thread %v", thread)
	}
	if got := v.call("webapp-api-mq-myqueue?api=details", map[string]any{"interactionID": "1"}).wrong(); !strings.Contains(got, "not found") {
		t.Errorf("no interaction: %q", got)
	}
	if got := v.call("webapp-api-History?api=details", map[string]any{"threadID": "x"}).wrong(); !strings.Contains(got, "not found") {
		t.Errorf("no thread: %q", got)
	}
}

// What shows changes: messages and resolutions come late, questions move to other topics, and spam disappears.
func TestWhatChanges(t *testing.T) {
	v := open(t, iservice.Options{})
	var moved, resolved, gone int
	was := map[string]map[string]any{}
	for v.watch.set(v.centre.From.Add(8 * time.Hour)); v.watch.Now().Before(v.centre.From.Add(22 * time.Hour)); v.watch.add(10 * time.Minute) {
		now := map[string]map[string]any{}
		for _, m := range v.found(v.centre.From, v.watch.Now()) {
			id := m["id"].(string)
			if old := was[id]; old != nil {
				if old["topicID"] != m["topicID"] {
					moved++
				}
				if old["dateResolved"] == "" && m["dateResolved"] != "" {
					resolved++
				}
				if old["date"] != m["date"] || old["type"] != m["type"] || old["dateResolved"] != "" && old["dateResolved"] != m["dateResolved"] {
					t.Errorf("%v became %v", old, m)
				}
			}
			now[id] = m
		}
		for id := range was {
			if now[id] == nil {
				gone++
			}
		}
		was = now
	}
	if moved == 0 || resolved == 0 || gone == 0 {
		t.Errorf("%d moved, %d resolved, %d gone", moved, resolved, gone)
	}
}

// The interactions, and nothing else, give the truth about contacts.
func TestInteractionsTellTheTruth(t *testing.T) {
	v := open(t, iservice.Options{})
	v.set(v.centre.Until().Add(25 * time.Hour))
	day := &simulator.Day{Options: simulator.Options{Date: v.centre.From}, Queues: v.centre.Queues(centre.IService)}
	queue := func(id any) int {
		for n, q := range day.Queues {
			if q.ID == id {
				return n
			}
		}
		return -1
	}
	at := func(m map[string]any, field string) int64 {
		text, _ := m[field].(string)
		if text == "" {
			return -1
		}
		at, err := time.Parse(time.DateTime, text)
		if err != nil {
			t.Fatal(err)
		}
		return at.Sub(day.Date).Milliseconds()
	}
	agents := map[string]*simulator.Agent{}
	agent := func(m map[string]any) *simulator.Agent {
		id := m["agentID"].(string)
		if agents[id] == nil {
			agents[id] = &simulator.Agent{ID: id}
		}
		return agents[id]
	}
	questions := map[string]*simulator.Contact{}
	for _, m := range v.found(v.centre.From, v.centre.Until()) {
		c := &simulator.Contact{Queue: queue(m["topicID"]), Offered: at(m, "date"), Answered: -1, Ended: at(m, "dateResolved"), WrapEnd: -1, Outcome: "abandoned", Direction: "inbound"}
		switch m["type"] {
		case "Customer Email", "Ticket":
			questions[fmt.Sprint(m["id"])] = c
		case "Agent Response":
			q := questions[fmt.Sprint(m["parentID"])]
			q.Answered, q.Agent, q.Outcome, q.WrapEnd = at(m, "date"), agent(m), "handled", q.Ended
			continue
		default:
			c.Direction, c.Agent, c.Ended = "outbound", agent(m), c.Offered
		}
		day.Contacts = append(day.Contacts, c)
	}
	want := v.Truth(rules, v.centre.Until())
	messaging := rules
	messaging.Messaging = true
	got := day.Truth(messaging)
	got.Through(v.centre.Until(), rules.Interval)
	if diff := cmp.Diff(want.Queues, got.Queues); diff != "" || len(want.Queues) == 0 {
		t.Errorf("queues: %s", diff)
	}
	agentQueues := map[simulator.AgentQueueKey]map[string]int64{}
	for key, row := range got.AgentQueues {
		if delete(row, "completed"); key.Queue == "" {
			key.Channel = "email"
		}
		if len(row) > 0 {
			agentQueues[key] = row
		}
	}
	if diff := cmp.Diff(want.AgentQueues, agentQueues); diff != "" || len(agentQueues) == 0 {
		t.Errorf("agents in queues: %s", diff)
	}
	direct := func(t simulator.Truth) (n int64) {
		for _, row := range t.Agents {
			n += row["direct_out"]
		}
		return n
	}
	if direct(want) == 0 || direct(want) != direct(got) {
		t.Errorf("%d direct, want %d", direct(got), direct(want))
	}
}
