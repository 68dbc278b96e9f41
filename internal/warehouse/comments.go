package warehouse

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// described is a column of a table or view.
type described struct {
	Table   string `ch:"table"`
	Column  string `ch:"name"`
	Comment string `ch:"comment"`
	View    bool   `ch:"view"`
}

// derived are the comments of columns that only views have.
var derived = map[string]string{
	"business_day": "The day on the tenant's own clock that the interval starts in",
	"unique_id":    "The series: tenant/queue_id/channel",
	"ds":           "Start of the interval on the tenant's own clock; the hour that a clock goes through twice is there twice",
	"y":            "The value; zero where nothing happened, NULL where the sources are not complete",
	"complete":     "True where every source has reported all of the interval",
	"person":       "Whose id it is: the person's address or tag; empty where nobody is declared",
	"ambiguous":    "True where another id of the source is active and belongs to the same person: which one is meant is not known",
	"alias":        "Another address or tag of the person, or an id as source/worker id; lower case",
	"sources":      "Sources that know the person by this id",
}

// Codes of ClickHouse.
const (
	unknownTable      = 60
	tableIsDropped    = 218
	cannotAssignAlter = 517
	cannotRename      = 521
)

// comment gives the columns of views the comments of the columns they show, which ClickHouse does not do by itself.
func (w *Warehouse) comment(ctx context.Context) error {
	var all []described
	err := w.conn.Select(ctx, &all, `SELECT c.table AS table, c.name AS name, c.comment AS comment, t.engine = 'View' AS view
		FROM system.columns AS c INNER JOIN system.tables AS t ON t.database = c.database AND t.name = c.table
		WHERE c.database = ? ORDER BY c.table, c.position`, w.database)
	if err != nil {
		return failed("read the columns of tables", err)
	}
	comments := make(map[[2]string]string)
	for _, c := range all {
		comments[[2]string{c.Table, c.Column}] = c.Comment
	}
	changes := make(map[string][]string)
	for _, c := range all {
		if text := source(comments, c); c.View && c.Comment == "" && text != "" {
			changes[c.Table] = append(changes[c.Table], fmt.Sprintf("COMMENT COLUMN `%s` '%s'", c.Column, strings.ReplaceAll(text, "'", "''")))
		}
	}
	for view, list := range changes {
		err := failed("comment the columns of "+view, w.conn.Exec(ctx, "ALTER TABLE "+w.table(view)+" "+strings.Join(list, ", ")))
		var e *Error
		if errors.As(err, &e) && slices.Contains([]int{unknownTable, tableIsDropped, cannotAssignAlter, cannotRename}, e.Code) {
			continue // another process has just replaced it, and will comment it
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// source finds the comment of the column that a view's column shows.
func source(comments map[[2]string]string, c described) string {
	if text := derived[c.Column]; text != "" {
		return text
	}
	for _, table := range []string{c.Table, strings.TrimSuffix(c.Table, "_revisions"), "queue_intervals", "completeness", "workers", "deliveries"} {
		if text := comments[[2]string{table + "_store", c.Column}]; text != "" {
			return text
		}
	}
	return ""
}
