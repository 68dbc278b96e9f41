// Package gladly reads Gladly: its agents, their states, conversations as they happen, and work sessions as they were.
//
// # Streams
//
//	agents         GET /agents, hourly                       worker facts; e-mail addresses in lower case
//	statuses       GET /events, every minute                 agent_state facts
//	conversations  a webhook, and GET /events every minute   contact facts, in near real time
//	work_sessions  POST /reports/work-session-events, /10m   contact facts, as they count in the end
//
// # Identity
//
// An agent state is told apart by agent and instant: events and the reports that stand in for them agree on both, and what happens in one
// instant is one state. An event says what changed, not how the agent stands; so that a late one corrects those after it, the
// moments of the last hour (statuses.lateness) are kept for each agent, and the states that follow from them are derived anew.
//
// A contact is told apart by contact id (contactId in events, contact_session_id in the report) and agent. A contact that waits, or that
// nobody answered, has the empty agent; when an agent accepts it, that segment is retracted. What events tell is provisional: once
// the report has the contact's end, it has the last word, and a contact that the report does not have, an hour on, is retracted.
// So nothing counts twice, and nothing stays that only the events had. Conversations themselves are no facts.
//
// Where several agents had one contact, the report has a row for each. They are taken in the order in which the agents accepted: each but
// the last passed the contact on when its handle time ended, and the next segment was offered then.
//
// # Fields
//
// offered_at is when the contact was routed (or created, by option; events only tell of the creation), answered_at when the agent accepted, ended_at when the contact
// ended; talk is the handle time, wrap-up the after-contact time, both decimal seconds in the report. Hold is not reported.
// PHONE_CALL becomes voice, other channels keep their names in lower case. UNANSWERED and UNKNOWN leave the outcome unknown.
//
// # How an agent stands
//
// Logged out, from AGENT_STATUS/LOGGED_OUT, which also ends an away that nobody returned from; else not ready while away, with the away
// reason, or "idle" where there is none; else not ready while available for no channel; else available. Options change what
// reasons count as. Gladly does not say who is on a contact: the contacts do.
//
// # Complete through
//
// States: as far as events were asked for less 30 s (lag), or as far as Gladly's clock was, where it is behind. Contacts: an hour (lag
// of work_sessions), since the report is that late. Events that come later correct what was promised.
//
// # Outages
//
// GET /events reaches back 24 hours. What lies before is read from AgentTimestampsReport, day by day. Contacts come from the work
// sessions, whose window begins where the last one ended; without that stream, from ContactTimestampsReport.
//
// # Dead letters
//
// Reason unreadable: a line that is no JSON, an event without agent or time, a row with an unreadable cell. They name stream, line and
// field. Unknown types, fields, columns and values pass.
//
// # Limits
//
// An event later than statuses.lateness gives its own state and leaves those after it. A contact that one agent had twice is one segment.
// The webhook's secrets cannot be compared with those that Gladly holds: after a change of password, delete the webhook there.
// Whether two ends of a window belong to it, whether agents who left are listed, and how cells of reports are written is not
// documented: windows overlap, nobody is declared gone, and RFC 3339 as well as "2006-01-02 15:04:05.000" (UTC) are read.
//
// Sources: Gladly's REST API (OpenAPI 3.0.1), its sample code for the API and for webhooks, and its help pages on reports.
package gladly

const description = `Agents, agent states, conversations and work sessions of one organisation.

Contacts come twice: from the webhook and the event stream as they happen, and from the report of work sessions, which is about an hour late and has the
last word. Both are facts of one identity, contact and agent: the report corrects what the events said, and takes back what it does not confirm.

The user of the token needs the permission API User, and the right to reports. ` + "`quarterhour sources check`" + ` says what is missing.

The webhook is registered, enabled and watched by the source. Give it a public https address that leads to ` + "`listen`" + `, and a user name and password or a
header that Gladly is to show. What it misses the event stream tells, for a day.`
