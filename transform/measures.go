package transform

import (
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/quarterhour/quarterhour/internal/spec"
)

// Measure is one entry of the catalogue: what a column of an interval row means.
type Measure struct {
	Name      string
	Rows      []string // queue, agent_queue, agent
	Unit      string   // count or ms
	Meaning   string   // one line
	Rule      Rule     // which instant or span assigns it to intervals
	Rules     []Rule   // what the attribution option may set; none where the rule is fixed
	Reads     []string // fields of contact, agent_state or shift
	Elsewhere string   // how other systems count it, and what goes wrong when the numbers are compared

	parts []counted // what the rule is of
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
	rule := "`" + m.Rule.String() + "`"
	if other := ofProfile(ProfileMessaging, m); other.Rule != m.Rule {
		rule += fmt.Sprintf(", with profile %s by `%s`", ProfileMessaging, other.Rule)
	}
	return spec.Component{
		Kind: spec.Measure, Type: m.Name, Summary: m.Meaning,
		Description: fmt.Sprintf("Rows: %s. Unit: %s. Assigned to intervals by %s. %s Reads `%s`. %s",
			strings.Join(m.Rows, ", "), m.Unit, rule, settable, strings.Join(m.Reads, "`, `"), m.Elsewhere),
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
func Measures() []Measure { return slices.Clone(catalogue()) }

var catalogue = sync.OnceValue(func() []Measure {
	var (
		queue, agentQueue, agent, both = []string{"queue"}, []string{"agent_queue"}, []string{"agent"}, []string{"queue", "agent_queue"}
		arrival, entered               = []Rule{AtOffered}, []string{"offered_at", "direction", "queue_id"}
		answers                        = []Rule{AtOffered, AtAnswered, AtEnded}
		leaves                         = []Rule{AtOffered, AtEnded}
		waits                          = []Rule{AtOffered, AtLeft, AtEnded}
		spans                          = []Rule{AtOffered, AtAnswered, AtEnded, Split}
		answer                         = []string{"offered_at", "answered_at"}
		leave                          = []string{"offered_at", "answered_at", "ended_at", "outcome"}
		talk                           = []string{"answered_at", "ended_at", "talk_ms", "hold_ms"}
		wrap                           = []string{"answered_at", "ended_at", "wrap_ended_at", "wrap_ms"}
		states                         = []string{"started_at", "ended_at", "state", "channel"}
		shifts                         = []string{"starts_at", "ends_at", "activity"}
	)
	all := []Measure{
		{Name: "offered", Rows: queue, Unit: "count", Meaning: "Contacts that entered the queue; a transfer into it is one more.", Rule: AtOffered, Rules: arrival, Reads: entered, parts: []counted{offered}},
		{Name: "answered", Rows: queue, Unit: "count", Meaning: "Contacts that an agent answered.", Rule: AtAnswered, Rules: answers, Reads: answer, parts: []counted{answered}},
		{Name: "abandoned", Rows: queue, Unit: "count", Meaning: "Contacts that ended unanswered, other than by overflow, transfer or voicemail.", Rule: AtEnded, Rules: leaves, Reads: leave, parts: []counted{abandoned}},
		{Name: "short_abandoned", Rows: queue, Unit: "count", Meaning: "Abandoned after a wait shorter than short_abandon; also in abandoned.", Rule: AtEnded, Rules: leaves, Reads: leave, parts: []counted{shortAbandoned}},
		{Name: "answered_in_sl", Rows: queue, Unit: "count", Meaning: "Answered after a wait no longer than the queue's service level.", Rule: AtAnswered, Rules: answers, Reads: answer, parts: []counted{answeredInSL}},
		{Name: "abandoned_in_sl", Rows: queue, Unit: "count", Meaning: "Abandoned after a wait no longer than the queue's service level.", Rule: AtEnded, Rules: leaves, Reads: leave, parts: []counted{abandonedInSL}},
		{Name: "transferred_out", Rows: queue, Unit: "count", Meaning: "Contacts that left by transfer.", Rule: AtEnded, Rules: leaves, Reads: []string{"ended_at", "outcome"}, parts: []counted{transferredOut}},
		{Name: "overflowed", Rows: queue, Unit: "count", Meaning: "Contacts that left to another destination by overflow.", Rule: AtEnded, Rules: leaves, Reads: []string{"ended_at", "outcome"}, parts: []counted{overflowed}},
		{Name: "wait_ms", Rows: queue, Unit: "ms", Meaning: "Wait of answered contacts.", Rule: AtAnswered, Rules: answers, Reads: answer, parts: []counted{waitMs}},
		{Name: "abandon_wait_ms", Rows: queue, Unit: "ms", Meaning: "Wait of abandoned contacts.", Rule: AtEnded, Rules: leaves, Reads: leave, parts: []counted{abandonWaitMs}},
		{Name: "max_wait_ms", Rows: queue, Unit: "ms", Meaning: "Longest wait of a contact answered or abandoned.", Rule: AtLeft, Rules: waits, Reads: leave, parts: []counted{maxWaitMs}},
		{Name: "talk_ms", Rows: both, Unit: "ms", Meaning: "Talk: contact time less hold. An open contact talks up to its source's mark.", Rule: Split, Rules: spans, Reads: talk, parts: []counted{talkMs}},
		{Name: "hold_ms", Rows: both, Unit: "ms", Meaning: "Hold, spread evenly over the contact, since sources do not say when it was; counted once the contact has ended.", Rule: Split, Rules: spans, Reads: talk, parts: []counted{holdMs}},
		{Name: "wrap_ms", Rows: both, Unit: "ms", Meaning: "Wrap-up after the contact ended.", Rule: Split, Rules: spans, Reads: wrap, parts: []counted{wrapMs}},
		{Name: "contact_ms", Rows: both, Unit: "ms", Meaning: "Talk and hold.", Rule: Split, Rules: spans, Reads: talk, parts: []counted{talkMs, holdMs}},
		{Name: "handle_ms", Rows: both, Unit: "ms", Meaning: "Talk, hold and wrap-up.", Rule: Split, Rules: spans, Reads: append(talk[:4:4], "wrap_ended_at", "wrap_ms"), parts: []counted{talkMs, holdMs, wrapMs}},
		{Name: "backlog", Rows: queue, Unit: "count", Meaning: "Contacts waiting at the interval's end.", Rule: AtEnd, Reads: []string{"offered_at", "answered_at", "ended_at"}},
		{Name: "answered", Rows: agentQueue, Unit: "count", Meaning: "Contacts that the agent answered.", Rule: AtAnswered, Rules: answers, Reads: answer, parts: []counted{agentAnswered}},
		{Name: "completed", Rows: agentQueue, Unit: "count", Meaning: "Contacts whose wrap-up ended; null where no contact of the row has wrap-up information.", Rule: AtWrapEnded, Rules: []Rule{AtAnswered, AtEnded, AtWrapEnded}, Reads: wrap, parts: []counted{completed}},
		{Name: "direct_out", Rows: []string{"agent_queue", "agent"}, Unit: "count", Meaning: "Outbound and internal contacts of the agent, answered or not.", Rule: AtOffered, Rules: leaves, Reads: []string{"direction", "offered_at"}, parts: []counted{directOut}},
		{Name: "concurrency_ms", Rows: agent, Unit: "ms", Meaning: "Sum of the agent's contacts' own clocks, from answer to end; above the interval where contacts overlap.", Rule: Split, Reads: []string{"answered_at", "ended_at"}},
		{Name: "login_ms", Rows: agent, Unit: "ms", Meaning: "Logged in, in whichever channel and source; each instant once.", Rule: Split, Rules: []Rule{Split, ToEnd}, Reads: states, parts: []counted{loginMs}},
		{Name: "on_contact_ms", Rows: agent, Unit: "ms", Meaning: "On a contact by state, in any channel.", Rule: Split, Reads: states},
		{Name: "wrap_ms", Rows: agent, Unit: "ms", Meaning: "In wrap-up by state, and on no contact.", Rule: Split, Reads: states},
		{Name: "available_ms", Rows: agent, Unit: "ms", Meaning: "Available in some channel, and neither on a contact nor in wrap-up.", Rule: Split, Reads: states},
		{Name: "not_ready_ms", Rows: agent, Unit: "ms", Meaning: "Logged in, and none of the other states.", Rule: Split, Reads: states},
		{Name: "not_ready_by_reason", Rows: agent, Unit: "ms", Meaning: "Not ready by reason; of two at once the one that began later.", Rule: Split, Reads: append(states[:4:4], "reason")},
		{Name: "scheduled_ms", Rows: agent, Unit: "ms", Meaning: "Scheduled, for work or another activity, each instant once; null in an interval for which no shift of the agent is known.", Rule: Split, Reads: shifts},
		{Name: "adherent_ms", Rows: agent, Unit: "ms", Meaning: "Scheduled, and in a state that fits: available, on a contact or in wrap-up for work (an empty activity), not ready for any other activity. Of shifts that overlap the one that begins last counts, such as a break within a shift. Null where scheduled_ms is.", Rule: Split, Reads: append(shifts[:3:3], "state")},
	}
	for i := range all {
		all[i].Elsewhere = elsewhere[all[i].Name]
	}
	return all
})

// MeasuresOf is the catalogue of a profile; empty is acd.
func MeasuresOf(profile string) []Measure {
	all := Measures()
	for i := range all {
		all[i] = ofProfile(profile, all[i])
	}
	return all
}
