// Package nativetest lets tests speak ClickHouse's native protocol to an engine that has only the HTTP interface: a front that
// takes clients' connections, reads their packets with ch-go's decoders, and hands queries and blocks on.
//
// It leaves out what the warehouse does not use: external tables, query parameters, totals, logs.
package nativetest
