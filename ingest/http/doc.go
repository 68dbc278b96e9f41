// Package http reads any API that answers with pages of JSON, JSON Lines, CSV or XML, as the pipeline file describes it: how requests
// are signed, what they ask for, how the pages follow each other, where the records stand. Expressions map the records to the fields of a
// fact.
//
// Guarantees. Every record of an answer becomes a fact, is left out by `where`, or is dead-lettered with stream, page, record and reason. A
// page that is cut off is asked for again. A window that failed is read again whole; facts have identities, so that nothing counts twice.
// After an outage streams catch up from where they stopped, as far as `back` reaches.
//
// Reasons of dead letters: columns, quotes, json, xml, encoding (not UTF-8), too_long, expression (one failed, or its value does not fit the
// field), no_identity (a field that tells facts apart is empty), truncated (of a window that the API cuts short however small it is).
//
// Limits. A record has at most 1 MiB; pages may have any size. One request asks for one page: an API that needs a call for each record is not
// for this source. Memory does not grow with the pages, but with the facts of the window that is asked for again.
//
// Sources: RFC 9110 (HTTP), RFC 8288 (links), RFC 6749 (OAuth 2.0), RFC 4180 (CSV), jsonlines.org.
package http
