// Package nativetest lets tests speak ClickHouse's native protocol to an engine that has only the HTTP interface: a front that
// takes clients' connections, reads their packets with ch-go's decoders and hands queries and blocks on.
//
// The bytes of columns pass unchanged in both directions; the front writes anew only what is around them: packets, compression
// and the blocks' headers. What it leaves out is what the warehouse does not use: external tables, query parameters, totals.
package nativetest
