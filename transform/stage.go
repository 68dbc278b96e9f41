package transform

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/quarterhour/quarterhour/internal/spec"
)

// StageOptions are the options of the intervals stage.
type StageOptions struct {
	Profile      string                  `cfg:"profile" default:"acd" enum:"acd|wfm-messaging" help:"How measures are assigned to intervals: as in call centres, or as messaging systems feed workforce management."`
	ServiceLevel time.Duration           `cfg:"service_level" default:"20s" help:"Longest wait that is within the service level."`
	ShortAbandon time.Duration           `cfg:"short_abandon" default:"5s" help:"Waits shorter than this that end unanswered are short abandons."`
	Queues       map[string]QueueOptions `cfg:"queues" help:"Limits of single queues, by queue_id."`
	Late         string                  `cfg:"late,required" enum:"revise|side|drop" help:"What to do with facts that would change final rows: correct the rows, set the fact aside to be looked at, or drop it. Both leave a dead letter with the reason."`
	Attribution  map[string]string       `cfg:"attribution" help:"Which instant assigns a measure to an interval, by measure, or by row and measure as agent_queue.answered; the measures page says which."`
}

// QueueOptions are limits of one queue; what is absent or 0s follows the stage.
type QueueOptions struct {
	ServiceLevel time.Duration `cfg:"service_level" help:"Longest wait that is within the service level."`
	ShortAbandon time.Duration `cfg:"short_abandon" help:"Waits shorter than this that end unanswered are short abandons."`
}

// Validate checks what types alone do not say.
func (o *StageOptions) Validate(problem func(path, message string)) {
	if o.Profile != "" && !slices.Contains(Profiles, o.Profile) {
		problem("profile", fmt.Sprintf("is %q: use %q or %q", o.Profile, ProfileACD, ProfileMessaging))
	}
	if o.Late != "" && !slices.Contains([]string{LateRevise, LateSide, LateDrop}, o.Late) {
		problem("late", fmt.Sprintf("is %q: use %q, %q or %q", o.Late, LateRevise, LateSide, LateDrop))
	}
	if o.ServiceLevel < 0 {
		problem("service_level", "cannot be negative")
	}
	if o.ShortAbandon < 0 {
		problem("short_abandon", "cannot be negative")
	}
	for _, id := range sortedKeys(o.Queues) {
		if q := o.Queues[id]; q.ServiceLevel < 0 || q.ShortAbandon < 0 {
			problem("queues."+id, "has a limit that is negative")
		}
	}
	for _, m := range sortedKeys(o.Attribution) {
		if err := checkRule(m, o.Attribution[m]); err != nil {
			problem("attribution."+m, err.Error())
		}
	}
}

func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

// Component declares the intervals stage.
func Component() spec.Component {
	return spec.Component{
		Kind: spec.Transform, Type: "intervals",
		Summary: "Makes interval rows of contacts, agent states and shifts.",
		Description: strings.TrimSpace(`
Folds the newest revision of every contact, agent state and shift into the rows of queue_intervals, agent_queue_intervals and
agent_intervals. It is the last stage of every pipeline. A row is provisional until every source that feeds it is complete through
the interval's end plus the pipeline's grace; facts that come later are treated as ` + "`late`" + ` says.

Wait is compared with the limits exactly, in milliseconds: a wait of 20 s is within a service level of 20 s, and an abandonment
after 5 s is not short where short_abandon is 5 s.

A profile is a choice of attribution. With wfm-messaging a question is offered in the interval in which it arrived, whatever
became of it; it is answered, in queue rows, in the interval in which the answer was resolved, with its whole contact time; in
rows of agents in the interval in which the agent created the answer; and login time runs from the login to the interval's end.
Apart from login time, days add up alike in both.`),
		Guarantee: "The rows depend on the set of facts and marks alone: duplicates, other orders, other batches and restarts change nothing.",
		Example: strings.TrimSpace(`
profile: acd
service_level: 20s
short_abandon: 5s
late: revise
queues:
  vip: {service_level: 10s}
attribution:
  talk_ms: ended_at`),
		New: func() any { return new(StageOptions) },
	}
}
