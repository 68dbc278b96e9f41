// Package broker is the system's whole view of Kafka, and the only package that uses kafka-go.
//
// What is promised:
//
//   - Reading: every batch is checked against its CRC-32C; records of aborted transactions and control records are never
//     handed out; a position that retention has overtaken is reported (Batch.Lost), not skipped in silence.
//   - Writing: acknowledged by all replicas in sync, in order per partition with one request in flight, and a retry is
//     recognised by the broker as one (idempotent producer), so that a lost acknowledgement does not write twice.
//   - Groups: a partition has one owner at a time here; its handler has ended before the partition is given up; a commit
//     covers only its own assignment, never goes back, and fails once the assignment is over.
//
// What is not: nothing here is transactional. A handler that dies between its writes and its commit makes them again, so all
// that is written must be an upsert.
//
// kafka-go's Reader and Writer are not used: the first hands out aborted records and control markers, checks no CRC and lets
// a stale commit through; the second skips a batch that fails and goes on with the next. What is used of it are the
// transport (connections, TLS, SASL, routing to leaders), the administrative calls and the generations of its consumer
// groups; requests to fetch and to produce are encoded here, into memory that is used again.
package broker
