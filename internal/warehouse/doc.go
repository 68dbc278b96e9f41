// Package warehouse is ClickHouse as the rest of the program sees it: open a server, bring its tables up to date, insert
// batches of records by column, and ask questions in any of ClickHouse's formats. It is the only package that talks to
// clickhouse-go.
//
// Storage tables end in _store and keep the greatest revision of each key; views with the plain names read them, so that
// nobody has to know about merges. migrations/ holds the tables, once run never changed; views/ holds the views, which are
// written again whenever they or the tables change.
package warehouse
