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

// rewrite merges rows into the file of the path and puts the whole in its place. The folder is locked.
func (t *table) rewrite(ctx context.Context, path string, rows []*row, drop func(*row) bool) (err error) {
	old, done, err := t.open(ctx, path)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, done()) }()
	err = wholefile.Write(path, func(w io.Writer) error {
		out := t.format.writer(w)
		changed, err := merge(old, rows, drop, out)
		if err == nil && !changed && old != nil {
			err = errUnchanged
		}
		if err != nil {
			return err
		}
		return out.close()
	})
	if errors.Is(err, errUnchanged) {
		return nil
	}
	return err
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
