//go:build !linux

package clickhouse

// keepSignals calls f. libchdb is published for Linux only, so elsewhere nothing is ever loaded.
func keepSignals(f func()) { f() }
