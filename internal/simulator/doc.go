// Package simulator makes a contact-centre day: agents with shifts and breaks, queues with callers who lose patience, chats and
// e-mails beside calls. It writes the day as the exports of a phone system and a chat system, with the faults that such exports
// have (late, twice, out of order, corrected, withdrawn), and knows from its own world, not from the exports, what every interval
// row must say. It shares no code with the transform that it checks.
package simulator
