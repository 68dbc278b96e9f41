// Package registry is the schema registry inside the process: the Confluent HTTP interface, answered by srfake, which keeps
// everything in memory, with a journal beside it, so that ids survive a restart and a kill -9. An id is written into every
// record of the log: one that changed its meaning would make the log unreadable.
//
// srfake does not compare schemas for compatibility: the build does that (schemas.Compatible).
package registry
