// Package script is the test language of interval rows: what sources said, how far they promised to be complete, and what the
// tables must say then. The engine's own cases are written in it, and the tests of pipeline files.
//
//	case A transfer into a queue is an offer there
//	contact c1/1 queue=sales   offered=09:00:05 answered=09:00:17 ended=09:14:40 outcome=transferred agent=ann
//	contact c1/2 queue=service offered=09:14:40 answered=09:15:10 ended=09:20 agent=bob
//	mark 10:00
//	expect queue sales   09:00 offered=1 answered=1 talk=14:23 transferred_out=1 final
//	expect queue service 09:00 offered=1 answered=0 backlog=1
//
// Parse reads a file of cases; Case.Run runs one on the engine, without any other part of the system. Every case is run as it is
// written, and again with the same records in other orders, sent twice, in other batches, over other numbers of shards and with
// shards that start again from their log or a snapshot: the tables must be the same. A case whose outcome does depend on the order of arrival,
// as with the late policies side and drop, says `order matters`.
//
// docs/testing.md describes the language. Where to read first: parse.go has the statements, check.go the expectations,
// engine.go what runs.
package script
