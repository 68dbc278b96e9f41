package five9

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/quarterhour/quarterhour/schemas"
)

// clockOf is the time of an instant in March 2026 in Los Angeles.
func clockOf(ms int64) string {
	if ms == schemas.Null {
		return "-"
	}
	return time.UnixMilli(ms - 8*3_600_000).UTC().Format("15:04:05.999")
}

func lengthOf(ms int64) string {
	if ms == schemas.Null {
		return "-"
	}
	return fmt.Sprint(time.Duration(ms) * time.Millisecond)
}

// reading gives the contacts of a report, and what became of rows that are none.
func reading(t *testing.T, options string, csv ...string) (contacts, dead []string, err error) {
	t.Helper()
	s := newScript(t)
	s.watch.now = time.Date(2026, 3, 2, 21, 0, 0, 0, time.UTC)
	s.on("getReportResultCsv", "<return>"+escaped(strings.Join(csv, ""))+"</return>")
	err = s.drain("back: 5h\n" + options)
	for _, c := range s.out.newestContacts() {
		contacts = append(contacts, fmt.Sprintf("%s|%s %s %s q=%s a=%s (%s) %s %s %s talk %s hold %s wrap %s %s", c.InteractionID, strings.TrimPrefix(c.Segment, "17724"),
			c.Channel, c.Direction, c.QueueID, c.AgentID, c.AgentName, clockOf(c.OfferedAt), clockOf(c.AnsweredAt), clockOf(c.EndedAt), lengthOf(c.TalkMs), lengthOf(c.HoldMs),
			lengthOf(c.WrapMs), c.Outcome))
	}
	for _, d := range s.out.dead {
		dead = append(dead, d.Reason+" "+d.Detail+" @"+d.Location+" "+strings.TrimSpace(string(d.Payload)))
	}
	slices.Sort(contacts)
	return contacts, dead, err
}

// row is a row of the call log: the first three columns, and the others by name.
func row(id, at, rest string) string {
	return fmt.Sprintf("%s,\"Mon, 2 Mar 2026 %s\",Main,%s\n", id, at, rest)
}

func TestCalls(t *testing.T) {
	f := func(options, rows string, want ...string) {
		t.Helper()
		got, dead, err := reading(t, options, callHeader, rows)
		if err != nil || len(dead) > 0 {
			t.Errorf("%s: %v, %v", rows, err, dead)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (- want + got):\n%s", rows, diff)
		}
	}
	// Answered: IVR, queue with milliseconds, ring, talk with hold inside, wrap-up.
	f("streams: {calls: {}}", oneCall, "3001|78312/Inbound/dortiz/Sales voice inbound q=Sales a=dortiz (Dana Ortiz) 11:05:22 11:05:30.235 11:07:30.235 talk 1m30s hold 30s wrap 20s handled")
	f("streams: {calls: {talk_includes_hold: false}}", oneCall, "3001|78312/Inbound/dortiz/Sales voice inbound q=Sales a=dortiz (Dana Ortiz) 11:05:22 11:05:30.235 11:08:00.235 talk 2m0s hold 30s wrap 20s handled")
	// Abandoned, with nobody, nothing and blank cells.
	f("streams: {calls: {}}", row("1", "11:00:00", "Inbound,[None],,Abandon,,00:00:30,,,,,,,1,Sales"),
		"1|78000/Inbound//Sales voice inbound q=Sales a= () 11:00:00 - 11:00:30 talk - hold - wrap - abandoned")
	f("streams: {calls: {}}", row("1", "11:00:00", "inbound, [NONE] ,,,00:00:00,00:00:30,00:00:05,00:00:00,,,,0,1,[none]"),
		"1|78000/inbound// voice inbound q= a= () 11:00:00 - 11:00:35 talk - hold - wrap - abandoned")
	// While it rang at an agent, the caller left: nobody handled it.
	f("streams: {calls: {}}", row("1", "11:00:00", "Inbound,dortiz,Dana,,,00:00:30,00:00:05,,,,,0,1,Sales"),
		"1|78000/Inbound/dortiz/Sales voice inbound q=Sales a= () 11:00:00 - 11:00:35 talk - hold - wrap - abandoned")
	// Transferred; overflowed; voicemail; parked; deleted.
	f("streams: {calls: {}}", row("1", "11:00:00", "Inbound,dortiz,Dana,,,00:00:10,,00:01:00,,00:00:30,00:00:05,1,0,Sales"),
		"1|78000/Inbound/dortiz/Sales voice inbound q=Sales a=dortiz (Dana) 11:00:00 11:00:10 11:01:40 talk 1m0s hold 0s wrap 5s transferred")
	f("streams: {calls: {}}", row("1", "11:00:00", "Inbound,,,,,00:00:10,,,,,,1,0,Sales"),
		"1|78000/Inbound//Sales voice inbound q=Sales a= () 11:00:00 - 11:00:10 talk - hold - wrap - overflowed")
	f("streams: {calls: {}}", row("1", "11:00:00", "Inbound Voicemail,,,,,00:00:10,,00:00:20,,,,0,0,Sales"),
		"1|78000/Inbound Voicemail//Sales voice inbound q=Sales a= () 11:00:00 - 11:00:10 talk - hold - wrap - voicemail")
	f("streams: {calls: {}}", row("1", "11:00:00", "Inbound,[Deleted],[Deleted],,,00:00:10,,00:00:20,,,00:00:05,0,0,[Deleted]"),
		"1|78000/Inbound/[Deleted]/[Deleted] voice inbound q=[Deleted] a=[Deleted] ([Deleted]) 11:00:00 11:00:10 11:00:30 talk 20s hold 0s wrap 5s handled")
	// Directions, and those of the pipeline file; types that are not known.
	f("streams: {calls: {}}", row("1", "11:00:00", "Manual,dortiz,Dana,,,,00:00:07,00:01:00,,,,0,0,")+row("2", "11:00:00", "Queue Callback,dortiz,Dana,,,00:00:20,,00:01:00,,,,0,0,Sales")+
		row("3", "11:00:00", "3rd party transfer,dortiz,Dana,,,,,00:01:00,,,,0,0,")+row("4", "11:00:00", "Teleport,dortiz,Dana,,,,,00:01:00,,,,0,0,")+
		row("5", "11:00:00", "Inbound Hologram,dortiz,Dana,,,,,00:01:00,,,,0,0,Sales")+row("6", "11:00:00", "Preview,dortiz,Dana,,,,00:00:07,,,,,0,0,"),
		"1|78000/Manual/dortiz/ voice outbound q= a=dortiz (Dana) 11:00:00 11:00:07 11:01:07 talk 1m0s hold 0s wrap 0s handled",
		"2|78000/Queue Callback/dortiz/Sales voice callback q=Sales a=dortiz (Dana) 11:00:00 11:00:20 11:01:20 talk 1m0s hold 0s wrap 0s handled",
		"3|78000/3rd party transfer/dortiz/ voice internal q= a=dortiz (Dana) 11:00:00 11:00:00 11:01:00 talk 1m0s hold 0s wrap 0s handled",
		"4|78000/Teleport/dortiz/ voice internal q= a=dortiz (Dana) 11:00:00 11:00:00 11:01:00 talk 1m0s hold 0s wrap 0s handled",
		"5|78000/Inbound Hologram/dortiz/Sales voice inbound q=Sales a=dortiz (Dana) 11:00:00 11:00:00 11:01:00 talk 1m0s hold 0s wrap 0s handled",
		"6|78000/Preview/dortiz/ voice outbound q= a=dortiz (Dana) 11:00:00 - 11:00:07 talk - hold - wrap - unknown")
	f("streams: {calls: {call_types: {teleport: outbound, PREVIEW: leave_out}}}", row("4", "11:00:00", "Teleport,dortiz,Dana,,,,,00:01:00,,,,0,0,")+row("6", "11:00:00", "Preview,dortiz,Dana,,,,,,,,,0,0,"),
		"4|78000/Teleport/dortiz/ voice outbound q= a=dortiz (Dana) 11:00:00 11:00:00 11:01:00 talk 1m0s hold 0s wrap 0s handled")
	// Several legs of one call: by time and agent; equal keys are numbered; equal rows are one.
	leg := row("1", "11:00:00", "Inbound,dortiz,Dana,,,,,00:01:00,,,,0,0,Sales")
	longer := row("1", "11:00:00", "Inbound,dortiz,Dana,,,,,00:02:00,,,,0,0,Sales")
	f("streams: {calls: {}}", leg+longer+leg+row("1", "11:01:00", "Inbound,ekaya,Elif,,,,,00:01:00,,,,0,0,Billing"),
		"1|78000/Inbound/dortiz/Sales voice inbound q=Sales a=dortiz (Dana) 11:00:00 11:00:00 11:01:00 talk 1m0s hold 0s wrap 0s handled",
		"1|78000/Inbound/dortiz/Sales#2 voice inbound q=Sales a=dortiz (Dana) 11:00:00 11:00:00 11:02:00 talk 2m0s hold 0s wrap 0s handled",
		"1|78060/Inbound/ekaya/Billing voice inbound q=Billing a=ekaya (Elif) 11:01:00 11:01:00 11:02:00 talk 1m0s hold 0s wrap 0s handled")
	// The queue is what the pipeline file says, dispositions decide, expressions replace.
	f("streams: {calls: {queue: skill_or_campaign, dispositions: {done: overflowed}}}", row("1", "11:00:00", "Inbound,[None],,DONE,,00:00:30,,,,,,0,1,[None]"),
		"1|78000/Inbound// voice inbound q=Main a= () 11:00:00 - 11:00:30 talk - hold - wrap - overflowed")
	f(`streams: {calls: {fields: {queue_name: 'row["CAMPAIGN"] + ": " + queue_id', channel: '"phone"', ended_at: 'answered_at + duration(row["talk time"])', wrap_ms: 'row["AFTER CALL WORK TIME"]', agent_name: 'row["AGENT NAME"] ?? "nobody"'}}}`,
		row("1", "11:00:00", "Inbound,dortiz,,,,,,00:01:00,,00:09:00,00:00:07,0,0,Sales"),
		"1|78000/Inbound/dortiz/Sales phone inbound q=Sales a=dortiz (nobody) 11:00:00 11:00:00 11:01:00 talk 1m0s hold 0s wrap 7s handled")
}

// Rows that cannot be used are dead letters that say where and why, and the others pass.
func TestBadRows(t *testing.T) {
	f := func(bad, want string) {
		t.Helper()
		got, dead, err := reading(t, "streams: {calls: {}}", callHeader, oneCall, bad)
		if err != nil || len(got) != 1 || len(dead) != 1 || !strings.Contains(dead[0], want) || !strings.Contains(dead[0], "row 2") || !strings.Contains(dead[0], "WFM Reports/WFM Call Log") {
			t.Errorf("%s: %v, %d contacts, %q; want %s", bad, err, len(got), dead, want)
		}
	}
	f(row("", "11:00:00", "Inbound,,,,,,,,,,,0,1,Sales"), `no_identity column "CALL ID" is empty`)
	f(row("1", "11:77:00", "Inbound,,,,,,,,,,,0,1,Sales"), `time column "TIMESTAMP": "Mon, 2 Mar 2026 11:77:00" is not a time`)
	f(row("1", "11:00:00", "Inbound,,,,,a while,,,,,,0,1,Sales"), `duration column "QUEUE WAIT TIME": "a while" is not a duration`)
	f(row("1", "11:00:00", "Inbound,,,,,,,-00:00:01,,,,0,1,Sales"), `column "TALK TIME": "-00:00:01" is negative`)
	f("1,\"Mon, 2 Mar 2026 11:00:00\",Main\n", "columns the row has 3 values and the header 17 columns")
	f("1,Mon\"day,x\n", "quotes")
}

// A result in which no row can be used is no result: nothing is withdrawn because of it. The same goes for one without a header.
func TestUnusableResult(t *testing.T) {
	f := func(csv, want string) {
		t.Helper()
		s := newScript(t)
		s.on("getReportResultCsv", "<return>"+escaped(callHeader+oneCall)+"</return>")
		if err := s.drain(callsOnly); err != nil {
			t.Fatal(err)
		}
		s.on("getReportResultCsv", csv)
		s.watch.move(15 * time.Minute)
		err := s.drain(callsOnly)
		if err == nil || !strings.Contains(err.Error(), want) || len(s.out.newestContacts()) != 1 {
			t.Errorf("%s: %v, %d contacts; want %s", csv, err, len(s.out.newestContacts()), want)
		}
	}
	f("<return>"+escaped(callHeader+strings.ReplaceAll(oneCall, "Mar", "März"))+"</return>", "none of its 1 rows can be used")
	f("<return/>", "without even a header")
	f("", "no such element")
	f("<return>"+escaped(strings.ReplaceAll(callHeader, "SKILL", "QUEUE"))+"</return>", `report "WFM Call Log" has no column "SKILL" (skill)`)
	f("status 200 <html>maintenance</html>", "HTML")
	f("status 200 <e:Envelope><e:Body><r><return>CALL ID,TIME", "unexpected EOF")
}

// Columns may come in any order and case, more of them than are needed, and under other names.
func TestColumns(t *testing.T) {
	want, _, err := reading(t, "streams: {calls: {}}", callHeader, oneCall)
	if err != nil {
		t.Fatal(err)
	}
	f := func(options, header, row string) {
		t.Helper()
		got, dead, err := reading(t, options, header, row)
		if diff := cmp.Diff(want, got); err != nil || diff != "" || len(dead) > 0 {
			t.Errorf("%s: %v, %v\n%s", header, err, dead, diff)
		}
	}
	f("streams: {calls: {}}", strings.ToLower(callHeader), oneCall)
	f("streams: {calls: {}}", "\ufeff"+callHeader, oneCall)
	f("streams: {calls: {}}", strings.ReplaceAll(callHeader, "\n", "\r\n"), strings.ReplaceAll(oneCall, "\n", "\r\n"))
	f("streams: {calls: {}}", "NEW,"+callHeader, "\"a \"\"b\"\"\nc\","+oneCall)
	f("streams: {calls: {columns: {skill: Queue, agent_name: NAME}}}", strings.NewReplacer("SKILL", "queue", "AGENT NAME", "Name").Replace(callHeader), oneCall)
	f("streams: {calls: {columns: {park_time: ''}}}", strings.Replace(callHeader, "PARK TIME", "PARKED", 1), oneCall)
	f("streams: {calls: {}}", strings.Replace(callHeader, "TIMESTAMP", "DATE,TIME", 1), strings.Replace(oneCall, "\"Mon, 2 Mar 2026 11:05:12\"", "2026/03/02,11:05:12", 1))
	reversed := func(cells []string) string {
		slices.Reverse(cells)
		return strings.Join(cells, ",") + "\n"
	}
	f("streams: {calls: {}}", reversed(strings.Split(strings.TrimSpace(callHeader), ",")),
		reversed(append([]string{"3001", "\"Mon, 2 Mar 2026 11:05:12\""}, strings.Split(strings.TrimSpace(oneCall), ",")[3:]...)))

	_, _, err = reading(t, "streams: {calls: {}}", strings.NewReplacer("SKILL", "X", ",RING TIME", "").Replace(callHeader), oneCall)
	if err == nil || !strings.Contains(err.Error(), `has no column "SKILL" (skill), "RING TIME" (ring_time), only ["CALL ID"`) {
		t.Error(err)
	}
	_, _, err = reading(t, "streams: {calls: {}}", strings.Replace(callHeader, "TIMESTAMP", "WHEN", 1), oneCall)
	if err == nil || !strings.Contains(err.Error(), `has no column "TIMESTAMP", nor both "DATE" and "TIME"`) {
		t.Error(err)
	}
	_, _, err = reading(t, `streams: {calls: {fields: {queue_id: 'row["SKIL"]'}}}`, callHeader, oneCall)
	if err == nil || !strings.Contains(err.Error(), `unknown column "SKIL": did you mean "SKILL"?`) {
		t.Error(err)
	}
}

func TestDigital(t *testing.T) {
	const header = "TIMESTAMP,AGENT,AGENT NAME,CAMPAIGN,DISPOSITION,MEDIA TYPE,SESSION GUID,SKILL,WORK ITEM STATUS,AFTER CHAT WORK,CHAT TIME,EMAIL QUEUE TIME,EMAIL TIME,HANDLE TIME,INTERACTION TIME,QUEUE TIME\n"
	const stamp = "\"Mon, 2 Mar 2026 11:00:00\""
	f := func(options, header, rows string, want ...string) {
		t.Helper()
		got, dead, err := reading(t, options, header, rows)
		if err != nil || len(dead) > 0 {
			t.Errorf("%s: %v, %v", rows, err, dead)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (- want + got):\n%s", rows, diff)
		}
	}
	const on = "streams: {digital: {}}"
	f(on, header, stamp+",dortiz,Dana,Web,Done,Chat,G1,Web Chat,Completed,00:00:30,00:05:00,,,00:05:30,,00:00:20\n",
		"G1|digital/1772478000/dortiz/Web Chat chat inbound q=Web Chat a=dortiz (Dana) 11:00:00 11:00:20 11:05:20 talk - hold - wrap 30s handled")
	f(on, header, stamp+",,,Web,,Email,G1,,,,,00:09:00,,,,\n",
		"G1|digital/1772478000// email inbound q=Web a= () 11:00:00 - 11:09:00 talk - hold - wrap - abandoned")
	f(on, header, stamp+",dortiz,Dana,Web,,Social,G1,S,Transferred,,00:05:00,,,,,00:00:20\n"+stamp+",[None],,Web,,Social,G1,S,Transferred,,,,,,,00:00:20\n",
		"G1|digital/1772478000//S social inbound q=S a= () 11:00:00 - 11:00:20 talk - hold - wrap - overflowed",
		"G1|digital/1772478000/dortiz/S social inbound q=S a=dortiz (Dana) 11:00:00 11:00:20 11:05:20 talk - hold - wrap 0s transferred")
	f("streams: {digital: {handle_includes_wrap: false, channels: {CHAT: web}}}", header, stamp+",dortiz,Dana,Web,Done,Chat,G1,Web Chat,Completed,00:00:30,00:05:00,,,00:05:30,,00:00:20\n",
		"G1|digital/1772478000/dortiz/Web Chat web inbound q=Web Chat a=dortiz (Dana) 11:00:00 11:00:20 11:05:50 talk - hold - wrap 30s handled")
	// The other report that has been seen: USER, CREATE DATE, and the campaign as the queue.
	f(on, "CREATE DATE,QUARTER HOUR,CAMPAIGN,USER,AGENT NAME,MEDIA TYPE,SESSION GUID,QUEUE TIME,HANDLE TIME,AFTER CHAT WORK\n",
		stamp+",11:00,Web,dortiz,Dana,Chat,G1,00:00:20,00:05:30,00:00:30\n",
		"G1|digital/1772478000/dortiz/ chat inbound q=Web a=dortiz (Dana) 11:00:00 11:00:20 11:05:20 talk - hold - wrap 30s handled")
}

func TestStates(t *testing.T) {
	const header = "AGENT,AGENT NAME,TIMESTAMP,STATE,REASON CODE,AGENT STATE TIME\n"
	line := func(agent, clock, state, reason, length string) string {
		return fmt.Sprintf("%s,,\"Mon, 2 Mar 2026 %s\",%s,%s,%s\n", agent, clock, state, reason, length)
	}
	f := func(options, rows string, want ...string) {
		t.Helper()
		s := newScript(t)
		s.watch.now = time.Date(2026, 3, 2, 21, 0, 0, 0, time.UTC)
		s.on("getReportResultCsv", "<return>"+escaped(header+rows)+"</return>")
		if err := s.drain("back: 5h\n" + options); err != nil {
			t.Errorf("%s: %v", rows, err)
		}
		var got []string
		for agent, list := range s.out.newestStates() {
			for _, a := range list {
				got = append(got, fmt.Sprintf("%s %s.%d %s %s %s", agent, clockOf(a.StartedAt), a.Sequence, strings.TrimPrefix(a.StateID, "17724"), a.State, a.Reason))
			}
		}
		slices.SortStableFunc(got, func(a, b string) int { return strings.Compare(a[:1], b[:1]) })
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (- want + got):\n%s", rows, diff)
		}
	}
	const on = "streams: {agent_states: {}}"
	// In any order of rows; a login and what follows it in the same second; a logout.
	f(on, line("a", "11:00:00", "Ready", "", "00:05:00")+line("a", "10:00:00", "Not Ready", "No Reason", "01:00:00")+line("a", "10:00:00", "Login", "", "00:00:00")+
		line("a", "11:05:00", "Logout", "End", "00:00:00"),
		"a 10:00:00.-1 74400-1 not_ready ", "a 10:00:00.0 74400 not_ready No Reason", "a 11:00:00.0 78000 available ", "a 11:05:00.0 78300 logged_out End")
	// Out and in again within a second: the state that lasts is the last.
	f(on, line("a", "11:00:00", "On Call", "", "00:05:00")+line("a", "11:00:00", "Logout", "Forced", "00:00:00")+line("a", "11:00:00", "Login", "", "00:00:00"),
		"a 11:00:00.-2 78000-2 not_ready ", "a 11:00:00.-1 78000-1 logged_out Forced", "a 11:00:00.0 78000 on_contact ")
	// Listed twice; words of the old interface; words that are not known, or are what the pipeline file says.
	f(on, strings.Repeat(line("a", "11:00:00", "NOT_AVAILABLE_FOR_CALLS", "[None]", "00:05:00"), 2)+line("a", "11:05:00", "Thinking", "", "00:05:00")+line("a", "11:10:00", "On Voicemail", "x", "00:01:00"),
		"a 11:00:00.0 78000 not_ready ", "a 11:05:00.0 78300 not_ready Thinking", "a 11:10:00.0 78600 on_contact ")
	f("streams: {agent_states: {states: {thinking: wrap, ready: not_ready}}}", line("a", "11:05:00", "Thinking", "", "00:05:00")+line("b", "11:05:00", "READY", "", "00:05:00"),
		"a 11:05:00.0 78300 wrap ", "b 11:05:00.0 78300 not_ready ")
	f(`streams: {agent_states: {fields: {reason: 'row["STATE"]', channel: '"voice"'}}}`, line("a", "11:05:00", "Ready", "", "00:05:00"), "a 11:05:00.0 78300 available Ready")
}
