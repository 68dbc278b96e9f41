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
	var changes []*change // that of path is first
	for _, one := range append([]string{path}, elsewhere...) {
		c, err := t.olden(ctx, one, byKey)
		if err != nil {
			t.keep(changes...)
			return err
		}
		changes = append(changes, c)
	}
	to := changes[0]
	to.rows = slices.DeleteFunc(slices.Clone(rows), func(r *row) bool { return byKey[string(r.key)] != r })
	if len(to.rows) == 0 {
		t.keep(changes...)
		return nil
	}
	to.drop = func(have *row) bool {
		r := byKey[string(have.key)]
		return r != nil && r.at != have.at
	}
	for n, c := range changes {
		if n > 0 && len(c.anew) == 0 {
			t.keep(c)
			continue
		}
		if err := t.rewrite(ctx, c); err != nil {
			t.keep(changes[n+1:]...)
			return err
		}
	}
	return nil
}

// keep keeps the layouts of files that are not changed.
func (t *table) keep(changes ...*change) {
	for _, c := range changes {
		if c.old != nil {
			t.known.keep(c.path, c.old)
		}
	}
}

// olden finds which parts of a file have older revisions of the keys. Keys of which it has a newer one are no longer in byKey then.
func (t *table) olden(ctx context.Context, path string, byKey map[string]*row) (*change, error) {
	c := &change{path: path, anew: map[int]bool{}}
	var err error
	if c.old, err = t.layout(ctx, path); err != nil || c.old == nil {
		return c, err
	}
	c.drop = func(have *row) bool { return byKey[string(have.key)] != nil }
	for _, n := range c.old.holding(byKey) {
		in, err := t.format.parts(c.old, n, n+1)
		if err != nil {
			c.old.close()
			return c, err
		}
		rows := &checked{reader: in, ctx: ctx, path: path}
		for {
			have, err := rows.next()
			if err != nil {
				c.old.close()
				return c, err
			}
			if have == nil {
				break
			}
			switch r := byKey[string(have.key)]; {
			case r == nil:
			case have.revision > r.revision:
				delete(byKey, string(have.key))
			default:
				c.anew[n] = true
			}
		}
	}
	return c, nil
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
