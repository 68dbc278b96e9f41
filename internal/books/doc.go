// Package books reads the log of a pipeline again, as a whole, to answer three questions: what stands behind a row (Explain),
// whether everything that was read is where it belongs (Audit), and what the rows of the past would be had no fact come too
// late (Rebuild). Kafka is where it reads, since the log is the state; the warehouse is compared with it.
//
// Where to read first: refold.go folds the log; row.go is a row whatever its kind.
package books
