package gladly_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/quarterhour/quarterhour/internal/clock"
	"github.com/quarterhour/quarterhour/internal/simulator/centre"
	"github.com/quarterhour/quarterhour/internal/simulator/gladly"
)

// BenchmarkDayOfPolling is what a connector asks in a simulated day of the default centre: 1,440 times the events of two minutes,
// and 144 times the work sessions of two days. At a thousand times the speed a day has 86 seconds.
func BenchmarkDayOfPolling(b *testing.B) {
	c, err := centre.New(centre.Options{Seed: 1, From: time.Date(2026, 3, 2, 0, 0, 0, 0, time.UTC)})
	if err != nil {
		b.Fatal(err)
	}
	w := newHand(c.From.AddDate(0, 0, 3))
	s := gladly.New(c, w, gladly.Options{})
	ask := func(method, path, body string) {
		r := httptest.NewRequest(method, "/api/v1"+path, strings.NewReader(body))
		r.SetBasicAuth("api@example.test", "gladly-token")
		a := httptest.NewRecorder()
		if s.ServeHTTP(a, r); a.Code != http.StatusOK {
			b.Fatal(a.Code, a.Body.String())
		}
	}
	began := clock.Now()
	for b.Loop() {
		w.set(c.From.AddDate(0, 0, 3))
		for n := range 1440 {
			w.add(time.Minute)
			ask("GET", query(w.Now().Add(-2*time.Minute), time.Time{}, "AGENT_STATUS", "AGENT_AVAILABILITY"), "")
			if n%10 == 0 {
				from, to := w.Now().Add(-48*time.Hour).Format("2006-01-02T15:04Z"), w.Now().Format("2006-01-02T15:04Z")
				ask("POST", "/reports/work-session-events", `{"startAtTime":"`+from+`","endAtTime":"`+to+`"}`)
			}
		}
	}
	b.ReportMetric(float64(b.N)*24*3600/clock.Since(began).Seconds(), "times-real")
}
