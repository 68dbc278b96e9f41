package iservice

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/quarterhour/quarterhour/ingest"
	"github.com/quarterhour/quarterhour/schemas"
)

const (
	search  = "webapp-api-mqsearch?api=search"
	history = "webapp-api-History?api=details"
	topics  = "webapp-api-mq-managemessage?api=topics"
)

// described is a contact in a line.
func described(c schemas.Contact) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s/%s %s %s %s(%s)", c.InteractionID, c.Segment, c.Direction, c.Channel, c.QueueID, c.QueueName)
	for _, i := range []struct {
		word string
		ms   int64
	}{{"offered", c.OfferedAt}, {"answered", c.AnsweredAt}, {"ended", c.EndedAt}} {
		if i.ms != schemas.Null {
			b.WriteString(" " + i.word + " " + time.UnixMilli(i.ms).UTC().Format("02T15:04:05"))
		}
	}
	if c.AgentID != "" {
		b.WriteString(" by " + c.AgentID + "(" + c.AgentName + ")")
	}
	if c.Retracted {
		b.WriteString(" retracted")
	}
	return b.String()
}

// newestOf are the newest revisions of the contacts, in a line each.
func (c *collected) newest() []string {
	newest := map[string]schemas.Contact{}
	for _, f := range c.contacts {
		if id := f.InteractionID + "/" + f.Segment; f.Revision > newest[id].Revision {
			newest[id] = f
		}
	}
	var all []string
	for _, f := range newest {
		all = append(all, described(f))
	}
	slices.Sort(all)
	return all
}

func TestInteractionsAreContacts(t *testing.T) {
	s := newTenant(t)
	s.says(topics, "topics.json")
	s.says(search, "search.json")
	s.says(history, "thread.json")
	r := s.reading("streams: {topics: {}, interactions: {back: 24h, overlap: 3h, filters: {segment: '7'}}}")
	out := r.must()
	want := []string{
		"45500/45500 inbound email 4105(Billing) offered 01T17:00:00 answered 02T10:03:00 by 5046()",
		"45538/45538 inbound email 4105(Billing) offered 02T09:04:10 answered 02T09:20:30 ended 02T09:46:05 by 5045(Dana Ortiz)",
		"45538/45543 internal email 4105(Billing) offered 02T10:01:00 ended 02T10:01:00 by 5045()",
		"45541/45541 inbound email 4106(Returns) offered 02T09:50:00",
		"45542/45542 outbound email 4105(Billing) offered 02T10:00:00 ended 02T10:00:00 by 5046()",
	}
	if diff := cmp.Diff(want, out.newest()); diff != "" {
		t.Error(diff)
	}
	var reasons []string
	for _, d := range out.dead {
		reasons = append(reasons, d.Reason+" "+d.Location+" "+d.Fact)
	}
	if diff := cmp.Diff([]string{"time " + search + ", record 8 contact", "no_agent " + search + ", record 9 contact"}, reasons); diff != "" {
		t.Error(diff)
	}
	if out.marks["contact"] != noon.Add(-time.Minute).UnixMilli() {
		t.Errorf("complete through %d", out.marks["contact"])
	}
	wantBody := `{"__TZO__":"+00:00","fields":{"groups":[` +
		`{"fields":[{"fieldID":"dateFrom","searchString":"2026-03-01 12:00:00","where":"entire"}]},` +
		`{"fields":[{"fieldID":"dateTo","searchString":"2026-03-02 12:00:00","where":"entire"}]},` +
		`{"fields":[{"fieldID":"segment","searchString":"7","where":"anywhere"}]}]},"pageNum":1,"perPage":100,"sort":"date"}`
	body, _ := json.Marshal(s.bodies[slices.Index(s.asked, search)])
	if diff := cmp.Diff(wantBody, string(body)); diff != "" {
		t.Error(diff)
	}
	if i := slices.Index(s.asked, history); i < 0 || s.bodies[i]["threadID"] != "45500" {
		t.Errorf("asked %q with %v", s.asked, s.bodies)
	}
}

// What is said again changes nothing; what is corrected and what is gone does.
func TestInteractionsAreReadAgain(t *testing.T) {
	s := newTenant(t)
	ticket := func(id, topic string) string {
		return fmt.Sprintf(`{"id":"%s","type":"Ticket","date":"2026-03-02 10:00:00","topicID":"%s"}`, id, topic)
	}
	r := s.reading("streams: {interactions: {back: 24h, overlap: 12h, recheck: 0s}}")
	f := func(found string, handed int, want ...string) {
		t.Helper()
		s.says(search, `{"interactions":[`+found+`]}`)
		r.watch.at = r.watch.at.Add(5 * time.Minute)
		before := len(r.out.contacts)
		r.must()
		if n := len(r.out.contacts) - before; n != handed {
			t.Errorf("%d contacts handed over, want %d", n, handed)
		}
		var got []string
		for _, c := range r.out.newest() {
			got = append(got, strings.Fields(c)[0]+" "+strings.Fields(c)[3]+map[bool]string{true: " retracted"}[strings.HasSuffix(c, "retracted")])
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
	}
	f(ticket("1", "4105")+","+ticket("2", "4105"), 2, "1/1 4105()", "2/2 4105()")
	f(ticket("2", "4105")+","+ticket("1", "4105"), 0, "1/1 4105()", "2/2 4105()")
	f(ticket("1", "4106")+","+ticket("2", "4105"), 1, "1/1 4106()", "2/2 4105()")
	f(ticket("1", "4106"), 1, "1/1 4106()", "2/2 offered retracted")
}

// A question that is resolved without a message is found when it is looked at again, and then no longer.
func TestOpenQuestionsAreLookedAtAgain(t *testing.T) {
	s := newTenant(t)
	s.says(search, `{"interactions":[{"id":"1","type":"Ticket","date":"2026-03-02 11:30:00","topicID":"4105"}]}`)
	s.says(history, `{"history":[{"id":"1","type":"Ticket","date":"2026-03-02 11:30:00","topicID":"4105","status":"Closed","resolvedDate":"2026-03-02 13:00:00"}]}`)
	r := s.reading("streams: {interactions: {back: 24h, overlap: 1m, recheck: 1h}}")
	f := func(later time.Duration, looks int, want string) {
		t.Helper()
		r.watch.at = r.watch.at.Add(later)
		r.must()
		n := 0
		for _, call := range s.asked {
			if call == history {
				n++
			}
		}
		if got := r.out.newest(); n != looks || len(got) != 1 || got[0] != want {
			t.Errorf("after %s: looked %d times, %q", later, n, got)
		}
		s.says(search, `{"interactions":[]}`)
	}
	open := "1/1 inbound email 4105() offered 02T11:30:00"
	f(0, 0, open)
	f(59*time.Minute, 0, open)
	f(time.Minute, 1, open+" ended 02T13:00:00")
	f(2*time.Hour, 1, open+" ended 02T13:00:00")
}

func TestThreads(t *testing.T) {
	o := &Interactions{}
	f := func(text string, want ...string) {
		t.Helper()
		th := &thread{id: "t"}
		for _, line := range strings.Split(text, "\n") {
			w := strings.Fields(line)
			m := &message{id: w[0], thread: "t", topic: "4105", agent: "a" + w[0], created: schemas.Null, resolved: schemas.Null}
			m.kind = map[string]messageKind{"question": question, "answer": answer, "email": email, "note": note}[w[1]]
			m.date = at(w[2] + ":00")
			m.created = m.date
			for _, more := range w[3:] {
				switch name, v, _ := strings.Cut(more, "="); name {
				case "created":
					m.created = at(v + ":00")
				case "resolved":
					m.resolved = at(v + ":00")
				case "status":
					m.status = v
				case "to":
					m.question = v
				}
			}
			th.put(m)
		}
		contacts, lost := th.contacts(o, "email")
		var got []string
		for _, c := range contacts {
			got = append(got, strings.TrimSuffix(strings.ReplaceAll(strings.ReplaceAll(described(c), "02T", ""), ":00 ", " "), ":00"))
		}
		for _, m := range lost {
			got = append(got, "lost "+m.id)
		}
		slices.Sort(got)
		slices.Sort(want)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s\n%s", text, diff)
		}
	}
	in := "inbound email 4105() "
	// An answer in progress, then resolved by its status, by its own date, by the question's date.
	f("1 question 09:00\n2 answer 09:20 created=09:10", "t/1 "+in+"offered 09:00 answered 09:10 by a2()")
	f("1 question 09:00\n2 answer 09:20 created=09:10 status=resolved", "t/1 "+in+"offered 09:00 answered 09:10 ended 09:20 by a2()")
	f("1 question 09:00\n2 answer 09:20 created=09:10 resolved=09:40", "t/1 "+in+"offered 09:00 answered 09:10 ended 09:40 by a2()")
	f("1 question 09:00 resolved=09:50\n2 answer 09:20 created=09:10", "t/1 "+in+"offered 09:00 answered 09:10 ended 09:50 by a2()")
	// Two answers to one question: the first is the answer, and it lasts until the question is done with.
	f("1 question 09:00\n2 answer 09:20\n3 answer 09:30 resolved=09:31", "t/1 "+in+"offered 09:00 answered 09:20 ended 09:31 by a2()")
	// Questions after each other, each with an answer: by time, and where the answer says which one by that.
	f("1 question 09:00\n2 answer 09:20\n3 question 09:30\n4 answer 09:40",
		"t/1 "+in+"offered 09:00 answered 09:20 by a2()", "t/3 "+in+"offered 09:30 answered 09:40 by a4()")
	f("1 question 09:00\n3 question 09:30\n4 answer 09:40 to=1", "t/1 "+in+"offered 09:00 answered 09:40 by a4()", "t/3 "+in+"offered 09:30")
	// An answer slightly before its question, by another clock, and one without any.
	f("1 question 09:00\n2 answer 08:59", "t/1 "+in+"offered 09:00 answered 08:59 by a2()")
	f("2 answer 08:59\n3 note 09:00", "lost 2", "t/3 internal email 4105() offered 09:00 ended 09:00 by a3()")
	// Done with, and never answered.
	f("1 question 09:00 status=Closed resolved=09:05", "t/1 "+in+"offered 09:00 ended 09:05")
}

func TestDates(t *testing.T) {
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	o := &Options{Zone: berlin, DateFormats: []string{"02.01.2006 15:04"}}
	f := func(asked, text, want, tzo string) {
		t.Helper()
		day, _ := time.Parse(time.DateOnly, asked)
		c := o.calendarAt(day)
		ms, err := c.parse(text)
		got := time.UnixMilli(ms).UTC().Format(time.RFC3339)
		if err != nil {
			got = "none"
		}
		if got != want || c.tzo() != tzo {
			t.Errorf("%q, asked on %s, is %s with %s, want %s with %s", text, asked, got, c.tzo(), want, tzo)
		}
	}
	f("2026-03-02", "2026-03-02 10:00:00", "2026-03-02T09:00:00Z", "+01:00")
	f("2026-07-02", "2026-07-02T10:00:00", "2026-07-02T08:00:00Z", "+02:00")
	f("2026-07-02", "02.07.2026 10:00", "2026-07-02T08:00:00Z", "+02:00")
	f("2026-07-02", "7/2/2026 1:05:00 PM", "2026-07-02T11:05:00Z", "+02:00")
	f("2026-07-02", "2026-07-02T10:00:00.25-05:00", "2026-07-02T15:00:00Z", "+02:00")
	f("2026-07-02", "soon", "none", "+02:00")
	o.Zone = time.FixedZone("", 5*3600+1800)
	f("2026-07-02", "2026-07-02 10:00", "2026-07-02T04:30:00Z", "+05:30")
	o.Zone = nil
	f("2026-07-02", "2026-07-02 10:00", "2026-07-02T10:00:00Z", "+00:00")
}

// A tenant that ignores pages does not keep the source for ever.
func TestPagesThatRepeatThemselves(t *testing.T) {
	s := newTenant(t)
	s.says(search, `{"interactions":[{"id":"1","type":"Ticket","date":"2026-03-02 11:59:00"}]}`)
	err := s.reading("paging: {per_page: 1, as: text}\nstreams: {interactions: {}}").once()
	if err == nil || !strings.Contains(err.Error(), "the same page comes again") {
		t.Errorf("got %v", err)
	}
	if s.bodies[0]["pageNum"] != "1" || s.bodies[1]["pageNum"] != "2" || s.bodies[0]["perPage"] != "1" {
		t.Errorf("asked %v", s.bodies)
	}
}

// What is remembered of open questions is bounded by age and by number.
func TestOpenQuestionsAreForgotten(t *testing.T) {
	r := newTenant(t).reading("streams: {interactions: {back: 24h}}")
	s, err := open(r.o, r.deps)
	if err != nil {
		t.Fatal(err)
	}
	g := &searching{source: s, o: r.o.Streams.Interactions, known: openThreads{Open: map[string]openThread{
		"old": {Questions: map[string]int64{"1": noon.Add(-25 * time.Hour).UnixMilli()}},
		"new": {Questions: map[string]int64{"1": noon.Add(-25 * time.Hour).UnixMilli(), "2": noon.UnixMilli()}},
	}}}
	g.forget()
	if _, ok := g.known.Open["new"]; !ok || len(g.known.Open) != 1 {
		t.Errorf("left %v", g.known.Open)
	}
	for n := range mostOpen {
		g.known.Open[fmt.Sprint(n)] = openThread{Questions: map[string]int64{"1": noon.UnixMilli() - int64(n) - 1}}
	}
	g.forget()
	if _, ok := g.known.Open[fmt.Sprint(mostOpen-1)]; ok || len(g.known.Open) != mostOpen {
		t.Errorf("left %d", len(g.known.Open))
	}
}

// A thread that is gone withdraws its open question, but only where threads are found at all.
func TestDeletedThreads(t *testing.T) {
	f := func(found bool, want string) {
		t.Helper()
		s := newTenant(t)
		answer := `{"id":"9","threadID":"8","type":"Agent Response","date":"2026-03-02 11:40:00","agentID":"5"}`
		s.says(search, `{"interactions":[{"id":"1","type":"Ticket","date":"2026-03-02 11:30:00","topicID":"4105"}`+map[bool]string{true: "," + answer}[found]+`]}`)
		s.answers[history] = func(request map[string]any) string {
			if request["threadID"] == "8" {
				return `{"interactions":[{"id":"8","type":"Ticket","date":"2026-03-01 11:30:00","status":"Closed"}]}`
			}
			return `{"errors":["Thread not found."]}`
		}
		r := s.reading("streams: {interactions: {back: 24h, overlap: 1m}}")
		r.must()
		s.says(search, `{"interactions":[]}`)
		r.watch.at = r.watch.at.Add(2 * time.Hour)
		r.must()
		if got := r.out.newest(); got[0] != want || strings.Contains(r.log.String(), "thread.call") == found {
			t.Errorf("found %v: %q, %s", found, got, r.log.String())
		}
	}
	f(true, "1/1 inbound  () offered 02T11:30:00 retracted")
	f(false, "1/1 inbound email 4105() offered 02T11:30:00")
}

// A thread of which the search finds a part keeps its other open questions, until the whole of it tells what became of them. One that is
// not found while none is, is asked for again.
func TestPartsOfThreads(t *testing.T) {
	s := newTenant(t)
	ticket := func(id, date string) string {
		return fmt.Sprintf(`{"id":"%s","threadID":"1","type":"Ticket","date":"2026-03-02 %s:00","topicID":"4105"}`, id, date)
	}
	r := s.reading("streams: {interactions: {back: 24h, overlap: 1m, recheck: 1h}}")
	f := func(found, thread string, want ...string) {
		t.Helper()
		s.says(search, `{"interactions":[`+found+`]}`)
		s.says(history, thread)
		r.watch.at = r.watch.at.Add(time.Hour)
		r.must()
		var got []string
		for _, c := range r.out.newest() {
			got = append(got, strings.Fields(c)[0]+map[bool]string{true: " retracted"}[strings.HasSuffix(c, "retracted")])
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
	}
	const gone = `{"errors":["Thread not found."]}`
	f(ticket("1", "11:30"), gone, "1/1")
	f(ticket("2", "13:30"), gone, "1/1", "1/2")
	f("", gone, "1/1", "1/2")
	f("", `{"history":[`+ticket("2", "13:30")+`]}`, "1/1 retracted", "1/2")
	f("", gone, "1/1 retracted", "1/2 retracted")
}

// Answers are kept as they came where that is asked for, and the login is not among them.
func TestRawAnswersAreKept(t *testing.T) {
	s := newTenant(t)
	s.says(search, "search.json")
	s.says(history, "thread.json")
	r := s.reading("keep_raw: 48h\nstreams: {interactions: {back: 24h}}")
	var kept []string
	r.deps.Raw = func(_ context.Context, raw ingest.Raw) error {
		kept = append(kept, fmt.Sprint(raw.Stream, " ", raw.ContentType, " ", raw.Keep, " ", len(raw.Payload)))
		return nil
	}
	r.must()
	want := []string{
		fmt.Sprint("interactions application/json 48h0m0s ", len(read(t, "search.json"))), fmt.Sprint("interactions application/json 48h0m0s ", len(read(t, "thread.json"))),
	}
	if diff := cmp.Diff(want, kept); diff != "" {
		t.Error(diff)
	}
}
