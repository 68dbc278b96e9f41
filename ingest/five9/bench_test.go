package five9

import (
	"bytes"
	"context"
	"encoding/xml"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/quarterhour/quarterhour/ingest"
	"github.com/quarterhour/quarterhour/internal/quota"
	"github.com/quarterhour/quarterhour/schemas"
)

// nothing is an ingest.Out that costs nothing.
type nothing struct{ facts, dead int }

func (n *nothing) Contact(context.Context, *schemas.Contact) error                       { n.facts++; return nil }
func (n *nothing) AgentState(context.Context, *schemas.AgentState) error                 { n.facts++; return nil }
func (n *nothing) Shift(context.Context, *schemas.Shift) error                           { return nil }
func (n *nothing) Worker(context.Context, *schemas.Worker) error                         { n.facts++; return nil }
func (n *nothing) Reject(context.Context, *schemas.DeadLetter) error                     { n.dead++; return nil }
func (n *nothing) Commit(context.Context, []byte) error                                  { return nil }
func (n *nothing) Mark(context.Context, string, int64) error                             { return nil }
func (n *nothing) QueueInterval(context.Context, *schemas.QueueInterval) error           { return nil }
func (n *nothing) AgentQueueInterval(context.Context, *schemas.AgentQueueInterval) error { return nil }
func (n *nothing) AgentInterval(context.Context, *schemas.AgentInterval) error           { return nil }

// callLog is a call log of so many rows in a day, as the vendor's CSV.
func callLog(rows int, day time.Time) string {
	var b strings.Builder
	b.WriteString("CALL ID,TIMESTAMP,CAMPAIGN,CALL TYPE,AGENT,AGENT NAME,DISPOSITION,ANI,CUSTOMER NAME,DNIS,CALL TIME,BILL TIME (ROUNDED),COST,IVR TIME,QUEUE WAIT TIME," +
		"RING TIME,TALK TIME,HOLD TIME,PARK TIME,AFTER CALL WORK TIME,TRANSFERS,CONFERENCES,HOLDS,ABANDONED,RECORDINGS,SKILL\n")
	for i := range rows {
		at := day.Add(time.Duration(i) * 24 * time.Hour / time.Duration(rows+1))
		agent, name, abandoned, talk := fmt.Sprintf("agent%03d", i%300), fmt.Sprintf("Agent %d", i%300), 0, "00:03:12"
		if i%20 == 0 {
			agent, name, abandoned, talk = "[None]", "", 1, "00:00:00"
		}
		fmt.Fprintf(&b, "30000000%07d,\"%s\",Main Line,Inbound,%s,%s,Resolved,+12025550143,\"Doe & Sons, Ltd\",+18005550199,00:04:%02d,00:04:30,0.0840,00:00:%02d,"+
			"00:00:%02d.%03d,00:00:04,%s,00:00:20,00:00:00,00:00:31,0,0,1,%d,,Sales %d\n", i, at.Format("Mon, 2 Jan 2006 15:04:05"), agent, name, i%60, i%40,
			i%50, i%1000, talk, abandoned, i%8)
	}
	return b.String()
}

// stateLog is a report of agent states of so many rows in a day.
func stateLog(rows int, day time.Time) string {
	var b strings.Builder
	b.WriteString("AGENT,AGENT NAME,TIMESTAMP,STATE,REASON CODE,AGENT STATE TIME\n")
	states := []string{"Ready,,", "On Call,,", "After Call Work,,", "Not Ready,Break,"}
	for i := range rows {
		at := day.Add(time.Duration(i) * 24 * time.Hour / time.Duration(rows+1))
		s := strings.Split(states[i/300%4], ",")
		fmt.Fprintf(&b, "agent%03d,Agent %d,\"%s\",%s,%s,00:08:12\n", i%300, i%300, at.Format("Mon, 2 Jan 2006 15:04:05"), s[0], s[1])
	}
	return b.String()
}

// fixed answers with one result to every report. The text of the result is XML already: the vendor's work is not measured.
func fixed(result func() io.Reader) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		answer := func(operation string, inside io.Reader) {
			w.Header().Set("Content-Type", "text/xml;charset=UTF-8")
			_, _ = fmt.Fprintf(w, `<?xml version='1.0' encoding='UTF-8'?><env:Envelope xmlns:env="http://schemas.xmlsoap.org/soap/envelope/"><env:Header/><env:Body><ns2:%sResponse xmlns:ns2="http://service.admin.ws.five9.com/">`, operation)
			_, _ = io.Copy(w, inside)
			_, _ = fmt.Fprintf(w, `</ns2:%sResponse></env:Body></env:Envelope>`, operation)
		}
		switch {
		case bytes.Contains(body, []byte("getCallCountersState")):
			answer("getCallCountersState", strings.NewReader(""))
		case bytes.Contains(body, []byte("runReport")):
			answer("runReport", strings.NewReader("<return>1</return>"))
		case bytes.Contains(body, []byte("isReportRunning")):
			answer("isReportRunning", strings.NewReader("<return>false</return>"))
		default:
			answer("getReportResultCsv", io.MultiReader(strings.NewReader("<return>"), result(), strings.NewReader("</return>")))
		}
	})
}

// escaped is the text of an XML node; cdata the same as a section.
func escaped(s string) string {
	var b strings.Builder
	_ = xml.EscapeText(&b, []byte(s)) // to memory: it cannot fail
	return b.String()
}

func cdata(s string) string { return "<![CDATA[" + s + "]]>" }

// benchSource reads one stream from a server that always gives the same result.
func benchSource(tb testing.TB, streams string, result func() io.Reader, now time.Time) *source {
	tb.Helper()
	server := httptest.NewServer(fixed(result))
	tb.Cleanup(server.Close)
	watch := &hands{now: now}
	s, err := open(decoded(tb, "url: "+server.URL+"\n"+account+"back: 24h\nmax_rows: 1000000\nstreams:\n  "+streams), ingest.Deps{
		Name: "five9", Drain: true, Watch: watch, Keyring: &quota.Keyring{Watch: watch},
	})
	if err != nil {
		tb.Fatal(err)
	}
	return s
}

// BenchmarkReport is a result of 50,000 rows from the socket to the log: SOAP, XML, CSV, mapping, and the flow's memory.
func BenchmarkReport(b *testing.B) {
	const rows = 50_000
	day := time.Date(2026, 3, 2, 0, 0, 0, 0, time.UTC)
	calls, states := callLog(rows, day), stateLog(rows, day)
	for _, c := range []struct {
		name, streams, xml string
	}{
		{"calls", "calls: {longest: 30h}", escaped(calls)},
		{"calls cdata", "calls: {longest: 30h}", cdata(calls)},
		{"calls with fields", "calls: {longest: 30h, fields: {queue_name: 'row[\"CAMPAIGN\"] + \" \" + queue_id', ended_at: 'answered_at + duration(row[\"TALK TIME\"])'}}", escaped(calls)},
		{"agent states", "agent_states: {longest: 30h}", escaped(states)},
	} {
		b.Run(c.name, func(b *testing.B) {
			b.SetBytes(int64(len(c.xml)))
			b.ReportAllocs()
			out := &nothing{}
			s := benchSource(b, c.streams, func() io.Reader { return strings.NewReader(c.xml) }, day.Add(32*time.Hour))
			began := cpu()
			for b.Loop() {
				if err := s.Run(context.Background(), nil, out); err != nil {
					b.Fatal(err)
				}
			}
			if out.dead > 0 || out.facts != b.N*rows {
				b.Fatalf("%d facts and %d dead letters of %d rows", out.facts, out.dead, b.N*rows)
			}
			b.ReportMetric(float64(b.N*rows)/b.Elapsed().Seconds(), "rows/s")
			b.ReportMetric(float64(b.N*rows)/(cpu()-began).Seconds(), "rows/cpu-s") // holds on a machine that does other things
		})
	}
}

// cpu is the processor time that the process has used.
func cpu() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// BenchmarkMapping is the same without the vendor and without the flow.
func BenchmarkMapping(b *testing.B) {
	const rows = 50_000
	day := time.Date(2026, 3, 2, 0, 0, 0, 0, time.UTC)
	text := callLog(rows, day)
	o := decoded(b, account+"streams: {calls: {}}")
	s, err := open(o, ingest.Deps{})
	if err != nil {
		b.Fatal(err)
	}
	b.SetBytes(int64(len(text)))
	b.ReportAllocs()
	for b.Loop() {
		m := s.callMapper(window{day.UnixMilli(), day.UnixMilli() + dayMs}, nil).(*callMapper)
		sheet := newCSVSheet(strings.NewReader(text))
		for n := 0; ; n++ {
			cells, err := sheet.next()
			if err != nil {
				break
			}
			if n == 0 {
				if err := m.header(cells); err != nil {
					b.Fatal(err)
				}
				continue
			}
			if wrong := m.leg(cells, schemas.DirectionInbound); wrong != nil {
				b.Fatal(wrong)
			}
			m.legs.number(&m.contact, m.segment, cells)
		}
	}
	b.ReportMetric(float64(b.N*rows)/b.Elapsed().Seconds(), "rows/s")
}
