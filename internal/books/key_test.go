package books

import (
	"testing"
	"time"

	"github.com/quarterhour/quarterhour/pipelines"
	"github.com/quarterhour/quarterhour/transform"
)

// FuzzParseKey: a key that is understood is the same key when it is written out and read again.
func FuzzParseKey(f *testing.F) {
	zone, err := time.LoadLocation("Asia/Kathmandu")
	if err != nil {
		f.Fatal(err)
	}
	p := &pipelines.Pipeline{Settings: pipelines.Settings{Tenant: "acme", Zone: zone, Interval: 30 * time.Minute}}
	for _, text := range []string{"queue/acme/2026-03-02T08:00:00Z/q1/voice", "agent_intervals/2026-03-02 09:15/a%2F1", "agent_queue//2026-03-02/%00/q/", "queue/a/1600-01-01/q/v", "/agent/%zz"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		k, err := ParseKey(text, p)
		if err != nil {
			return
		}
		if at := time.UnixMilli(k.Start).UTC(); at.Year() < 0 || at.Year() > 9999 {
			return // RFC 3339 has four digits for the year
		}
		again, err := ParseKey(transform.FormatKey(k), p)
		if err != nil || again != k {
			t.Errorf("%q is %+v, written %q, and that is %+v, %v", text, k, transform.FormatKey(k), again, err)
		}
	})
}
