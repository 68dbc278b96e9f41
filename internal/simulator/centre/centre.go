package centre

import (
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/quarterhour/quarterhour/internal/simulator"
)

// Vendor names a simulated system.
type Vendor string

// The vendors.
const (
	Five9    Vendor = "five9"
	Gladly   Vendor = "gladly"
	IService Vendor = "iservice"
)

// Vendors are all of them.
var Vendors = []Vendor{Five9, Gladly, IService}

// Size is how much happens at a vendor.
type Size struct {
	Agents, Queues int
	Contacts       int // a day, about
}

// Options says which centre.
type Options struct {
	Seed  uint64
	From  time.Time // midnight of the first day, in the centre's zone
	Days  int       // 7 if 0
	Sizes map[Vendor]Size
}

// DefaultSizes are a centre that a laptop plays fast: some 65 agents and 4,300 contacts a day.
func DefaultSizes() map[Vendor]Size {
	return map[Vendor]Size{Five9: {40, 8, 3000}, Gladly: {16, 4, 900}, IService: {10, 3, 400}}
}

// Scaled are the default sizes for about so many agents in all.
func Scaled(agents int) map[Vendor]Size {
	sizes := DefaultSizes()
	for v, s := range sizes {
		n := max(2, s.Agents*agents/66)
		sizes[v] = Size{n, s.Queues, s.Contacts * n / s.Agents}
	}
	return sizes
}

// Centre is a contact centre. Safe for concurrent use; nothing that it hands out may be changed.
type Centre struct {
	Options
	people   []*Person
	accounts map[Vendor][]*Account
	queues   map[Vendor][]simulator.Queue

	mu   sync.Mutex
	days map[dayKey]*keptDay
	tick int
}

// New makes a centre. The same options give the same centre.
func New(o Options) (*Centre, error) {
	if o.From.IsZero() || o.From.Hour() != 0 {
		return nil, errors.New("a contact centre begins at a midnight: set From to one, in the centre's zone")
	}
	if o.Days == 0 {
		o.Days = 7
	}
	if o.Sizes == nil {
		o.Sizes = DefaultSizes()
	}
	for v, s := range o.Sizes {
		if s.Agents < 1 || s.Queues < 1 || s.Contacts < 1 {
			return nil, fmt.Errorf("vendor %q has %d agents, %d queues and %d contacts: each must be at least 1", v, s.Agents, s.Queues, s.Contacts)
		}
	}
	c := &Centre{Options: o, accounts: map[Vendor][]*Account{}, queues: map[Vendor][]simulator.Queue{}, days: map[dayKey]*keptDay{}}
	c.hire()
	for v, s := range o.Sizes {
		c.queues[v] = c.open(v, s.Queues)
	}
	return c, nil
}

// Zone is the centre's.
func (c *Centre) Zone() *time.Location { return c.From.Location() }

// Until is the midnight after the last day.
func (c *Centre) Until() time.Time { return c.From.AddDate(0, 0, c.Days) }

// Queues are a vendor's: skills, inboxes or topics.
func (c *Centre) Queues(v Vendor) []simulator.Queue { return c.queues[v] }

// open names the queues as the vendor does: Five9 knows a skill by its name, the others by an id.
func (c *Centre) open(v Vendor, count int) (queues []simulator.Queue) {
	lines := []string{"Sales", "Service", "Billing", "Claims", "Technical", "Retention", "Returns"}
	for n := range count {
		q := simulator.Queue{Name: lines[n%len(lines)], Channel: "voice"}
		if n >= len(lines) {
			q.Name = fmt.Sprintf("%s %d", q.Name, 1+n/len(lines))
		}
		switch v {
		case Five9:
			if n > 0 && n == count-1 {
				q.Name, q.Channel = "Web Chat", "chat"
			} else if n > 3 && n == count-2 {
				q.Name, q.Channel = "Web E-mail", "email"
			}
			q.ID = q.Name
		case Gladly:
			q.ID, q.Channel = c.Slug("inbox", q.Name), []string{"chat", "sms"}[n%2]
		default:
			q.ID, q.Channel = fmt.Sprint(4100+5*n), "email"
		}
		queues = append(queues, q)
	}
	return queues
}
