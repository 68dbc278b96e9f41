// Package http is the sink for any destination that takes JSON, NDJSON, XML or CSV by HTTPS. What a request looks like is said in
// the pipeline file: names and expressions, or templates with {{expressions}}, for each kind of record; an envelope; headers, such as
// one by which the destination tells a repeated request; and how its answers say what was taken.
//
// Guarantees: a record is sent as a total that replaces, never as a difference; values are escaped as JSON, XML, CSV and URLs ask;
// what cannot be written is a dead letter that names the field; the sink itself tries a request once, since the engine that
// drives it does all waiting and trying again. Limits: a destination that adds what it is sent counts twice what is sent twice, unless a
// header tells it; what is read back is compared field by field, one request for each record.
//
// The presets hold what Eleveo and Genesys have published, and nothing that is a guess.
package http
