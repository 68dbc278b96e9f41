package transform

import (
	"fmt"
	"strings"

	"github.com/quarterhour/quarterhour/internal/spec"
)

// Measure is one entry of the catalogue: what a column of an interval row means.
type Measure struct {
	Name    string
	Rows    []string // queue, agent_queue, agent
	Unit    string   // count or ms
	Meaning string   // one line
	Rule    Rule     // which instant or span assigns it to intervals
	Rules   []Rule   // what the attribution option may set; none where the rule is fixed
	Reads   []string // fields of contact or agent_state
}

// Component is the measure as `quarterhour list` and the reference pages show it.
func (m Measure) Component() spec.Component {
	settable := "The rule is fixed."
	if len(m.Rules) > 1 {
		var words []string
		for _, r := range m.Rules {
			words = append(words, "`"+r.String()+"`")
		}
		settable = "The attribution option may set " + strings.Join(words, ", ") + "."
	}
	return spec.Component{
		Kind: spec.Measure, Type: m.Name, Summary: m.Meaning,
		Description: fmt.Sprintf("Rows: %s. Unit: %s. Assigned to intervals by `%s`. %s Reads `%s`.",
			strings.Join(m.Rows, ", "), m.Unit, m.Rule, settable, strings.Join(m.Reads, "`, `")),
	}
}

// MeasureComponents are the measures as components, in the order of the catalogue.
func MeasureComponents() []spec.Component {
	var all []spec.Component
	for _, m := range Measures() {
		all = append(all, m.Component())
	}
	return all
}

// Measures is the catalogue of profile acd. Inbound and call-back contacts are offered; outbound and internal ones count in
// direct_out, and with their times in agent_queue and agent rows, never in queue rows.
func Measures() []Measure {
	var (
		queue, agentQueue, agent, both = []string{"queue"}, []string{"agent_queue"}, []string{"agent"}, []string{"queue", "agent_queue"}
		arrival, entered               = []Rule{AtOffered}, []string{"offered_at", "direction", "queue_id"}
		answers                        = []Rule{AtOffered, AtAnswered, AtEnded}
		leaves                         = []Rule{AtOffered, AtEnded}
		waits                          = []Rule{AtOffered, AtLeft}
		spans                          = []Rule{AtOffered, AtAnswered, AtEnded, Split}
		answer                         = []string{"offered_at", "answered_at"}
		leave                          = []string{"offered_at", "answered_at", "ended_at", "outcome"}
		talk                           = []string{"answered_at", "ended_at", "talk_ms", "hold_ms"}
		wrap                           = []string{"answered_at", "ended_at", "wrap_ended_at", "wrap_ms"}
		states                         = []string{"started_at", "ended_at", "state", "channel"}
	)
	return []Measure{
		{"offered", queue, "count", "Contacts that entered the queue; a transfer into it is one more.", AtOffered, arrival, entered},
		{"answered", both, "count", "Contacts that an agent answered.", AtAnswered, answers, answer},
		{"abandoned", queue, "count", "Contacts that ended unanswered, other than by overflow, transfer or voicemail.", AtEnded, leaves, leave},
		{"short_abandoned", queue, "count", "Abandoned after a wait shorter than short_abandon; also in abandoned.", AtEnded, leaves, leave},
		{"answered_in_sl", queue, "count", "Answered after a wait no longer than the queue's service level.", AtAnswered, answers, answer},
		{"abandoned_in_sl", queue, "count", "Abandoned after a wait no longer than the queue's service level.", AtEnded, leaves, leave},
		{"transferred_out", queue, "count", "Contacts that left by transfer.", AtEnded, leaves, []string{"ended_at", "outcome"}},
		{"overflowed", queue, "count", "Contacts that left to another destination by overflow.", AtEnded, leaves, []string{"ended_at", "outcome"}},
		{"wait_ms", queue, "ms", "Wait of answered contacts.", AtAnswered, answers, answer},
		{"abandon_wait_ms", queue, "ms", "Wait of abandoned contacts.", AtEnded, leaves, leave},
		{"max_wait_ms", queue, "ms", "Longest wait of a contact answered or abandoned.", AtLeft, waits, leave},
		{"talk_ms", both, "ms", "Talk: contact time less hold. An open contact talks up to its source's mark.", Split, spans, talk},
		{"hold_ms", both, "ms", "Hold, spread evenly over the contact, since sources do not say when it was; counted once the contact has ended.", Split, spans, talk},
		{"wrap_ms", both, "ms", "Wrap-up after the contact ended.", Split, spans, wrap},
		{"contact_ms", both, "ms", "Talk and hold.", Split, spans, talk},
		{"handle_ms", both, "ms", "Talk, hold and wrap-up.", Split, spans, append(talk[:4:4], "wrap_ended_at", "wrap_ms")},
		{"backlog", queue, "count", "Contacts waiting at the interval's end.", AtEnd, nil, []string{"offered_at", "answered_at", "ended_at"}},
		{"completed", agentQueue, "count", "Contacts whose wrap-up ended; null where no contact of the row has wrap-up information.", AtWrapEnded, []Rule{AtAnswered, AtEnded, AtWrapEnded}, wrap},
		{"direct_out", []string{"agent_queue", "agent"}, "count", "Outbound and internal contacts of the agent, answered or not.", AtOffered, leaves, []string{"direction", "offered_at"}},
		{"concurrency_ms", agent, "ms", "Sum of the agent's contacts' own clocks, from answer to end; above the interval where contacts overlap.", Split, nil, []string{"answered_at", "ended_at"}},
		{"login_ms", agent, "ms", "Logged in, in whichever channel and source; each instant once.", Split, nil, states},
		{"on_contact_ms", agent, "ms", "On a contact by state, in any channel.", Split, nil, states},
		{"wrap_ms", agent, "ms", "In wrap-up by state, and on no contact.", Split, nil, states},
		{"available_ms", agent, "ms", "Available in some channel, and neither on a contact nor in wrap-up.", Split, nil, states},
		{"not_ready_ms", agent, "ms", "Logged in, and none of the other states.", Split, nil, states},
		{"not_ready_by_reason", agent, "ms", "Not ready by reason; of two at once the one that began later.", Split, nil, append(states[:4:4], "reason")},
	}
}
