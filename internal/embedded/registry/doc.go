// Package registry is the schema registry inside the process: the Confluent HTTP interface, answered by srfake, which keeps
// everything in memory, with a journal beside it, so that ids survive a restart and a kill -9. An id is written into every
// record of the log: one that changed its meaning would make the log unreadable.
//
// It keeps Avro schemas written in one piece. srfake takes any schema after any other: the compatibility levels are kept here,
// by the rules of package schemas.
package registry
