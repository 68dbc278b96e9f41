// Package kafka is the broker inside the process: kfake, which speaks Kafka's own protocol, with its data under one folder.
//
// What is promised: a record acknowledged is on disk (every batch is synced), and is there after a restart or a kill -9;
// committed offsets and topics likewise. The port stays the same over restarts where it is free. Topics are only made on
// purpose, never by asking for one that is not there.
//
// Compacted topics are compacted between two runs, when they have grown; see compact.
//
// What is not: one node means one copy; the protocol is served by one loop, so this is for one machine. At start the
// partitions are read into memory once.
package kafka
