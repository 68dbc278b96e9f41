package five9

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/quarterhour/quarterhour/internal/simulator/centre"
)

// A report as long as the vendor makes them.
func BenchmarkLongReport(b *testing.B) {
	from := time.Date(2026, 3, 2, 8, 0, 0, 0, time.UTC).In(time.FixedZone("", -8*3600))
	c, err := centre.New(centre.Options{Seed: 1, From: from, Days: 1, Sizes: map[centre.Vendor]centre.Size{centre.Five9: {Agents: 300, Queues: 20, Contacts: 60_000}}})
	if err != nil {
		b.Fatal(err)
	}
	began := time.Now()
	c.Day(centre.Five9, 0)
	day := time.Since(began)
	h := &hands{now: c.Until().Add(24 * time.Hour)}
	s, err := New(c, h, Options{Limits: []Limit{}})
	if err != nil {
		b.Fatal(err)
	}
	server := httptest.NewServer(s)
	defer server.Close()
	post := func(operation, children string) string {
		request, _ := http.NewRequest(http.MethodPost, server.URL+adminPath, strings.NewReader(envelope(admin.namespace, operation, children)))
		request.SetBasicAuth(User, Password)
		request.Header.Set("Content-Type", "text/xml")
		response, err := http.DefaultClient.Do(request)
		if err != nil {
			b.Fatal(err)
		}
		defer response.Body.Close()
		text, err := io.ReadAll(response.Body)
		if err != nil {
			b.Fatal(err)
		}
		return string(text)
	}
	began = time.Now()
	text := post("runReport", window(CallReport, from.Format(time.RFC3339), c.Until().Format(time.RFC3339)))
	first := time.Since(began)
	id := strings.Split(strings.Split(text, "<return>")[1], "<")[0]
	post("isReportRunning", "<identifier>"+id+"</identifier><timeout>30</timeout>")
	rows := 0
	for b.Loop() {
		rows += strings.Count(post("getReportResultCsv", "<identifier>"+id+"</identifier>"), "2026 ")
	}
	b.ReportMetric(day.Seconds(), "s/day")
	b.ReportMetric(first.Seconds(), "s/first-run")
	b.ReportMetric(float64(rows)/b.Elapsed().Seconds(), "rows/s")
	b.ReportMetric(float64(rows)/float64(b.N), "rows/report")
}

// A week as a pipeline reads it, with statistics every 30 seconds: how many times as fast as real it can pass, the vendor's side alone.
func BenchmarkWeek(b *testing.B) {
	zone, err := time.LoadLocation("America/Los_Angeles")
	if err != nil {
		b.Fatal(err)
	}
	c, err := centre.New(centre.Options{Seed: 1, From: time.Date(2026, 3, 2, 0, 0, 0, 0, zone)})
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		h := &hands{now: c.From}
		s, err := New(c, h, Options{})
		if err != nil {
			b.Fatal(err)
		}
		send := func(path, space, operation, children string) string {
			w := httptest.NewRecorder()
			request := httptest.NewRequest(http.MethodPost, path, strings.NewReader(envelope(space, operation, children)))
			request.SetBasicAuth(User, Password)
			request.Header.Set("Content-Type", "text/xml")
			s.ServeHTTP(w, request)
			return w.Body.String()
		}
		report := func(name string, back time.Duration) {
			text := send(adminPath, admin.namespace, "runReport", window(name, h.Now().Add(-back).Format(time.RFC3339), h.Now().Format(time.RFC3339)))
			id := strings.Split(strings.Split(text, "<return>")[1], "<")[0]
			send(adminPath, admin.namespace, "isReportRunning", "<identifier>"+id+"</identifier><timeout>30</timeout>")
			send(adminPath, admin.namespace, "getReportResultCsv", "<identifier>"+id+"</identifier>")
		}
		send(statisticsPath, supervisor.namespace, "setSessionParameters", "<viewSettings><shiftStart>0</shiftStart><timeZone>0</timeZone></viewSettings>")
		for n := 0; h.Now().Before(c.Until()); n++ {
			h.set(c.From.Add(time.Duration(n) * 30 * time.Second))
			send(statisticsPath, supervisor.namespace, "getStatistics", "<statisticType>AgentState</statisticType>")
			if n%20 == 0 {
				report(StateReport, time.Hour)
			}
			if n%30 == 0 {
				report(CallReport, 2*time.Hour)
				report(DigitalReport, 2*time.Hour)
			}
		}
		if v := s.Violations(); len(v) > 0 {
			b.Fatal(v[0])
		}
	}
	b.ReportMetric(7*86400/(b.Elapsed().Seconds()/float64(b.N)), "x-real")
}
