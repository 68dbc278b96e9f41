// Package gladly simulates Gladly's REST API for one contact centre of package centre: agents, the event stream, conversations,
// reports and webhooks, with the limits, the lateness and the faults of the real one. What is certain about the vendor and what
// is presumed is noted where it is done.
//
// # Words
//
// Gladly has no agent status "on a contact" or "wrap-up". The states of the simulated agents become
//
//	first state of a shift            AGENT_STATUS/LOGGED_IN, AGENT_AVAILABILITY/UPDATED ["MESSAGING"]
//	not_ready (reason)                AGENT_STATUS/WENT_AWAY with awayReason, AGENT_AVAILABILITY/UPDATED []
//	anything else after not_ready     AGENT_STATUS/RETURNED_FROM_AWAY, AGENT_AVAILABILITY/UPDATED ["MESSAGING"]
//	available, on_contact, wrap       nothing: the agent stays available
//	logged_out                        AGENT_STATUS/LOGGED_OUT, AGENT_AVAILABILITY/UPDATED []
//
// The two events of a pair have the same occurredAt, to the millisecond. So the tables must say of an agent: logged in, available,
// and not ready by reason; Truth is computed so.
//
// A visit to a queue is a contact session of its own in the conversation of its interaction, with the id that the CONTACT events
// call contactId and the work sessions contact_session_id; but agents who pass a contact on to each other share one (see
// Options.Apart), in which each has a row, with their own inbox, routing, acceptance, handle and after-contact time, and with the
// end of the whole. The first agent had the contact for the handle time. A contact that an agent passes on has CONTACT/TRANSFERRED;
// it ends ANSWERED; one that overflowed unanswered into another inbox ends UNANSWERED; one that the customer left ends ABANDONED.
// All is told to the millisecond. What Truth counts as offered is contact_session_routed_at, up to 2 s after
// contact_session_created_at.
//
// # Lateness
//
// An event is recorded milliseconds after it occurred, one in 15 up to 12 s after, and shows in the stream up to 15 s after it was
// recorded: what was recorded earlier may show later. Reports know of everything between ten minutes and an hour late.
//
// # Presumed
//
// startAt is inclusive, endAt exclusive. Limits count by the seconds and minutes of the clock. Answers of 401, 403 and 429 have no
// body. A PING has id, type and timestamp. A webhook that does not answer its ping stays as it was, and the request is answered
// 400. Retries are 30 s, 5 min, 30 min and 1 h after the first attempt.
package gladly
