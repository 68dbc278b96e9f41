package file

import (
	"context"
	"errors"
	"slices"
)

// move brings rows of facts into a file. Their time is no part of their key: the older revision may stand elsewhere in the file, or
// in one of the files beside it, from where it is taken once the newer one is written. A crash in between leaves both until the
// request is made again, which nothing had acknowledged.
func (t *table) move(ctx context.Context, path string, elsewhere []string, rows []*row) error {
	byKey := make(map[string]*row, len(rows))
	for _, r := range rows {
		byKey[string(r.key)] = r
	}
	var from []string
	for _, other := range append([]string{path}, elsewhere...) {
		found := false
		err := t.each(ctx, other, func(have *row) {
			r := byKey[string(have.key)]
			switch {
			case r == nil:
			case have.revision > r.revision:
				delete(byKey, string(have.key))
			default:
				found = true
			}
		})
		if err != nil {
			return err
		}
		if found && other != path {
			from = append(from, other)
		}
	}
	rows = slices.DeleteFunc(slices.Clone(rows), func(r *row) bool { return byKey[string(r.key)] != r })
	if len(rows) == 0 {
		return nil
	}
	err := t.rewrite(ctx, path, rows, func(have *row) bool {
		r := byKey[string(have.key)]
		return r != nil && r.at != have.at
	})
	for _, other := range from {
		if err == nil {
			err = t.rewrite(ctx, other, nil, func(have *row) bool { return byKey[string(have.key)] != nil })
		}
	}
	return err
}

// each visits the rows of a file, none where there is no file.
func (t *table) each(ctx context.Context, path string, visit func(*row)) error {
	rows, done, err := t.open(ctx, path)
	if err != nil || rows == nil {
		return err
	}
	for {
		r, err := rows.next()
		if err != nil || r == nil {
			return errors.Join(err, done())
		}
		visit(r)
	}
}
