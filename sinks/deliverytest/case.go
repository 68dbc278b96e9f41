package deliverytest

import (
	"net/http"
	"testing"
	"time"

	"github.com/quarterhour/quarterhour/internal/clock"
	"github.com/quarterhour/quarterhour/sinks"
	"github.com/quarterhour/quarterhour/sinks/delivery"
)

// Whose records they are, and where they happened.
const (
	Tenant = "acme"
	Name   = "sink"
	Source = "five9"
)

// Case is a sink and its destination.
type Case struct {
	Registration sinks.Registration
	// YAML is the sink's options as in a pipeline file. ${URL} is the address of the endpoint in front of Destination.Handler, ${DIR} the
	// folder of Setting.
	YAML    string
	Env     map[string]string
	Secrets []string
	// Destination makes the destination anew, empty, for each part of the suite.
	Destination func(t *testing.T, s Setting) Destination
	Now         time.Time      // what the watch shows at the beginning; 2 March 2026, 15:07:11 UTC if zero. Intervals ended an hour before
	Speed       float64        // of the watch; 1000 if 0
	Zone        *time.Location // UTC if nil
	Interval    time.Duration  // 15 minutes if 0
	Aliases     map[string]string
	// Batch is how many records a request has at most: few, so that there are several requests. 4 if 0; less where the sink takes less.
	Batch int
	// Within is how soon requests have to end when they are told to, by the machine's clock; 5 s if 0.
	Within time.Duration
	// Patience is how long a part may take until everything is delivered, by the machine's clock, however busy that is; a minute if 0.
	Patience time.Duration
	// Cannot says why scenarios cannot be for this sink. The suite fails where one is left out without a reason.
	Cannot Cannot
}

// Setting is what a destination is made in.
type Setting struct {
	Watch clock.Watch
	Dir   string // an empty folder, for destinations that are files
}

// Destination is one destination, simulated.
type Destination struct {
	Handler http.Handler // nil: it is not spoken to by HTTP, and faults come between the engine and the sink only
	// Address is that of a server that is spoken to by TCP otherwise; the sink's options have ${ADDRESS} for the one in front of it.
	Address string
	// Holds is what it has, by the keys that it tells its records apart by.
	Holds func() map[string]string
	// Shows is what it has to have for an item: usually one record, some have several, or none. Where two items have a key in
	// common, the later of the log holds.
	Shows func(i delivery.Item) map[string]string
	// Violations are the destination's rules that requests broke; nil: it has none that it checks.
	Violations func() []string
	// Poison changes an item into one that the destination refuses, as by a queue that it does not know, and says whether it did: not
	// every kind can be wrong. The key may change with it. nil: it takes anything.
	Poison func(i *delivery.Item) bool
	// Expire makes the tokens that it gave out invalid. nil: one request is answered with 401 instead.
	Expire func()
}

func (c *Case) complete() {
	if c.Now.IsZero() {
		c.Now = time.Date(2026, time.March, 2, 15, 7, 11, 0, time.UTC)
	}
	if c.Speed == 0 {
		c.Speed = 1000
	}
	if c.Zone == nil {
		c.Zone = time.UTC
	}
	if c.Interval == 0 {
		c.Interval = 15 * time.Minute
	}
	if c.Batch == 0 {
		c.Batch = 4
	}
	if c.Within == 0 {
		c.Within = 5 * time.Second
	}
	if c.Patience == 0 {
		c.Patience = time.Minute
	}
}
