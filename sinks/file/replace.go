package file

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"os"

	"github.com/quarterhour/quarterhour/internal/wholefile"
)

// errUnchanged ends the writing of a file that would be as the one there is.
var errUnchanged = errors.New("the file is as it should be")

// change is what a write does to one file.
type change struct {
	path string
	old  *layout // nil: there is no file
	rows []*row  // in order
	anew map[int]bool
	drop func(*row) bool // rows of the parts in anew that are not to stay; nil: none
}

// rewrite puts the file with its changes in the place of the file. The folder is locked. The old layout is used up.
func (t *table) rewrite(ctx context.Context, c *change) error {
	next := &layout{}
	err := wholefile.Write(c.path, func(w io.Writer) error { return t.fill(ctx, c, w, next) })
	if errors.Is(err, errUnchanged) {
		t.known.keep(c.path, c.old)
		return nil
	}
	c.old.close()
	if err == nil {
		err = next.opened(c.path)
	}
	if err == nil {
		t.known.keep(c.path, next)
	}
	return err
}

// fill writes the new file, and into next what its parts are.
func (t *table) fill(ctx context.Context, c *change, w io.Writer, next *layout) error {
	a := &assembly{builder: builder{layout: next, hashed: t.moves}, full: t.format.rows(), out: t.format.writer(w, c.old), copied: map[uint32]bool{}}
	changed := c.old == nil
	if c.old != nil {
		next.ids = c.old.ids
	}
	for _, s := range c.old.steps(c.rows, c.anew, a.full) {
		if err := ctx.Err(); err != nil {
			return err
		}
		if s.copied {
			if err := a.copy(c.old, s.from, s.to); err != nil {
				return err
			}
			continue
		}
		did, err := t.merge(ctx, c, &s, a)
		if err != nil {
			return err
		}
		changed = changed || did
	}
	if !changed {
		return errUnchanged
	}
	a.close(c.old, a.copied)
	meta, err := a.out.close()
	next.meta = meta
	return err
}

func (t *table) merge(ctx context.Context, c *change, s *step, a *assembly) (changed bool, err error) {
	var old *checked
	if s.from < s.to {
		in, err := t.format.parts(c.old, s.from, s.to)
		if err != nil {
			return false, err
		}
		old = &checked{reader: in, ctx: ctx, path: c.path}
	}
	parts := max(1, (s.total+a.full-1)/a.full)
	a.size = (s.total + parts - 1) / parts
	if changed, err = merge(old, s.rows, c.drop, a); err != nil {
		return false, err
	}
	return changed, a.cut()
}

// assembly puts a file together.
type assembly struct {
	builder
	out    writer
	full   int // rows of a part at most
	size   int // rows of the parts that are written now
	copied map[uint32]bool
}

func (a *assembly) write(r *row) error {
	if a.part.rows >= a.size {
		if err := a.cut(); err != nil {
			return err
		}
	}
	a.add(r)
	return a.out.write(r)
}

// cut ends the part that is being written.
func (a *assembly) cut() error {
	if a.part.rows == 0 {
		return nil
	}
	a.part.number = len(a.layout.parts)
	if err := a.out.cut(&a.part); err != nil {
		return err
	}
	a.end()
	return nil
}

// copy takes parts as they are.
func (a *assembly) copy(old *layout, from, to int) error {
	parts := append(a.layout.parts, old.parts[from:to]...)
	added := parts[len(a.layout.parts):]
	for n := range added {
		a.copied[added[n].id] = true
		added[n].number = len(a.layout.parts) + n
	}
	a.layout.parts = parts
	bytes, err := old.bytes(from, to)
	if err != nil {
		return err
	}
	return a.out.copy(bytes, added)
}

// open opens a file to read its rows; they are nil where there is none.
func (t *table) open(ctx context.Context, path string) (*checked, func() error, error) {
	file, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, func() error { return nil }, nil
	}
	if err != nil {
		return nil, nil, err
	}
	r, err := t.format.reader(file)
	if err != nil {
		return nil, nil, errors.Join(&strayed{path, "its beginning", err}, file.Close())
	}
	return &checked{reader: r, ctx: ctx, path: path}, file.Close, nil
}
