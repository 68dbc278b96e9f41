package vendors

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"

	"github.com/quarterhour/quarterhour/internal/clock"
	"github.com/quarterhour/quarterhour/internal/simulator/anywfm"
	"github.com/quarterhour/quarterhour/internal/simulator/calabrio"
	"github.com/quarterhour/quarterhour/internal/simulator/centre"
	"github.com/quarterhour/quarterhour/internal/simulator/pipkins"
	"github.com/quarterhour/quarterhour/internal/simulator/playvox"
	"github.com/quarterhour/quarterhour/internal/simulator/sqs"
)

// The destinations, below their names; outages name them as they name vendors.
const (
	Calabrio centre.Vendor = "calabrio"
	Pipkins  centre.Vendor = "pipkins"
	Playvox  centre.Vendor = "playvox"
	AnyWFM   centre.Vendor = "anywfm"
	SQS      centre.Vendor = "sqs"
)

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
	h.SQS = sqs.New(clock.Wall, sqs.Options{Queues: queues()}) // who reads a queue counts by the machine's clock
	h.destinations = map[centre.Vendor]destination{
		Calabrio: h.Calabrio, Pipkins: pipkins.New(h.o.Watch, pipkins.Options{}), Playvox: playvox.New(h.o.Watch, h.playvox()),
		AnyWFM: anywfm.New(h.o.Watch, anywfm.Options{Token: anyToken, ByPath: true, Key: []string{"id"}}),
		SQS:    h.SQS,
	}
	h.secrets[Calabrio] = [][2]string{
		{"CALABRIO_TENANT_KEY", calabrio.TenantKey}, {"CALABRIO_DATA_SOURCE_KEY", calabrio.DataSourceKey}, {"CALABRIO_AUTHENTICATION_KEY", calabrio.AuthenticationKey},
	}
	h.secrets[Playvox] = [][2]string{{"PLAYVOX_IDENTIFIER", "identifier"}, {"PLAYVOX_SECRET", playvoxSecret}}
	h.secrets[SQS] = [][2]string{{"SQS_ACCESS_KEY", sqs.AccessKey}, {"SQS_SECRET_KEY", sqsSecret}}
	h.secrets[AnyWFM] = [][2]string{{"ANYWFM_TOKEN", anyToken}}
	for name := range h.destinations {
		h.requests[name] = &atomic.Int64{}
	}
}

const (
	playvoxSecret = "playvox-secret" //nolint:gosec // of a simulated destination
	anyToken      = "anywfm-token"   //nolint:gosec // of a simulated destination
	sqsSecret     = "sqs-secret"     //nolint:gosec // of a simulated destination
)

// Queues are those of the simulated SQS. Each has a redrive policy and a dead-letter queue.
var Queues = []string{"contact-centre.fifo", "contact-centre-mail.fifo"}

func queues() map[string]sqs.Queue {
	all := map[string]sqs.Queue{}
	for _, name := range Queues {
		all[name] = sqs.Queue{MaxReceives: 5, Remember: remembered}
	}
	return all
}

// remembered is how many messages of a queue can be looked at afterwards: those of a day of some hundred agents, and what they weigh is tens of megabytes.
const remembered = 50_000

// playvox is a Playvox that knows everybody who works at the centre by the address that the employer has, and by the ids of those accounts whose
// addresses do not say whose they are: Playvox's administrator has entered them.
func (h *Host) playvox() playvox.Options {
	o := playvox.Options{Identifier: "identifier", Secret: playvoxSecret}
	for n, p := range h.o.Centre.People() {
		u := playvox.User{ID: 1000 + n, First: p.First, Last: p.Last, Email: p.Email}
		for _, v := range centre.Vendors {
			if a := p.Accounts[v]; a != nil && !strings.EqualFold(a.Email, p.Email) {
				u.Integrations = append(u.Integrations, playvox.Integration{Alias: string(v), ID: a.ID})
			}
		}
		o.Users = append(o.Users, u)
	}
	return o
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
