package file

import (
	"testing"
	"time"

	"github.com/quarterhour/quarterhour/sinks"
	"github.com/quarterhour/quarterhour/sinks/delivery"
)

// opened is the destination of a path.
func opened(t testing.TB, path string) delivery.Destination {
	t.Helper()
	d, err := open(t.Context(), &Config{Path: path, Format: "auto", Delimiter: ","}, sinks.Deps{Tenant: "acme", Pipeline: "p", Zone: time.UTC})
	if err != nil {
		t.Fatal(err)
	}
	return d.Destination
}
