package transform

// elsewhere says, by measure, how other systems count it and what goes wrong when two reports are compared. It is the practice of
// these systems in general: versions and settings differ, so the vendor's own manual decides.
var elsewhere = map[string]string{
	"offered": "Avaya CMS and Cisco UCCE count at the entry to the split or skill group, some counters only when the call ends; Genesys Cloud and Amazon Connect at the entry to the queue; " +
		"iService when the question arrived. Goes wrong: a requeued call is offered once or twice, and a call that is offered before and answered after a boundary makes answered exceed offered in one interval.",
	"answered": "Avaya, Cisco, Genesys Cloud and Amazon Connect count at the answer; iService counts resolved answers in queues, and created ones with agents (profile wfm-messaging). " +
		"Goes wrong: compared per interval the two differ by all that is in work; over days they agree.",
	"abandoned": "Some systems leave out abandons below a threshold, others show them apart; some count overflow and voicemail as abandoned, here they are not. " +
		"Goes wrong: answered + abandoned is not offered while contacts wait over a boundary, see backlog.",
	"short_abandoned": "Avaya CMS has a threshold for each split, Genesys Cloud a configurable one, Amazon Connect none; Calabrio's feed has a short-call count at 5 s. " +
		"Goes wrong: taken off twice, once here and once in the formula of the service level; it is part of abandoned.",
	"answered_in_sl": "Six formulas of service level are in use: over offered, over answered, over answered + abandoned, over offered less short abandons, with abandons in time counted as met, or left out. " +
		"Goes wrong: averaging percentages over intervals; sum the counts and divide once.",
	"abandoned_in_sl": "See answered_in_sl: formulas differ in whether a caller who gave up within the limit counts as met, as missed or not at all.",
	"transferred_out": "A transfer leaves this queue and is offered in the next one, everywhere; in Amazon Connect it is a contact leg of its own. Goes wrong: offered over all queues exceeds the callers.",
	"overflowed":      "Avaya calls it outflow, Cisco overflow out. Goes wrong: counted as abandoned by systems that only know answered and not answered.",
	"wait_ms":         "Speed of answer times answered; wait on the whole call in some systems, per queue in others, and here. Goes wrong: an average of averages; divide the sums.",
	"abandon_wait_ms": "With wait_ms the two halves of patience for Erlang A: answered waits are censored. Goes wrong: one average wait over both.",
	"max_wait_ms":     "The greatest over intervals, never a sum. Some systems show the longest wait of those still waiting; here contacts count when they leave the queue.",
	"talk_ms": "Avaya CMS and Cisco UCCE put most durations of a call into the interval in which the call or its work ended, so that a call of an hour lands whole in one quarter; " +
		"Genesys Cloud and Amazon Connect by the end of the segment or split, by metric. Goes wrong: compared per interval they never agree; set the attribution to `ended_at` and they do, and days agree in any case.",
	"hold_ms": "Avaya, Cisco, Genesys Cloud and Amazon Connect count hold beside talk; some exports count it within talk. Goes wrong: hold subtracted twice or added twice; map talk_ms as the source means it.",
	"wrap_ms": "After-call work in most systems, by state of the agent, or by contact. Goes wrong: wrap-up that ends after the next call began, so that handle time exceeds login time; " +
		"the measure of contacts counts both, the one of the agent's state counts each instant once.",
	"contact_ms": "Talk and hold in Avaya, Cisco, Genesys Cloud and Amazon Connect, without after-call work; in iService from the creation of the answer to its resolution, in the step of the resolution. " +
		"Goes wrong: an answer in work for days puts days into one interval.",
	"handle_ms":      "Average handle time is handle_ms over handled contacts of the same attribution. Goes wrong: split durations over counts at the answer, in short intervals; and zero instead of no value where nothing was handled.",
	"backlog":        "Also work in queue, or open items. Goes wrong: kept as a running count that never recovers from one lost event; here it follows from the contacts.",
	"completed":      "Calabrio's and iService's feeds have it, null where it is not known. Goes wrong: null read as 0.",
	"direct_out":     "Direct or extension-out calls in Avaya and Cisco; in iService agent e-mails and notes. Goes wrong: counted as offered work of a queue.",
	"concurrency_ms": "Genesys Cloud and Amazon Connect show each contact's own clock, and agents' times beside them. Goes wrong: sums above the login time taken for an error; with three chats at once they are right.",
	"login_ms": "Staffed time in Avaya, online time in Amazon Connect, on-queue and off-queue together in Genesys Cloud; split at intervals in all of them. iService: from the login to the end of the step, at most the step. " +
		"Goes wrong: one agent in two skills counted twice, and a missing logout that counts for days, which ends here at max_session.",
	"on_contact_ms":       "Goes wrong: contact time of concurrent chats compared with it: this is the agent's wall clock, and at most the interval.",
	"available_ms":        "Idle or ready in most systems. Goes wrong: an agent available in one channel and busy in another counted in both.",
	"not_ready_ms":        "Aux in Avaya, not ready in Cisco, away and its like elsewhere. Goes wrong: an agent who is set to away and then logged out by the system has no event of return.",
	"not_ready_by_reason": "Reason codes have one name in each source. Goes wrong: names that change with the language of the user interface.",
	"scheduled_ms":        "Workforce management systems know schedules, call centres do not. Goes wrong: shifts published after the day are corrections of final rows.",
	"adherent_ms": "Adherence is adherent over scheduled time, in minutes that fit; conformance compares totals only. Goes wrong: a break taken ten minutes late counts twice as out of adherence, " +
		"once in the break and once in the work.",
}
