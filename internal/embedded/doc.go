// Package embedded starts the engines that a single machine needs inside this process: Kafka, the schema registry and
// ClickHouse, all on loopback, with everything they keep under one folder.
//
// One process at a time holds the folder (ErrHeld names it). The holder leaves the addresses of its engines in the folder,
// so that a second command can talk to them instead (Attach).
//
//	DIR/lock                held as long as the process lives; says who
//	DIR/endpoints.json      where the holder's engines answer
//	DIR/kafka               topics, groups and committed offsets
//	DIR/registry            the journal of schemas and their ids
//	DIR/clickhouse          tables
//	DIR/clickhouse-address  the port of ClickHouse, taken again at the next start
package embedded
