// Package sqs is an Amazon SQS queue between the pipeline and a destination: an outbox that puts records into it, and an inbox that posts from it.
//
// # Outbox
//
// The sink sends rows, and facts where asked to, with SendMessageBatch: up to ten messages and max_bytes in a request. What SQS refuses of
// a request is a dead letter of ours; what it fails to take otherwise is sent again, and only that. In a FIFO queue revisions of one
// record keep their order: they have the same MessageGroupId, and the engine never has two under way. MessageDeduplicationId is a hash of key,
// revision and body, so that a request whose answer was lost leaves one message, for SQS's five minutes.
//
// The body is one line of JSON, its shape given by "schema", which is 1:
//
//	{"schema":1,"kind":"queue_interval","tenant":"acme","pipeline":"acme-voice",
//	 "key":"queue/acme/2026-03-02T09:00:00Z/sales/voice","revision":17,"final":true,"zero":false,
//	 "start_ms":1772442000000,"seconds":900,
//	 "record":{"tenant":"acme","interval_start":1772442000000,"queue_id":"sales","offered":12,"talk_ms":311500,…}}
//
// record has the fields of the kind's Avro schema by the same names: instants and durations in milliseconds, enums as words, null where
// absent, not_ready_by_reason as an object. Every row is a whole; the greatest revision of a key replaces all others, in whatever order they come.
// Attributes to route by: kind, tenant, pipeline, final (String), schema, revision (Number).
//
// # Inbox
//
// Any sink that delivers by requests may say `via: NAME` and posts from the queue of the sink NAME then:
//
//	sinks:
//	  wfm-queue: {type: sqs, queue: wfm.fifo, group: agent}
//	  calabrio:  {type: calabrio, via: wfm-queue, historical: {…}}
//
// That form was chosen because a queue is a way, not a destination: whatever a destination's options are, they stay where they were, each hop has
// a name of its own in deliveries, metrics and commands, and a queue for people who read it themselves is the same without the second line. Both
// ends may run in one process or in several (quarterhour run --stage sinks); one process at a time posts from a queue, so that revisions of a
// record do not overtake each other. A relay with the destination nested in it would have named every option twice, and a pipeline of
// its own for the posting would have had no rows to balance its deliveries with.
//
// The worker reads up to `held` messages and hides them from others for as long as it has them (ChangeMessageVisibility, before the time
// is over, for up to the 12 hours of SQS). They are posted by the engine that serves every destination: batches, limits, pauses, halves of
// a request that is refused. Then the attempt is written to deliveries, its number being ApproximateReceiveCount, and after that the message is
// deleted. So a crash between post and delete costs one look: the message comes again, is known, and is deleted.
//
// A standard queue delivers twice and out of order. The newest revision delivered of each key is remembered, for as long as the queue and a
// dead-letter queue may keep messages, and read back from deliveries at the start (about 50 bytes a key): what is not newer is deleted.
//
// What the destination refuses is hidden for `again` and tried anew, until the redrive policy takes it; that attempt is `dead` in deliveries and
// has a dead letter, all before it are `retry`. `quarterhour deadletters redrive` sends the record through the queue once more. Where the queue
// has no redrive policy, a record is given up after the destination's `attempts`, and its message deleted: the dead letter is what is left. What
// the destination takes later (a person whom it does not know yet) is held, hidden from others without being read again, for up to 12 hours, and posted when the
// destination said; where more than half of `held` waits so, the queue hides the rest for as long, which costs a receive each time. While the destination is away the worker goes on trying with what it has, and reads nothing: an outage costs no
// receives and moves nothing to the dead-letter queue. In a FIFO queue a refused message holds up its group until the policy takes it, which is what
// such a queue is for; smaller groups (group: agent) hold up less.
//
// # The dead-letter queue
//
// Give the queue a RedrivePolicy, and its dead-letter queue (FIFO for FIFO) 14 days of retention:
//
//	aws sqs set-queue-attributes --queue-url URL --attributes '{"RedrivePolicy":"{\"deadLetterTargetArn\":\"ARN\",\"maxReceiveCount\":\"5\"}"}'
//
// `quarterhour deliveries` shows how many are dead, `quarterhour deadletters list` which and why, unreadable messages among them. After the cause is removed, move the messages back:
//
//	aws sqs start-message-move-task --source-arn ARN-OF-THE-DEAD-LETTER-QUEUE
//
// A message whose record has a newer revision by then is deleted unposted. Moved messages come behind others of their group.
//
// # Limits
//
// A FIFO queue gives out no more than ten messages of a group at a time, which bounds a group to ten records per post and deletion. Queues are not
// created, nor their policies changed. After a crash between a post and its entry in deliveries the post is repeated, an older revision of the
// record perhaps before the newer one: what arrives twice is up to the destination, as everywhere, and the newest is last. Messages that a worker
// holds when it ends have been read once more, which the redrive policy counts.
//
// The facts about SQS are those of its API reference; tests run against ElasticMQ, see sqstest.
package sqs
