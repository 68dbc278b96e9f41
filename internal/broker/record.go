package broker

import "time"

// Record is one message of a partition.
type Record struct {
	Key, Value []byte
	// Time is when it was made, or, where the topic says so, when the log took it. Milliseconds; UTC. A zero Time of a record
	// to produce is written as 0, the beginning of 1970.
	Time    time.Time
	Offset  int64 // set on reading only
	Headers []Header
}

// Header is an application's note on a record. Keys need not be unique.
type Header struct {
	Key   string
	Value []byte
}

// Batch is what one fetch brought. Its memory, and that of its records, is used again by the next fetch.
type Batch struct {
	Records []Record
	// Next is where to go on reading; it may lie beyond the last record, where the log holds control records, aborted ones, or
	// ones that compaction took away.
	Next int64
	// HighWatermark is the end of what can be read: the offset after the last record that is replicated and whose transaction,
	// if any, has ended.
	HighWatermark int64
	// Lost is how many offsets were asked for and are gone: retention has removed them. 0 in a healthy system.
	Lost int64
}

// Range is the offsets that a partition holds: First is the oldest still there, Next the one that the next record gets.
type Range struct{ First, Next int64 }
