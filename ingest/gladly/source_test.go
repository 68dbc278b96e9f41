package gladly

import (
	"net/http"
	"testing"
	"time"

	"github.com/quarterhour/quarterhour/ingest/sourcetest"
	"github.com/quarterhour/quarterhour/internal/clock"
	"github.com/quarterhour/quarterhour/internal/simulator/centre"
	vendor "github.com/quarterhour/quarterhour/internal/simulator/gladly"
)

// The suite that every source passes, against the simulated Gladly in the night after a day.
func TestSource(t *testing.T) {
	first := time.Date(2026, 3, 2, 0, 0, 0, 0, time.UTC)
	c, err := centre.New(centre.Options{Seed: 3, From: first, Days: 1, Sizes: map[centre.Vendor]centre.Size{centre.Gladly: {Agents: 3, Queues: 2, Contacts: 20}}})
	if err != nil {
		t.Fatal(err)
	}
	sourcetest.Run(t, sourcetest.Case{
		Registration: Registration, YAML: "url: ${URL}\nemail: api@example.test\napi_token: gladly-token\n", Secrets: []string{"gladly-token"},
		Now: first.Add(23 * time.Hour),
		Vendor: func(t *testing.T, w clock.Watch) http.Handler {
			s := vendor.New(c, w, vendor.Options{})
			t.Cleanup(func() { _ = s.Close() })
			return s
		},
	})
}
