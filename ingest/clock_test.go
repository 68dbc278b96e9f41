package ingest

import (
	"net/http"
	"strings"
	"testing"
	"time"
)

func TestCompareClocks(t *testing.T) {
	now := time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)
	f := func(date string, outcome Outcome, detail string) {
		t.Helper()
		if got := CompareClocks(now, date); got.What != "clock" || got.Outcome != outcome || !strings.Contains(got.Detail, detail) {
			t.Errorf("%q: %+v", date, got)
		}
	}
	at := func(ahead time.Duration) string { return now.Add(-ahead).Format(http.TimeFormat) }
	f(at(0), Fine, "agree within 10s")
	f(at(-10*time.Second), Fine, "agree")
	f(at(time.Minute), Doubt, "ours is 1m0s ahead")
	f(at(-2*time.Hour), Doubt, "ours is 2h0m0s behind")
	f(at(time.Hour), Failure, "ours is 1h0m0s ahead")
	f("", Doubt, "no date")
	f("yesterday", Doubt, "no date")
}
