// Package iservice reads One-to-One Service.com's iService: its forms API, by which the web application works, and the statistics it
// computes for workforce management.
//
// Streams. `topics` and `agents` are lists: names of queues, and worker facts. `interactions` searches messages by date and makes
// contacts of them, for the profile wfm-messaging: a question is offered when it arrives in its topic, answered when an agent
// creates the answer, and ended when that is resolved; agent e-mails are outbound contacts and notes internal ones. `logins` asks
// who is logged in. `statistics` takes the three kinds of record that the vendor computes for each quarter of an hour (queues,
// agents by queue, logins) as rows, as they are. Use either facts or statistics: what both say would be counted twice, and is refused.
//
// Guarantees. Facts have the ids of the vendor: queue_id is the topic, agent_id the agent's contact id, interaction_id the thread and
// segment the message. A window is asked for again with an overlap: what has changed is corrected, and what is gone withdrawn. A
// record that cannot be used is a dead letter that names the stream and the field. After a refused login no other is tried until
// the password changes.
//
// Limits. A login is known as precisely as agents are asked for: it counts from the first poll that saw it. Of several answers to
// one question the first is the answer, which lasts until the question is resolved. A resolution without a message is found when
// an open question is looked at again (recheck). Dates without an offset are in `timezone`, by the offset that holds at the start
// of the window that was asked for.
//
// Sources. The vendor's API guide (iservice.info/guides/api, version 8) and its page on workforce management. They give the forms, the
// cookie, errors, paging, and the fields of the statistics. They do not give the fields of a login, the ids of search
// fields, the shape of search results, or how the statistics are asked for: all of that is options, and their defaults are
// presumptions to be checked with `quarterhour sources check`.
package iservice
