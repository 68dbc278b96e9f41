package quota

import (
	"testing"
	"time"
)

func FuzzStored(f *testing.F) {
	f.Add([]byte(`{"budgets":[{"operation":"call","per_seconds":60,"start":"2026-03-02T08:00:00Z","end":"2026-03-02T08:01:00Z","reserved":5,"limit":9}],
		"holds":{"call":"2026-03-02T08:00:30Z"},"refused":{"at":"2026-03-02T08:00:00Z","why":"401","salt":"AA==","digest":"AA=="}}`))
	f.Add([]byte(``))
	f.Fuzz(func(t *testing.T, stored []byte) {
		now := time.Date(2026, 3, 2, 8, 0, 10, 0, time.UTC)
		report, err := Stored(stored, now)
		store := newBooks()
		store.by[Key("x")] = stored
		c := (&Keyring{Store: store, Watch: &hand{now: now}}).Open("x", Options{Limits: []Limit{{"call", 9, time.Minute}}})
		if _, why := c.Locked(); err == nil && why != report.Why {
			t.Errorf("locked because of %q, reported %q", why, report.Why)
		}
		if _, _, unlocked := Unlocked(stored); (unlocked == nil) != (err == nil) {
			t.Errorf("%v and %v", unlocked, err)
		}
		if _, why := c.Locked(); why == "" {
			_ = c.Do(t.Context(), "call", nothing) // whatever is stored, it does not panic
		}
	})
}
