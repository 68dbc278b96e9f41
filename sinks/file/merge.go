package file

import (
	"context"
	"errors"
	"fmt"
	"io"
)

// strayed is an error about a file that is not as this sink writes it. It is left as it is.
type strayed struct {
	path, place string
	err         error
}

func (s *strayed) Error() string {
	return fmt.Sprintf("%s: %s: %v: nothing is written to it before it is mended, or moved away: rows that it held are then to be sent again by quarterhour rebuild",
		s.path, s.place, s.err)
}

func (s *strayed) Unwrap() error { return s.err }

// checked passes on a file's rows, checks their order, and ends when ctx does.
type checked struct {
	reader
	ctx  context.Context //nolint:containedctx // of one pass through a file
	path string
	n    int
	last row
}

// next is the next row; nil behind the last.
func (c *checked) next() (*row, error) {
	if c.n++; c.n%4096 == 0 && c.ctx.Err() != nil {
		return nil, c.ctx.Err()
	}
	r, err := c.reader.next()
	if errors.Is(err, io.EOF) {
		return nil, nil
	}
	if err == nil && c.n > 1 && c.last.compare(r) >= 0 {
		err = errors.New("its rows are not in the order of time and key, or one is there twice")
	}
	if err != nil {
		return nil, &strayed{c.path, c.place(), err}
	}
	c.last.at, c.last.key = r.at, append(c.last.key[:0], r.key...)
	return r, nil
}

// merge writes the rows of a file and those that are new, both in order, without those that drop names. A new row replaces that of
// the same key unless its revision is less. changed says whether what it wrote is other than the file.
func merge(old *checked, rows []*row, drop func(*row) bool, out interface{ write(r *row) error }) (changed bool, err error) {
	var have *row
	read := func() error {
		for {
			if have = nil; old == nil {
				return nil
			}
			r, err := old.next()
			if err != nil || r == nil {
				return err
			}
			if have = r; drop == nil || !drop(r) {
				return nil
			}
			changed = true
		}
	}
	if err := read(); err != nil {
		return false, err
	}
	for have != nil || len(rows) > 0 {
		order := -1 // the file's row is first
		switch {
		case have == nil:
			order = 1
		case len(rows) > 0:
			order = have.compare(rows[0])
		}
		next := have
		if order >= 0 {
			next, rows = rows[0], rows[1:]
			if order == 0 && have.revision > next.revision {
				next = have
			}
			changed = changed || order > 0 || next != have && !next.same(have)
		}
		if err := out.write(next); err != nil {
			return false, err
		}
		if order <= 0 {
			if err := read(); err != nil {
				return false, err
			}
		}
	}
	return changed, nil
}
