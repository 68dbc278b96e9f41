// Package delivery brings rows and facts to destinations that take requests: it keeps the newest revision of each key, waits until it is
// due, batches to what the destination takes, retries, and writes down every attempt, so that nothing acknowledged is sent again
// after a crash and nothing unacknowledged is forgotten. The log is its buffer: it commits no offset before what lies ahead of it
// is delivered or dead.
package delivery

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/quarterhour/quarterhour/internal/spec"
	"github.com/quarterhour/quarterhour/schemas"
)

// Item is the newest revision of one key. Exactly one of the records is set.
type Item struct {
	Key      string // as in the rows topic; of a fact: its identity
	Revision int64
	Tenant   string
	// Start and Seconds are the interval's; of a fact: the instant it is about, and 0.
	Start   int64 // milliseconds since 1970, UTC
	Seconds int
	Final   bool
	Zero    bool // nothing happened in the interval: the row is there because the destination wants it
	Again   bool // a person asked for it to be sent once more, whatever was delivered

	Queue      *schemas.QueueInterval
	AgentQueue *schemas.AgentQueueInterval
	Agent      *schemas.AgentInterval
	Contact    *schemas.Contact
	AgentState *schemas.AgentState
	Worker     *schemas.Worker
}

// Destination is one API, file store or queue.
type Destination interface {
	// Send makes one request for items of one kind, at most Plan.Items of them and no key twice. It returns when the destination
	// has answered: nil if it took all; *Refused if it took all but some; any other error is about the whole request and is
	// judged as httpcall's errors are (transient, throttled, refused credential, permanent). Called from several
	// goroutines, never with one key in two of them. See Answered for the status of an answer.
	Send(ctx context.Context, items []Item) error
	Close() error
}

// Refused says which items of a request the destination will never take as they are; all others it took.
type Refused struct {
	Items []RefusedItem
}

// RefusedItem is one of them.
type RefusedItem struct {
	Index  int    // in the items of Send
	Reason string // short code: "field", "unknown_queue"
	Detail string
	// Later is after what time the destination may take it, where that is so: it is sent again then, and nothing else waits for it. The log
	// is not committed beyond it meanwhile, and it counts against the memory of its lane, so a destination holds back few. 0: never. A run that
	// ends once everything is delivered does not wait.
	Later time.Duration
}

func (r *Refused) Error() string { return "the destination refused items of the request" }

// Verifier is a destination that can be read back.
type Verifier interface {
	// Verify looks for the items at the destination, and says of each that it looked at how it stands there: "" as it should be, or how it differs.
	// It says nothing of those that cannot be read back, and returns an error where the destination cannot be asked.
	Verify(ctx context.Context, items []Item, found func(item Item, how string)) error
}

// Joiner is a destination that keeps in memory what it found there. Joined is called when records of a further partition are about to come, to which
// another process may have delivered until now.
type Joiner interface {
	Joined()
}

// When says which revisions are sent.
type When string

// The moments.
const (
	Provisional When = "provisional" // every revision
	Final       When = "final"       // once the interval is final, and corrections after that
	Corrected   When = "corrected"   // only corrections of what had been final before
)

// Plan is how a destination wants to be served. Options that a sink offers its users in YAML are in Options.
type Plan struct {
	Kinds       []string // of record: queue_interval, agent_queue_interval, agent_interval, contact, agent_state, worker
	Items       int      // of one request at most
	Concurrency int      // requests at once at most
	ZeroRows    bool     // a row for every interval of a queue or agent that is known, nothing or not
	// Joint: a request has items of all partitions of the log, one request is under way at a time, and one that can still grow waits four times
	// as long as the last one took, a minute at most: for a destination that each request costs about the same, however many its items are, as
	// one that writes a file anew.
	Joint bool
	// Key gives items another name and revision, where the destination keeps one thing for many facts, as the newest state of an agent: the
	// greatest revision of the name wins. nil: items keep theirs.
	Key func(i *Item) (key string, revision int64)
}

// Options are what every delivering sink lets its users say.
type Options struct {
	When        string        `cfg:"when" default:"final" enum:"provisional|final|corrected" help:"which revisions are sent: all; those of final intervals and their corrections; only corrections of final intervals"`
	Delay       time.Duration `cfg:"delay" default:"0s" help:"time after the interval's end before it is sent"`
	Kinds       []string      `cfg:"kinds" help:"kinds of record to send; all the destination takes if left out"`
	ZeroRows    string        `cfg:"zero_rows" default:"auto" enum:"auto|always|never" help:"rows of zeros for intervals in which nothing happened; auto: where the destination wants them"`
	Batch       int           `cfg:"batch" default:"0" help:"records of one request at most; 0: as the destination takes"`
	Concurrency int           `cfg:"concurrency" default:"0" help:"requests at once at most; 0: as the destination takes"`
	Attempts    int           `cfg:"attempts" default:"8" help:"tries of a record that the destination refuses, before it is put aside as a dead letter; outages do not count"`
	Via         string        `cfg:"via" help:"name of a sink that is a queue: records come from there instead of from the log, and are those that it sends: its when, delay, zero_rows and kinds hold"`
}

// Common are the options themselves, of whatever sink they are part.
func (o *Options) Common() *Options { return o }

// Check reports what is wrong with the options of a sink that can send such kinds of record.
func (o *Options) Check(kinds []string, problem func(path, message string)) {
	for _, kind := range o.Kinds {
		if len(kinds) > 0 && !slices.Contains(kinds, kind) {
			message := fmt.Sprintf("names %q, and with these options the sink can send %s", kind, strings.Join(kinds, ", "))
			if near := spec.Nearest(kind, kinds); near != "" {
				message += fmt.Sprintf(": did you mean %q?", near)
			}
			problem("kinds", message)
		}
	}
	if o.Delay < 0 {
		problem("delay", fmt.Sprintf("is %s, and a row is sent after its interval's end: 0s or longer, did you mean %s?", o.Delay, -o.Delay))
	}
	for _, n := range []struct {
		name, zero  string
		value, from int
	}{{"batch", ", where 0 is as many as the destination takes", o.Batch, 0}, {"concurrency", ", where 0 is as many as the destination takes", o.Concurrency, 0}, {"attempts", "", o.Attempts, 1}} {
		if n.value < n.from {
			problem(n.name, fmt.Sprintf("is %d, not %d or more%s: did you mean %d?", n.value, n.from, n.zero, max(-n.value, n.from)))
		}
	}
}

// Follow makes the options those of a sink whose records come from a queue, which decides what they are.
func (o *Options) Follow(queue *Options, kinds []string) {
	o.When, o.Delay, o.ZeroRows = queue.When, queue.Delay, "never"
	if queue.ZeroRows == "always" {
		o.ZeroRows = "always"
	}
	if len(o.Kinds) == 0 {
		o.Kinds = kinds
	}
}
