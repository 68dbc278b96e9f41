package five9

import (
	"net/http"
	"testing"
	"time"

	"github.com/quarterhour/quarterhour/ingest/sourcetest"
	"github.com/quarterhour/quarterhour/internal/clock"
	"github.com/quarterhour/quarterhour/internal/simulator/centre"
	vendor "github.com/quarterhour/quarterhour/internal/simulator/five9"
)

// The suite that every source passes: a day that is over and settled, read through lost answers, crashes and restarts.
func TestSuite(t *testing.T) {
	zone, err := time.LoadLocation("America/Los_Angeles")
	if err != nil {
		t.Fatal(err)
	}
	first := time.Date(2026, 3, 2, 0, 0, 0, 0, zone)
	c, err := centre.New(centre.Options{Seed: 1, From: first, Days: 1, Sizes: map[centre.Vendor]centre.Size{centre.Five9: {Agents: 4, Queues: 6, Contacts: 40}}})
	if err != nil {
		t.Fatal(err)
	}
	sourcetest.Run(t, sourcetest.Case{
		Registration: Registration,
		YAML:         "url: ${URL}\nusername: " + vendor.User + "\npassword: " + vendor.Password + "\nback: 36h\n" + everyone,
		Secrets:      []string{vendor.Password},
		Now:          first.AddDate(0, 0, 1).Add(8 * time.Hour),
		Speed:        1000,
		Stops:        4,
		Vendor: func(t *testing.T, w clock.Watch) http.Handler {
			s, err := vendor.New(c, w, vendor.Options{Running: 3 * time.Second})
			if err != nil {
				t.Fatal(err)
			}
			return s
		},
	})
}
