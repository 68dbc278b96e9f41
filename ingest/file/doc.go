// Package file reads exports: CSV, TSV, JSON Lines and Avro container files, plain or compressed, and standard input. Expressions map
// the columns to the fields of a fact.
//
// Guarantees. Every row becomes a fact, or is left out by `where`, or is dead-lettered with file, line and reason. A file is read
// once: the cursor says how far, with a hash of what was read, so that an appended file goes on where it stopped and a file
// with other content is read from its start. A crash costs a replay, never a gap, and facts are idempotent.
//
// Reasons of dead letters: columns (more or fewer values than columns), quotes, json, avro, encoding (not UTF-8), too_long, expression (one
// failed, or its value does not fit the field), no_identity (a field that tells facts apart is empty).
//
// Limits. A row has at most 1 MiB. Text is UTF-8. Standard input has no place to resume at and is read whole each time. Rows of one
// identity that contradict each other need a `revision` that grows; without one, content decides.
//
// Sources: RFC 4180 (CSV), jsonlines.org, Apache Avro 1.11 "Object Container Files".
package file
