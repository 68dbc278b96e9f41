// Package sqs simulates Amazon SQS as far as a pipeline puts records into a queue and takes them out again: SendMessage, ReceiveMessage, DeleteMessage and
// ChangeMessageVisibility, alone and in batches, GetQueueUrl and GetQueueAttributes, by the JSON protocol that the AWS SDKs speak today.
//
// It is for machines on which nothing but this program runs. What the sink for queues has to get right is tested against ElasticMQ.
//
// The rules are those of SQS's API reference. A message that was read is hidden for its visibility timeout, which may be changed up to 12 hours
// after the reading; a receipt handle of an earlier reading is worth nothing. In a FIFO queue every message has a group, and while one of a group is hidden
// none of that group is given out; a message whose deduplication id came within five minutes is taken, and forgotten. A message that was read
// maxReceiveCount times goes to the dead-letter queue in place of the next reading. Batches have up to ten entries with ids of their own.
//
// Left out: signatures (the access key has to be the right one, the signature is not computed), delays, the expiry of messages, and what standard queues may
// do besides: they deliver here in order, and once.
package sqs
