// Package schemas holds the Avro schema of every fact, mark and row, the Go records they describe, and the codecs between
// the two. It is the one vocabulary that ingest, transform and sinks share, and imports none of them.
package schemas

import "math"

// Null stands for an absent instant or duration: 0 is a value, Null is none.
const Null = math.MinInt64

// NamedValue is one entry of an Avro map of longs, kept as a sorted slice: no map on the hot path.
type NamedValue struct {
	Name  string
	Value int64
}
