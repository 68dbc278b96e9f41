package calabrio

import (
	"testing"

	vendor "github.com/quarterhour/quarterhour/internal/simulator/calabrio"
	"github.com/quarterhour/quarterhour/schemas"
	"github.com/quarterhour/quarterhour/sinks"
	"github.com/quarterhour/quarterhour/sinks/delivery"
	"github.com/quarterhour/quarterhour/sinks/deliverytest"
)

// The log of deliveries has the status by which records were taken.
func TestStatusOfAttempts(t *testing.T) {
	f := func(to *opened, status int32, items ...delivery.Item) {
		t.Helper()
		plan := to.plan
		plan.Key = nil // the items have been named
		for _, a := range deliverytest.Attempts(t, sinks.Delivering{Destination: to, Plan: plan}, items...) {
			if a.Outcome != delivery.Delivered || a.Status != status {
				t.Errorf("%+v, want delivered with %d", a, status)
			}
		}
	}
	l, url := listen(t)
	l.status = 202
	f(open(t, "historical: {url: '"+url+"', tenant_key: t, data_source_key: d, queue: {path: q}}"), 202, queueRow("a", "voice", first, 1), queueRow("b", "voice", first, 1))
	d := newDesk(t, vendor.Options{}, "")
	f(d.opened, 200, d.state("ann", 0, schemas.StateAvailable))
}
