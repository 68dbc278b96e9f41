package gladly

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/quarterhour/quarterhour/schemas"
)

// row is a row of the report: contact agent inbox created routed accepted ended status handle after, - for empty. Times are of 2 March.
func row(words string) string {
	w := strings.Fields(words)
	for i := range w {
		if w[i] == "-" {
			w[i] = ""
		} else if strings.Count(w[i], ":") == 2 {
			w[i] = "2026-03-02T" + w[i] + "Z"
		}
	}
	id := ""
	if w[6] != "" {
		id = "w-" + w[0] + w[1]
	}
	return strings.Join([]string{id, w[0], w[3], "cu", "v-" + w[0], w[2], "CHAT", "INBOUND", w[5], w[4], w[1], "", w[6], w[7], "", w[8], w[9], "0", w[2]}, ",") + "\n"
}

func TestWorkSessions(t *testing.T) {
	f := func(rows string, want map[string]string, letters ...string) {
		t.Helper()
		f := newFake(t, now)
		f.sessions = sessionHeader + rows
		f.drain(f.options(only("work_sessions")))
		if diff := cmp.Diff(want, f.world.calls()); diff != "" {
			t.Errorf("%s\n%s", rows, diff)
		}
		if diff := cmp.Diff(letters, f.world.letters()); diff != "" {
			t.Errorf("%s\n%s", rows, diff)
		}
	}
	// The vendor's own example.
	f(`1Jr,dzwe,2026-03-02T17:04:12.070Z,594w,mTs0,0tvv,CHAT,INBOUND,2026-03-02T17:04:40.000Z,2026-03-02T17:04:13.000Z,Xee,2026-03-02T17:05:01.000Z,2026-03-02T17:19:30.000Z,ANSWERED,true,890.5,42,0,0tvv
,eAwe,2026-03-02T17:50:00.000Z,gHuf,K98j,0tvv,EMAIL,INBOUND,,2026-03-02T17:50:02.000Z,,,,,,,,,
`, map[string]string{"dzwe Xee": "chat 0tvv 17:04:13-17:04:40-17:19:30 talk 14m50.5s wrap 42s handled", "eAwe": "email 0tvv 17:50:02---- talk - wrap - unknown"})
	// Abandoned; unanswered; a way to end that is new.
	f(row("c1 - i1 10:00:00 10:00:01 - 10:01:00 ABANDONED - -")+row("c2 - i1 10:00:00 - - 10:01:00 UNANSWERED - -")+row("c3 - i1 10:00:00 10:00:01 - 10:01:00 VANISHED - -"),
		map[string]string{"c1": "chat i1 10:00:01---10:01:00 talk - wrap - abandoned", "c2": "chat i1 10:00:00---10:01:00 talk - wrap - unknown", "c3": "chat i1 10:00:01---10:01:00 talk - wrap - unknown"})
	// Under way: accepted, not ended.
	f(row("c1 a i1 10:00:00 10:00:01 10:00:05 - - - -"), map[string]string{"c1 a": "chat i1 10:00:01-10:00:05-- talk - wrap - unknown"})
	// Two agents: the first passed it on when its handle time ended, and the second was offered it then. The order of rows means nothing.
	two := []string{row("c1 a i1 10:00:00 10:00:01 10:00:05 10:20:00 ANSWERED 300 10"), row("c1 b i2 10:00:00 10:00:01 10:06:00 10:20:00 ANSWERED 840 20.25")}
	want := map[string]string{"c1 a": "chat i1 10:00:01-10:00:05-10:05:05 talk 5m0s wrap 10s transferred", "c1 b": "chat i2 10:05:05-10:06:00-10:20:00 talk 14m0s wrap 20.25s handled"}
	f(two[0]+two[1], want)
	f(two[1]+two[0], want)
	// Passed on, and nobody answered the second time.
	f(row("c1 a i1 10:00:00 10:00:01 10:00:05 10:20:00 ABANDONED 300 10")+row("c1 - i2 10:00:00 10:00:01 - 10:20:00 ABANDONED - -"),
		map[string]string{"c1 a": "chat i1 10:00:01-10:00:05-10:05:05 talk 5m0s wrap 10s transferred", "c1": "chat i2 10:05:05---10:20:00 talk - wrap - abandoned"})
	// The row of a segment that was routed anew says so itself.
	f(row("c1 a i1 10:00:00 10:00:01 10:00:05 10:20:00 ANSWERED 300 10")+row("c1 b i2 10:00:00 10:05:30 10:06:00 10:20:00 ANSWERED 840 20"),
		map[string]string{"c1 a": "chat i1 10:00:01-10:00:05-10:05:05 talk 5m0s wrap 10s transferred", "c1 b": "chat i2 10:05:30-10:06:00-10:20:00 talk 14m0s wrap 20s handled"})
	// The same work session twice, the second time with its id.
	f(strings.Replace(row("c1 a i1 10:00:00 10:00:01 10:00:05 10:20:00 ANSWERED 300 10"), "w-c1a", "", 1)+row("c1 a i1 10:00:00 10:00:01 10:00:05 10:20:00 ANSWERED 300 10"),
		map[string]string{"c1 a": "chat i1 10:00:01-10:00:05-10:20:00 talk 5m0s wrap 10s handled"})
	// Answered, says the status, and not when: by the first reply, or by the handle time.
	f(row("c1 a i1 10:00:00 10:00:01 - 10:20:00 ANSWERED 300 10"), map[string]string{"c1 a": "chat i1 10:00:01-10:15:00-10:20:00 talk 5m0s wrap 10s handled"})
	// What an agent began is no offer.
	f(strings.Replace(row("c1 a i1 10:00:00 10:00:01 - 10:20:00 ANSWERED 300 10"), "INBOUND", "OUTBOUND", 1),
		map[string]string{"c1 a": "chat i1 10:00:01-10:00:01-10:20:00 talk 5m0s wrap 10s handled outbound"})
	// Times with a blank, fractions, no zone; calls are voice.
	f("w,c1,2026-03-02 10:00:00,,,i1,PHONE_CALL,INBOUND,2026-03-02 10:00:05.25,2026-03-02 10:00:01.000,a,,2026-03-02 10:20:00.123456,answered,,1e2,,,\n",
		map[string]string{"c1 a": "voice i1 10:00:01-10:00:05.250-10:20:00.123 talk 1m40s wrap - handled"})
	// Cells that cannot be read are dead-lettered, row by row.
	f(row("c1 a i1 soon 10:00:01 10:00:05 10:20:00 ANSWERED 300 10")+row("c2 a i1 10:00:00 10:00:01 10:00:05 10:20:00 ANSWERED long 10")+
		row("- a i1 10:00:00 - - - - - -")+"too,few\n"+"a,\"b\"c,\n"+row("c3 - i1 10:00:00 10:00:01 - - - - -"),
		map[string]string{"c3": "chat i1 10:00:01---- talk - wrap - unknown"},
		`contact gladly, report work-session-events, line 2: the input has "soon" as "contact_session_created_at", which is no instant`,
		`contact gladly, report work-session-events, line 3: the input has "long" as "work_session_handle_time_sec", which is no number of seconds`,
		`contact gladly, report work-session-events, line 4: the input has no "contact_session_id"`,
		`contact gladly, report work-session-events, line 5: the input has 2 values where the header has 19`,
		`contact gladly, report work-session-events, line 6: the input is not CSV: extraneous or missing " in quoted-field`)
	f("", map[string]string{})
}

// Columns come by name: in another order, with new ones, and under the old name of the handle time. One that is needed and missing is an
// error that says which.
func TestColumns(t *testing.T) {
	f := newFake(t, now)
	f.sessions = "novelty,status,agent_id,contact_session_id,contact_session_ended_at,agent_accepted_at,contact_session_created_at,channel,inbox_id,work_session_handle_time\n" +
		"x,ANSWERED,a,c1,2026-03-02T10:20:00Z,2026-03-02T10:01:00Z,2026-03-02T10:00:00Z,SMS,i1,60\n"
	f.drain(f.options(only("work_sessions")))
	if diff := cmp.Diff(map[string]string{"c1 a": "sms i1 10:00:00-10:01:00-10:20:00 talk 1m0s wrap - handled"}, f.world.calls()); diff != "" {
		t.Error(diff)
	}
	for _, c := range f.world.contacts {
		if c.QueueName != "Billing" || c.AgentName != "Dana Ortiz" {
			t.Errorf("names %q %q", c.QueueName, c.AgentName)
		}
	}
	f.sessions = "status,agent_id,contact_session_id\nx,y,z\n"
	err := f.world.drain(f.options(only("work_sessions")))
	if err == nil || !strings.Contains(err.Error(), `report work-session-events has no column "contact_session_created_at", "agent_accepted_at", "contact_session_ended_at"`) {
		t.Errorf("error %v", err)
	}
	if got := f.requests("POST"); !strings.Contains(got[0], `{"endAtTime":"2026-03-02T18:00Z","startAtTime":"2026-02-28T19:00Z"}`) {
		t.Error(got)
	}
}

// Rows move: a contact that waits, then has an agent, then ends, later counts longer, and is withdrawn. Each time another process reads.
func TestRowsMove(t *testing.T) {
	f := newFake(t, now)
	o := f.options(only("work_sessions"))
	read := func(at, rows string, want map[string]string) {
		t.Helper()
		when, err := time.Parse(time.RFC3339, at)
		if err != nil {
			t.Fatal(err)
		}
		f.world.watch.set(when)
		f.sessions = sessionHeader + rows
		f.drain(o)
		if diff := cmp.Diff(want, f.world.calls()); diff != "" {
			t.Errorf("%s %s\n%s", at, rows, diff)
		}
	}
	read("2026-03-02T11:00:00Z", row("c1 - i1 10:00:00 10:00:01 - - - - -"), map[string]string{"c1": "chat i1 10:00:01---- talk - wrap - unknown"})
	read("2026-03-02T11:10:00Z", row("c1 a i1 10:00:00 10:00:01 11:05:00 - - - -"), map[string]string{"c1 a": "chat i1 10:00:01-11:05:00-- talk - wrap - unknown"})
	ended := map[string]string{"c1 a": "chat i1 10:00:01-11:05:00-11:15:00 talk 10m0s wrap 0s handled"}
	read("2026-03-02T11:20:00Z", row("c1 a i1 10:00:00 10:00:01 11:05:00 11:15:00 ANSWERED 600 0"), ended)
	written := f.world.written
	read("2026-03-02T11:30:00Z", row("c1 a i1 10:00:00 10:00:01 11:05:00 11:15:00 ANSWERED 600 0"), ended)
	if f.world.written != written {
		t.Error("written again")
	}
	read("2026-03-02T11:40:00Z", row("c1 a i1 10:00:00 10:00:01 11:05:00 11:15:00 ANSWERED 600 45.5"), map[string]string{"c1 a": "chat i1 10:00:01-11:05:00-11:15:00 talk 10m0s wrap 45.5s handled"})
	f.world.watch.set(f.world.watch.Now().Add(10 * time.Minute))
	f.sessions = "" // not even a header: nothing says that this is the report
	f.drain(o)
	if len(f.world.calls()) != 1 {
		t.Errorf("an empty answer withdrew what was there: %v", f.world.calls())
	}
	read("2026-03-02T13:00:00Z", "", map[string]string{})
}

// A contact that waits longer than the window gets an agent: the segment without one is taken back all the same, days later.
func TestWaitingLongerThanTheWindow(t *testing.T) {
	f := newFake(t, "2026-03-02T11:00:00Z")
	o := f.options(only("work_sessions"))
	f.sessions = sessionHeader + row("c1 - i1 10:00:00 10:00:01 - - - - -")
	f.drain(o)
	for _, at := range []string{"2026-03-03T11:00:00Z", "2026-03-04T11:00:00Z", "2026-03-05T11:00:00Z"} {
		when, _ := time.Parse(time.RFC3339, at)
		f.world.watch.set(when)
		f.sessions = sessionHeader
		if at < "2026-03-04" { // still in the window
			f.sessions += row("c1 - i1 10:00:00 10:00:01 - - - - -")
		}
		f.drain(o)
		if len(f.world.calls()) != 1 {
			t.Fatal(at, f.world.calls())
		}
	}
	f.sessions = sessionHeader + strings.Replace(row("c1 a i1 10:00:00 10:00:01 - - - - -"), ",,2026-03-02T10:00:01Z,a,,,", ",2026-03-05T11:10:00Z,2026-03-02T10:00:01Z,a,,2026-03-05T11:15:00Z,ANSWERED", 1)
	when, _ := time.Parse(time.RFC3339, "2026-03-05T12:00:00Z")
	f.world.watch.set(when)
	f.drain(o)
	if diff := cmp.Diff(map[string]string{"c1 a": "chat i1 10:00:01-11:10:00-11:15:00 talk - wrap - handled"}, f.world.calls()); diff != "" {
		t.Error(diff)
	}
}

// contactLine is an event of a contact: time kind contact agent inbox status.
func contactLine(words string) string {
	w := strings.Fields(words)
	for i := range w {
		if w[i] == "-" {
			w[i] = ""
		}
	}
	more := ""
	if w[1] == "TRANSFERRED" {
		more = fmt.Sprintf(`,"assignee":{"inboxId":%q}`, w[5])
		w[5] = ""
	}
	by := "CUSTOMER"
	if w[1] == "OUTREACH" {
		w[1], by = "STARTED", "AGENT"
	}
	return fmt.Sprintf(`{"id":%q,"type":"CONTACT/%s","timestamp":"2026-03-02T%sZ","initiator":{"id":%q,"type":%q},"content":{"contactId":%q,"conversationId":%q,"channel":"CHAT","agentId":%q,"status":%q,"context":{"assignee":{"inboxId":%q}}%s}}`+"\n",
		words, w[1], w[0], w[3], by, w[2], "v-"+w[2], w[3], w[5], w[4], more)
}

func contactLines(lines ...string) string {
	var b strings.Builder
	for _, l := range lines {
		b.WriteString(contactLine(l))
	}
	return b.String()
}

func TestContactEvents(t *testing.T) {
	f := func(want map[string]string, lines ...string) {
		t.Helper()
		for range 2 { // forwards and backwards
			f := newFake(t, now)
			f.events = always(contactLines(lines...))
			f.drain(f.options(only("conversations")))
			if diff := cmp.Diff(want, f.world.calls()); diff != "" {
				t.Errorf("%s\n%s", strings.Join(lines, "\n"), diff)
			}
			slices.Reverse(lines)
		}
	}
	f(map[string]string{"c1 a": "chat i1 17:00:00-17:00:20-17:10:00 talk - wrap - handled"},
		"17:00:00 STARTED c1 - i1 -", "17:00:10 OFFERED c1 a i1 -", "17:00:20 OFFER_ACCEPTED c1 a i1 -", "17:00:30 MESSAGE_SENT c1 a i1 -", "17:10:00 ENDED c1 a i1 ANSWERED")
	f(map[string]string{"c1": "chat i1 17:00:00---17:03:00 talk - wrap - abandoned"}, "17:00:00 STARTED c1 - i1 -", "17:03:00 ENDED c1 - i1 ABANDONED")
	f(map[string]string{"c1": "chat i1 17:00:00---17:03:00 talk - wrap - unknown"}, "17:00:00 STARTED c1 - i1 -", "17:03:00 ENDED c1 - i1 UNANSWERED")
	// Declined by one, accepted by another.
	f(map[string]string{"c1 b": "chat i1 17:00:00-17:02:00-- talk - wrap - unknown"},
		"17:00:00 STARTED c1 - i1 -", "17:00:10 OFFERED c1 a i1 -", "17:00:20 OFFER_REJECTED c1 a i1 -", "17:02:00 OFFER_ACCEPTED c1 b i1 -")
	// Passed on to another inbox, and waiting there.
	f(map[string]string{"c1 a": "chat i1 17:00:00-17:00:20-17:05:00 talk - wrap - transferred", "c1": "chat i2 17:05:00---- talk - wrap - unknown"},
		"17:00:00 STARTED c1 - i1 -", "17:00:20 OFFER_ACCEPTED c1 a i1 -", "17:05:00 TRANSFERRED c1 a - i2")
	f(map[string]string{"c1 a": "chat i1 17:00:00-17:00:20-17:05:00 talk - wrap - transferred", "c1 b": "chat i2 17:05:00-17:06:00-17:09:00 talk - wrap - handled"},
		"17:00:00 STARTED c1 - i1 -", "17:00:20 OFFER_ACCEPTED c1 a i1 -", "17:05:00 TRANSFERRED c1 a - i2", "17:06:00 OFFER_ACCEPTED c1 b i2 -", "17:09:00 ENDED c1 b i2 ANSWERED")
	// Ended by passing it on, to a contact of its own.
	f(map[string]string{"c1 a": "chat i1 17:00:00-17:00:20-17:05:00 talk - wrap - transferred"},
		"17:00:00 STARTED c1 - i1 -", "17:00:20 OFFER_ACCEPTED c1 a i1 -", "17:05:00 TRANSFERRED c1 a - i2", "17:05:00 ENDED c1 a i1 ANSWERED")
	// Taken over without a word.
	f(map[string]string{"c1 a": "chat i1 17:00:00-17:00:20-17:04:00 talk - wrap - transferred", "c1 b": "chat i1 17:04:00-17:04:00-- talk - wrap - unknown"},
		"17:00:00 STARTED c1 - i1 -", "17:00:20 OFFER_ACCEPTED c1 a i1 -", "17:04:00 OFFER_ACCEPTED c1 b i1 -")
	// An agent reaches out.
	f(map[string]string{"c1 a": "chat i1 17:00:00-17:00:00-17:04:00 talk - wrap - handled outbound"}, "17:00:00 OUTREACH c1 a i1 -", "17:04:00 ENDED c1 a i1 ANSWERED")
	// The start was recorded after the acceptance: nothing happens after what follows it.
	f(map[string]string{"c1 a": "chat i1 17:00:05-17:00:05-17:04:00 talk - wrap - handled"},
		"17:00:05 OFFER_ACCEPTED c1 a i1 -", "17:00:12 STARTED c1 - i1 -", "17:04:00 ENDED c1 a i1 ANSWERED")
	// A contact whose start is not known is left to the report.
	f(map[string]string{}, "17:04:00 ENDED c1 a i1 ANSWERED", "17:00:20 OFFER_ACCEPTED c1 a i1 -")
}

// The report has the last word, an hour later: it corrects, and takes back what it does not have.
func TestEventsAndReport(t *testing.T) {
	f := newFake(t, "2026-03-02T17:30:00Z")
	o := f.options("streams: {statuses: {every: 0s}}")
	f.events = recorded(contactLines("17:00:00 STARTED c1 - i1 -", "17:00:20 OFFER_ACCEPTED c1 a i1 -", "17:10:00 ENDED c1 a i1 ANSWERED",
		"17:01:00 STARTED ghost - i1 -", "17:02:00 ENDED ghost - i1 ABANDONED", "17:20:00 STARTED c2 - i1 -", "17:25:00 OFFER_ACCEPTED c2 b i1 -"))
	for range 2 { // in whatever order the two streams are read
		f.drain(o)
	}
	want := map[string]string{
		"c1 a": "chat i1 17:00:00-17:00:20-17:10:00 talk - wrap - handled", "ghost": "chat i1 17:01:00---17:02:00 talk - wrap - abandoned",
		"c2 b": "chat i1 17:20:00-17:25:00-- talk - wrap - unknown",
	}
	if diff := cmp.Diff(want, f.world.calls()); diff != "" {
		t.Error(diff)
	}
	// The report knows c1 whole, and of c2 that it waits.
	at, _ := time.Parse(time.RFC3339, "2026-03-02T18:20:00Z")
	f.world.watch.set(at)
	f.sessions = sessionHeader + row("c1 a i1 17:00:00 17:00:01 17:00:20 17:10:00 ANSWERED 589.5 12") + row("c2 - i1 17:20:00 17:20:01 - - - - -")
	for range 2 {
		f.drain(o)
	}
	got := f.world.calls()
	delete(got, "c2 b")
	delete(got, "c2") // the one or the other, by which stream was read first
	if diff := cmp.Diff(map[string]string{"c1 a": "chat i1 17:00:01-17:00:20-17:10:00 talk 9m49.5s wrap 12s handled"}, got); diff != "" {
		t.Error(diff)
	}
	at, _ = time.Parse(time.RFC3339, "2026-03-02T19:00:00Z")
	f.world.watch.set(at)
	f.sessions += row("c2 b i1 17:20:00 17:20:01 17:25:00 17:50:00 ANSWERED 1500 0")
	f.sessions = strings.Replace(f.sessions, row("c2 - i1 17:20:00 17:20:01 - - - - -"), "", 1)
	f.drain(o)
	if diff := cmp.Diff(map[string]string{"c1 a": "chat i1 17:00:01-17:00:20-17:10:00 talk 9m49.5s wrap 12s handled", "c2 b": "chat i1 17:20:01-17:25:00-17:50:00 talk 25m0s wrap 0s handled"}, f.world.calls()); diff != "" {
		t.Error(diff)
	}
}

// Whatever the order, number and batches of a contact's events, the same segments come of them.
func TestContactHistories(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		var tales []tale
		for range rapid.IntRange(0, 8).Draw(rt, "events") {
			tales = append(tales, tale{
				at: noon + 1000*rapid.Int64Range(0, 20).Draw(rt, "at"), recorded: noon + 1000*rapid.Int64Range(0, 30).Draw(rt, "recorded"),
				step: step(rapid.IntRange(1, 4).Draw(rt, "step")), agent: rapid.SampledFrom([]string{"a", "b"}).Draw(rt, "agent"),
				queue: rapid.SampledFrom([]string{"", "i1", "i2"}).Draw(rt, "queue"), status: rapid.SampledFrom([]string{"ANSWERED", "ABANDONED", ""}).Draw(rt, "status"),
			})
		}
		folded := func(order []tale) []part {
			var all []tale
			for _, x := range order {
				all, _ = add(all, x)
			}
			return foldTales(all)
		}
		want := folded(tales)
		got := folded(rapid.Permutation(append(slices.Clone(tales), tales...)).Draw(rt, "order"))
		if diff := cmp.Diff(want, got, cmp.AllowUnexported(part{})); diff != "" {
			rt.Fatal(diff)
		}
		segments := map[string]bool{}
		for _, p := range got {
			if segments[p.segment] {
				rt.Fatalf("two segments %q", p.segment)
			}
			segments[p.segment] = true
			if p.offered == schemas.Null || p.answered != schemas.Null && p.answered < p.offered || p.ended != schemas.Null && p.ended < max(p.offered, p.answered) {
				rt.Fatalf("times out of order: %+v", p)
			}
		}
	})
}

// A conversation that closes ends its contact, if nothing else did; reopened, it does not. Conversations that are gone or merged are no
// trouble.
func TestConversations(t *testing.T) {
	f := newFake(t, now)
	closed := func(id string) string {
		return fmt.Sprintf(`{"id":"x%s","type":"CONVERSATION/CLOSED","timestamp":"2026-03-02T17:30:00Z","initiator":{"type":"AGENT"},"content":{"conversationId":"v-%s"}}`+"\n", id, id)
	}
	f.events = always(contactLines("17:00:00 STARTED c1 - i1 -", "17:00:20 OFFER_ACCEPTED c1 a i1 -", "17:00:00 STARTED c2 - i1 -", "17:00:00 STARTED c3 - i1 -", "17:00:00 STARTED c4 - i1 -",
		"17:00:00 STARTED c5 - i1 -", "17:02:00 ENDED c5 - i1 ABANDONED") + closed("c1") + closed("c2") + closed("c3") + closed("c4") + closed("c5"))
	f.answers["/conversations/v-c1"] = `{"id":"v-c1","createdAt":"2026-03-02T17:00:00Z","closedAt":"2026-03-02T17:29:59.500Z","inboxId":"i1","status":"CLOSED","new":1}`
	f.answers["/conversations/v-c2"] = `{"id":"v-c2","status":"OPEN","inboxId":"i1"}` // reopened since
	f.answers["/conversations/v-c4"] = `301 /conversations/v-c1`                      // merged
	f.drain(f.options(only("conversations")))
	want := map[string]string{
		"c1 a": "chat i1 17:00:00-17:00:20-17:29:59.500 talk - wrap - handled", "c2": "chat i1 17:00:00---- talk - wrap - unknown",
		"c3": "chat i1 17:00:00---- talk - wrap - unknown", "c4": "chat i1 17:00:00---17:29:59.500 talk - wrap - unknown",
		"c5": "chat i1 17:00:00---17:02:00 talk - wrap - abandoned",
	}
	if diff := cmp.Diff(want, f.world.calls()); diff != "" {
		t.Error(diff)
	}
	if got := f.requests("GET /conversations/v-c5"); len(got) != 0 {
		t.Error("asked without need:", got)
	}
}

// Inbox and channel are asked for where the event does not name them.
func TestFill(t *testing.T) {
	f := newFake(t, now)
	f.events = always(strings.NewReplacer(`"CHAT"`, `""`).Replace(contactLine("17:00:00 STARTED c1 - - -")))
	f.answers["/conversations/v-c1"] = `{"id":"v-c1","inboxId":"i1","status":"OPEN"}`
	f.answers["/conversations/v-c1/items"] = `[{"id":"1","content":{"type":"TOPIC_CHANGE"}},{"id":"2","content":{"type":"FACEBOOK_MESSAGE"}}]`
	f.drain(f.options(only("conversations")))
	if diff := cmp.Diff(map[string]string{"c1": "fb_messenger i1 17:00:00---- talk - wrap - unknown"}, f.world.calls()); diff != "" {
		t.Error(diff)
	}
}

// What is kept of contacts that wait is bounded by age and by number.
func TestPendingIsBounded(t *testing.T) {
	end := time.Date(2026, 3, 2, 18, 0, 0, 0, time.UTC)
	at := end.UnixMilli()
	p := pending{"old": {"": at - longestPending.Milliseconds() - 1, "a": at}, "first": {"": at - 10_000_000}}
	for i := range mostPending + 10 {
		p[fmt.Sprint(i)] = map[string]int64{"": at - int64(mostPending-i)}
	}
	if n := p.forget(end); n != 11 || len(p) != mostPending {
		t.Errorf("%d forgotten, %d left", n, len(p))
	}
	for _, id := range []string{"first", "0"} {
		if p[id] == nil {
			t.Errorf("%s is forgotten", id)
		}
	}
	if p["old"] != nil || p[fmt.Sprint(mostPending+9)] != nil {
		t.Error("old, or the newest, is there")
	}
}
