// Package schemas holds the Avro schema of every fact, mark and row, the Go records they describe, and the codecs between
// the two. It is the one vocabulary that ingest, transform and sinks share, and imports none of them.
//
// # Reading order
//
// The .avsc files are the source; records.go, enums.go and catalogue.go are generated from them. schema.go finds a record's
// schema, wire.go is the Confluent wire format. A Decoder is compiled in compile.go, plain.go and constant.go into the program
// of program.go, which run.go interprets: what depends on the schemas is decided once, what remains per record is a loop over
// operations. encode.go is the way back, generic.go and container.go read what is known only at run time.
//
// # Changing a schema
//
// Edit the .avsc file, run "go generate ./schemas" and then "go test ./schemas -run TestHistory -update", which publishes it as
// the next version under history/ if every version before it can still be read. Allowed are: a new field with a default, a
// field left out, another order, a wider number, a new enum symbol where the enum has a default, another name with the old
// one as an alias. A published file is never edited: messages that were written with it lie in logs.
package schemas

import "math"

// Null stands for an absent instant or duration: 0 is a value, Null is none.
const Null = math.MinInt64

// NamedValue is one entry of an Avro map of longs, kept as a sorted slice: no map on the hot path.
type NamedValue struct {
	Name  string
	Value int64
}
