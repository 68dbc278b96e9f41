// Package webhook listens for records that any system posts: JSON objects, one or many, or Avro. Expressions map them to the fields of
// a fact.
//
// Guarantees. A request is answered with status 2xx once every fact in it is in the log. The answer lists the records that
// could not be used, which are dead-lettered as well; a request whose form is broken is refused whole. While the log is away senders are
// told to come again (503, Retry-After). What is posted twice changes nothing, as facts have an identity; of two contents of
// one identity the later post wins, unless the mapping gives a revision.
//
// Reasons of dead letters: json, avro, encoding (not UTF-8), too_long, expression (one failed, or its value does not fit the field),
// no_identity (a field that tells facts apart is empty).
//
// Limits. A webhook does not know what it was not told: it promises completeness only where `complete: lateness` says by when
// senders have delivered, and starts that time anew after it was away itself. Nothing is read while draining. A record has at most 1 MiB.
//
// Sources: RFC 9110 (status codes, Retry-After), RFC 2104 (HMAC), Apache Avro 1.11 "Object Container Files".
package webhook
