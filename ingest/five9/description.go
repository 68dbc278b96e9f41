package five9

const description = "Each stream that `streams` names is read on its own schedule, by reports that somebody at the customer makes: their folder, names and columns are options. " +
	"Columns are found by the text of the header, in any order; a report without a column that is needed stops the stream and says so. All calls of one user are " +
	"made one after the other, within the quotas that the vendor's live counters show.\n\n" +
	"**Calls.** A leg is offered at `TIMESTAMP` + `IVR TIME`, answered after `QUEUE WAIT TIME` and `RING TIME`, and ends after `TALK TIME` (with hold inside, unless " +
	"`talk_includes_hold: false`) and `PARK TIME`; wrap-up is `AFTER CALL WORK TIME`. `AGENT` (the user name) is the agent, `SKILL` the queue: the vendor's own Call Log has no such column, " +
	"so add it. `[None]` is nobody; `[Deleted]` stays, so that sums agree. Legs of one call are told apart by time, type, agent and skill.\n\n" +
	"**Digital.** A session is offered at `TIMESTAMP`, answered after `QUEUE TIME`, and ends after `HANDLE TIME` less `AFTER CHAT WORK`. Without an agent it was abandoned.\n\n" +
	"**Agent states.** A state holds until the agent's next one; the length that the report gives only orders states of one second. A state that is not known " +
	"counts as not ready with its name as the reason.\n\n" +
	"**Statuses** tell of present states within a minute or two by the statistics web service. The report that follows confirms, corrects or withdraws them. They do not make intervals final: " +
	"rows are final when the report is complete (`lag` after their end), and until then an open state counts as far as the report goes.\n\n" +
	"**Fields.** `fields` replaces what the mapping made by expressions over the fact's fields and the report's columns: " +
	"`outcome: 'row[\"DISPOSITION\"] == \"Voicemail\" ? \"voicemail\" : outcome'`. A column's value is text; `duration(row[\"TALK TIME\"])` reads it.\n\n" +
	"**Time.** Reports tell local times without an offset. They are asked for in windows that do not go over the instant at which clocks go back, so that each time of the repeated hour is " +
	"known to be the first or the second.\n\n" +
	"**What comes late.** Every read asks again for `overlap`; every `revisit_every` for `revisit_back`, since a long call or a long state may appear in the report only when it has ended. What has changed is " +
	"corrected, what has vanished is withdrawn. `quarterhour sources check` runs each report once over a minute, which costs one of the 800 reports of a day."
