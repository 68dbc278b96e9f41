package vendors

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"sync/atomic"

	"github.com/quarterhour/quarterhour/internal/simulator/calabrio"
	"github.com/quarterhour/quarterhour/internal/simulator/centre"
)

// Calabrio is a destination, below /calabrio; outages name it as they name vendors.
const Calabrio centre.Vendor = "calabrio"

// destination is one simulated system that is written to.
type destination interface {
	http.Handler
	// Holds is what it has, by the keys that it tells its records apart by.
	Holds() map[string]string
	Violations() []string
}

// openDestinations makes the destinations, which every host has.
func (h *Host) openDestinations() {
	h.Calabrio = calabrio.New(h.o.Watch, h.o.Calabrio)
	h.destinations = map[centre.Vendor]destination{Calabrio: h.Calabrio}
	h.secrets[Calabrio] = [][2]string{
		{"CALABRIO_TENANT_KEY", calabrio.TenantKey}, {"CALABRIO_DATA_SOURCE_KEY", calabrio.DataSourceKey}, {"CALABRIO_AUTHENTICATION_KEY", calabrio.AuthenticationKey},
	}
	for name := range h.destinations {
		h.requests[name] = &atomic.Int64{}
	}
}

// destinationNames are the destinations in the order of their names.
func (h *Host) destinationNames() []centre.Vendor {
	return slices.Sorted(maps.Keys(h.destinations))
}

// Holds is what a destination has.
func (h *Host) Holds(name centre.Vendor) (map[string]string, bool) {
	d, ok := h.destinations[name]
	if !ok {
		return nil, false
	}
	return d.Holds(), true
}

// holds answers with what a destination has; parameter destination.
func (h *Host) holds(w http.ResponseWriter, r *http.Request) {
	name := r.URL.Query().Get("destination")
	held, ok := h.Holds(centre.Vendor(name))
	if !ok {
		refuse(w, fmt.Errorf("there is no destination %q here", name))
		return
	}
	answer(w, held)
}
