package iservice

import (
	"net/http"
	"testing"
	"time"

	"github.com/quarterhour/quarterhour/ingest/sourcetest"
	"github.com/quarterhour/quarterhour/internal/clock"
	"github.com/quarterhour/quarterhour/internal/simulator/centre"
	vendor "github.com/quarterhour/quarterhour/internal/simulator/iservice"
)

// The suite that every source passes, by facts and by statistics.
func TestSourceSuite(t *testing.T) {
	midnight := time.Date(2026, 3, 2, 0, 0, 0, 0, time.UTC)
	for name, streams := range map[string]string{
		"facts":      "{topics: {}, agents: {}, interactions: {back: 48h}}",
		"statistics": "{statistics: {back: 48h}}",
	} {
		t.Run(name, func(t *testing.T) {
			sourcetest.Run(t, sourcetest.Case{
				Registration: Registration, Secrets: []string{"iservice-password"}, Now: midnight.Add(36 * time.Hour), Stops: 6,
				YAML: "type: iservice\nurl: ${URL}\nusername: api@example.test\npassword: iservice-password\nrate: 1000\npaging: {per_page: 25}\nstreams: " + streams + "\n",
				Vendor: func(t *testing.T, w clock.Watch) http.Handler {
					c, err := centre.New(centre.Options{Seed: 3, From: midnight, Days: 1, Sizes: map[centre.Vendor]centre.Size{centre.IService: {Agents: 3, Queues: 2, Contacts: 30}}})
					if err != nil {
						t.Fatal(err)
					}
					return vendor.New(c, w, vendor.Options{})
				},
			})
		})
	}
}
