package playvox

import (
	"testing"

	"github.com/quarterhour/quarterhour/internal/simulator/playvox"
	"github.com/quarterhour/quarterhour/schemas"
	"github.com/quarterhour/quarterhour/sinks"
	"github.com/quarterhour/quarterhour/sinks/delivery"
	"github.com/quarterhour/quarterhour/sinks/deliverytest"
)

// The log of deliveries has the status by which records were taken.
func TestStatusOfAttempts(t *testing.T) {
	b := newBench(t, playvox.Options{Users: []playvox.User{{ID: 1, Email: "ann@acme.test"}}})
	d := sinks.Delivering{Destination: b.open(t, "states: {}\n"), Plan: delivery.Plan{Kinds: []string{kindState}, Items: 10}}
	list := deliverytest.Attempts(t, d, stateOf("ann@acme.test", "1", 0, schemas.StateAvailable))
	if len(list) == 0 {
		t.Fatal("nothing is written down")
	}
	if a := list[len(list)-1]; a.Outcome != delivery.Delivered || a.Status/100 != 2 {
		t.Errorf("%+v, want delivered with a status of success", a)
	}
}
