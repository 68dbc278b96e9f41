package simulator

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"
)

// Options sizes a day.
type Options struct {
	Date     time.Time // the day, in its zone
	Seed     uint64
	Agents   int // a fifth of them work the digital queues
	Queues   int // a quarter are digital
	Contacts int // about how many contacts reach the queues

	// What follows may be left out: then the day makes up names and ids of its own.
	Grain    time.Duration // all instants and lengths are whole multiples of it; a millisecond if 0
	Prefix   string        // of the ids of interactions, to tell days apart
	Lines    []Queue       // the queues, instead of Queues
	People   []Named       // the agents, instead of Agents
	Reasons  [2]string     // how the system names a short break and a lunch; "break" and "lunch" if empty
	Patience time.Duration // mean wait in digital queues before a contact is lost; 20 minutes if 0
}

// Named is an agent as the system knows them.
type Named struct{ ID, Name string }

// DefaultOptions is the day of the demo.
func DefaultOptions() (Options, error) {
	zone, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		return Options{}, fmt.Errorf("time zone of the simulated day: %w", err)
	}
	return Options{Date: time.Date(2026, 3, 2, 0, 0, 0, 0, zone), Seed: 1, Agents: 200, Queues: 20, Contacts: 14_300}, nil
}

// Day is what happened.
type Day struct {
	Options
	Queues   []Queue
	Agents   []*Agent
	Contacts []*Contact
	rand     *rand.Rand
}

// Queue is one line of work.
type Queue struct {
	ID, Name, Channel string
}

// At is an instant of the day.
func (d *Day) At(ms int64) time.Time { return d.Date.Add(time.Duration(ms) * time.Millisecond) }

// Digital says whether contacts of the queue run beside each other.
func (q Queue) Digital() bool { return q.digital() }

// Digital says whether the agent works digital queues.
func (a *Agent) Digital() bool { return a.digital }

// digital says whether contacts of the queue run beside each other.
func (q Queue) digital() bool { return q.Channel != "voice" }

// Agent is one person and what they did. Instants are milliseconds since the start of the day.
type Agent struct {
	ID, Name string
	queues   []int // the queues worked
	digital  bool
	from, to int64   // the shift
	breaks   []span  // still to be taken
	free     []int64 // per hand: when it is free
	busy     []activity
	States   []State
}

type span struct {
	from, to int64
	reason   string
}

// activity is a contact's claim on an agent: talking until end, wrap-up until wrapEnd.
type activity struct{ from, end, wrapEnd int64 }

// State is one state change.
type State struct {
	At     int64
	State  string // available, on_contact, wrap, not_ready, logged_out
	Reason string
}

// Contact is one visit to a queue, or one direct contact. Instants are milliseconds since the start of the day; -1 is none.
type Contact struct {
	Interaction                       string
	Segment                           int
	Queue                             int // -1: none
	Agent                             *Agent
	Direction, Outcome                string
	Offered, Answered, Ended, WrapEnd int64
	Hold                              int64
}

const (
	second = int64(1000)
	minute = 60 * second
	hour   = 60 * minute
)

// NewDay lets a day happen. The same options give the same day.
func NewDay(o Options) *Day {
	if o.Reasons == [2]string{} {
		o.Reasons = [2]string{"break", "lunch"}
	}
	if o.Patience == 0 {
		o.Patience = 20 * time.Minute
	}
	d := &Day{Options: o, rand: rand.New(rand.NewPCG(o.Seed, 0x517cc1b727220a95))}
	d.open()
	d.hire()
	d.work()
	d.callOut()
	for _, a := range d.Agents {
		a.live()
	}
	slices.SortStableFunc(d.Contacts, func(a, b *Contact) int {
		return cmp.Or(cmp.Compare(a.Offered, b.Offered), cmp.Compare(a.Interaction, b.Interaction), a.Segment-b.Segment)
	})
	return d
}

var lines = []string{"Sales", "Service", "Billing", "Claims", "Technical", "Retention", "Returns"}

// whole makes instants and lengths whole multiples of the grain.
func (d *Day) whole(ms int64) int64 { return ms - ms%max(d.Grain.Milliseconds(), 1) }

func (d *Day) open() {
	if d.Queues = slices.Clone(d.Lines); d.Queues != nil {
		return
	}
	for n := range d.Options.Queues {
		q := Queue{ID: fmt.Sprintf("q%02d", n+1), Name: fmt.Sprintf("%s %d", lines[n%len(lines)], 1+n/len(lines)), Channel: "voice"}
		if n >= d.Options.Queues*3/4 {
			q.Channel = []string{"chat", "email", "sms"}[n%3]
		}
		d.Queues = append(d.Queues, q)
	}
}

func (d *Day) hire() {
	people := d.People
	for n := range d.Options.Agents {
		if len(d.People) == 0 {
			people = append(people, Named{fmt.Sprintf("a%03d", n+1), fmt.Sprintf("%s %s", first[n%len(first)], last[n/len(first)%len(last)])})
		}
	}
	voice := slices.IndexFunc(d.Queues, Queue.digital)
	for n, p := range people {
		a := &Agent{ID: p.ID, Name: p.Name}
		a.digital = voice == 0 || n%5 == 4 && voice > 0
		first, count, hands := 0, voice, 1
		if a.digital {
			first, count, hands = voice, len(d.Queues)-voice, 3
		}
		if voice < 0 {
			count = len(d.Queues)
		}
		for k := range min(3, count) {
			a.queues = append(a.queues, first+(n+k)%count)
		}
		a.free = make([]int64, hands)
		a.from = d.whole(7*hour + d.rand.Int64N(5*hour))
		a.to = d.whole(a.from + 8*hour + d.rand.Int64N(30*minute))
		for k, b := range []struct {
			reason string
			length int64
		}{{d.Reasons[0], 15}, {d.Reasons[1], 30}, {d.Reasons[0], 15}} {
			at := d.whole(a.from + int64(k+1)*2*hour + d.rand.Int64N(20*minute))
			a.breaks = append(a.breaks, span{at, d.whole(at + b.length*minute + d.rand.Int64N(2*minute)), b.reason})
		}
		for h := range a.free {
			a.free[h] = a.from
		}
		d.Agents = append(d.Agents, a)
	}
}

var (
	first = []string{"Ada", "Boris", "Chidi", "Dana", "Elif", "Farid", "Greta", "Hana", "Ivo", "Jana", "Kofi", "Lea", "Mira", "Nils", "Olga", "Pavel", "Qing", "Rosa", "Sven", "Tara"}
	last  = []string{"Adler", "Brandt", "Costa", "Demir", "Egger", "Fuchs", "Gruber", "Horn", "Ibsen", "Jung"}
)
