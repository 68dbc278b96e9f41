// Package five9 is a simulated Five9: the configuration web service (/wsadmin/{version}/AdminWebService) and the statistics web
// service (/wssupervisor/{version}/SupervisorWebService) over the contact centre of package centre, by a watch that may run fast.
//
// It holds what is known of the vendor's rules. Every call is signed by Basic credentials; a wrong password gets an HTML page with
// status 401, and after a few of them the account is locked (InvalidAccountFault). One user makes one call at a time. Requests are
// checked against the structure that ?wsdl shows: namespace of the wrapper, unqualified children, their order and types. Operations
// are counted by clock minute, hour and day of the data centre. Reports take a while, are cut silently at 50,000 (CSV) or 5,000
// rows, and lag: a row appears 5 to 10 minutes after what it tells has ended, some an hour later, some wrong at first, some twice,
// some of test calls that vanish. Faults come with status 500 or 200, under any prefix. What a well-behaved client never causes is
// kept by Violations.
//
// # What the columns say
//
// A call leg: TIMESTAMP is its start; then follow IVR TIME, QUEUE WAIT TIME, RING TIME, TALK TIME (with HOLD TIME inside) and, after
// the call, AFTER CALL WORK TIME. So the leg was offered to the queue at TIMESTAMP + IVR TIME, was answered a QUEUE WAIT TIME and
// a RING TIME later, and CALL TIME is IVR, queue, ring and talk together. A leg without agent is abandoned where ABANDONED is 1, a
// voicemail where CALL TYPE says so, and has overflowed to the next leg where TRANSFERS is 1; one with an agent was transferred
// where TRANSFERS is 1. A leg of type Manual has no skill, no wait and no after-call work.
//
// A state: TIMESTAMP is its start and AGENT STATE TIME its length. A login is a row of its own, without length, in the second of
// the state that follows it; a hold is a state of its own between two of the same call. The state that is still open is shown as long
// as it is known to have lasted, and for some agents not at all while it is young.
//
// A digital session: TIMESTAMP is when it entered the queue, QUEUE TIME the wait, CHAT TIME or EMAIL TIME the conversation, AFTER CHAT
// WORK what follows, HANDLE TIME the last two. A transferred session has a row per visit with the same SESSION GUID.
package five9
