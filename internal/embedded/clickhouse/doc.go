// Package clickhouse runs ClickHouse's own engine, libchdb, inside this process, behind ClickHouse's HTTP interface on
// loopback. Any client of that interface works: clickhouse-go, curl, Grafana, clickhouse-connect.
//
// What it promises: an INSERT that was acknowledged is there after a restart and after kill -9; a body that did not arrive
// whole is never inserted; large results are passed on while the query runs and never held in memory; a reading query ends when
// its client goes away. Everything is written below Options.Dir.
//
// libchdb is loaded without cgo through purego. It is a file of 560 MB that `make engine` downloads once.
package clickhouse
