// Package clickhouse is the sink that keeps the tables of the warehouse: interval rows, how complete they are, and the raw
// facts and dead letters behind them.
//
// Every write is an upsert by revision, so writing again changes nothing; a batch that is written again soon is recognised by
// its token and not even stored. The limits: ClickHouse applies one batch table by table, so that for a moment one table may be
// ahead of another; and raw facts cost about as much disk as all the rest together.
package clickhouse
