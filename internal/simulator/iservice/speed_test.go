package iservice_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/quarterhour/quarterhour/internal/clock"
	"github.com/quarterhour/quarterhour/internal/simulator/centre"
	"github.com/quarterhour/quarterhour/internal/simulator/iservice"
)

// BenchmarkDayOfPolling is what a connector asks in a simulated day of the default centre: 1,440 times who is logged in, 288 times the
// messages of a day, and 96 times its statistics. At a thousand times the speed a day has 86 seconds.
func BenchmarkDayOfPolling(b *testing.B) {
	c, err := centre.New(centre.Options{Seed: 1, From: time.Date(2026, 3, 2, 0, 0, 0, 0, time.UTC)})
	if err != nil {
		b.Fatal(err)
	}
	w := newHand(c.From.AddDate(0, 0, 3))
	s := iservice.New(c, w, iservice.Options{})
	var session []*http.Cookie
	ask := func(endpoint, body string) string {
		r := httptest.NewRequest(http.MethodPost, "/f/"+endpoint, strings.NewReader(body))
		for _, cookie := range session {
			r.AddCookie(cookie)
		}
		a := httptest.NewRecorder()
		s.ServeHTTP(a, r)
		if list := a.Result().Cookies(); len(list) > 0 {
			session = list
		}
		if text := a.Body.String(); strings.Contains(text, "log in") {
			b.Fatal(text)
		}
		return a.Body.String()
	}
	began := clock.Now()
	for b.Loop() {
		w.set(c.From.AddDate(0, 0, 3))
		ask("webapp-api-login?api=login", `{"username":"api@example.test","password":"iservice-password"}`)
		for n := range 1440 {
			w.add(time.Minute)
			ask(agents, `{}`)
			from, to := w.Now().Add(-24*time.Hour), w.Now()
			for page := 1; n%5 == 0 && page <= 8; page++ {
				ask(search, `{"pageNum":`+string('0'+rune(page))+`,"perPage":100,"fields":{"groups":[{"fields":[{"fieldID":"dateFrom","searchString":"`+from.Format(time.DateTime)+`"}]}]}}`)
			}
			for _, kind := range []string{"queuestatistics", "agentactivity", "agentlogin"} {
				if n%15 == 0 {
					ask("integration-api-workforce-management?api="+kind, `{"from":"`+from.Format(time.RFC3339)+`","to":"`+to.Format(time.RFC3339)+`"}`)
				}
			}
		}
	}
	b.ReportMetric(float64(b.N)*24*3600/clock.Since(began).Seconds(), "times-real")
}
