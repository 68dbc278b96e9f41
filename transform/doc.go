// Package transform folds facts into interval rows. It is pure: no I/O, no clock, no goroutines.
//
// A Shard holds what one partition of a fact topic has said: the newest revision of every contact or agent state, and how far
// each source is complete. What it emits are partials, its share of each interval row. A Merge adds up the newest partial of
// every shard. Both depend on the set of facts and the greatest marks alone, never on the order of arrival, on batches or on
// restarts: each hop replaces what is there.
//
// Where to read first: measures.go says what is counted; cell.go computes what one contact adds to one interval; timeline.go
// says how long an agent's state holds; merge.go decides when a row is final.
package transform
