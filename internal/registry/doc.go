// Package registry is the client of a schema registry with Confluent's HTTP interface: the embedded one, or a real one.
// An id never changes its meaning, so every answer is kept for the life of the process.
package registry
