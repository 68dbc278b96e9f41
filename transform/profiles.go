package transform

import "slices"

// differs is what a profile says otherwise than profile acd of one measure in some rows.
type differs struct {
	rows    []string
	measure string
	rule    Rule
	meaning string // empty: the same
}

var (
	queueRows      = []string{"queue"}
	agentQueueRows = []string{"agent_queue"}
	agentRows      = []string{"agent", "agent_queue"}
	contactRows    = []string{"queue", "agent_queue"}
)

// profiles are the differences by profile. Messaging is what feeds of e-mail systems to workforce management define: the
// question is the contact, its answer is created at answered_at and resolved at ended_at.
var profiles = map[string][]differs{
	ProfileMessaging: {
		{queueRows, "offered", AtOffered, "Questions that arrived, whatever became of them."},
		{queueRows, "answered", AtEnded, "Answers that were resolved."},
		{queueRows, "answered_in_sl", AtEnded, "Answers that were resolved, created after a wait no longer than the queue's service level."},
		{queueRows, "wait_ms", AtEnded, "Wait of the questions whose answers were resolved, from arrival to the creation of the answer."},
		{queueRows, "max_wait_ms", AtEnded, ""},
		{contactRows, "talk_ms", AtEnded, "Contact time less hold."},
		{contactRows, "hold_ms", AtEnded, "Hold."},
		{contactRows, "wrap_ms", AtEnded, ""},
		{contactRows, "contact_ms", AtEnded, "From the creation of the answer to its resolution."},
		{contactRows, "handle_ms", AtEnded, "Contact time and wrap-up."},
		{agentQueueRows, "answered", AtAnswered, "Answers that the agent created."},
		{agentRows, "direct_out", AtOffered, "Agent e-mails, and private, public and resolve notes: outbound and internal contacts."},
		{agentRows, "login_ms", ToEnd, "From the first instant logged in to the interval's end, even where a logout came before it."},
	},
}

// ofProfile is what a profile says of a measure.
func ofProfile(profile string, m Measure) Measure {
	for _, d := range profiles[profile] {
		if d.measure == m.Name && slices.Contains(d.rows, m.Rows[0]) {
			if m.Rule = d.rule; d.meaning != "" {
				m.Meaning = d.meaning
			}
		}
	}
	return m
}
