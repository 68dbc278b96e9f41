package file

import (
	"bufio"
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
)

// rewrite merges rows into the file of the path and puts the whole in its place. The folder is locked.
func (t *table) rewrite(ctx context.Context, path string, rows []*row, drop func(*row) bool) (err error) {
	old, done, err := t.open(ctx, path)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, done()) }()
	// One name, so that what a crash leaves behind is overwritten by the next.
	next := filepath.Join(filepath.Dir(path), "."+filepath.Base(path)+".next")
	changed, err := t.write(next, old, rows, drop)
	if err != nil || !changed && old != nil {
		return errors.Join(err, os.Remove(next))
	}
	if err := os.Rename(next, path); err != nil {
		return errors.Join(err, os.Remove(next))
	}
	return settle(filepath.Dir(path))
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

func (t *table) write(path string, old *checked, rows []*row, drop func(*row) bool) (changed bool, err error) {
	file, err := os.OpenFile(path, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o644)
	if err != nil {
		return false, err
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	buffered := bufio.NewWriterSize(file, 1<<20)
	out := t.format.writer(buffered)
	if changed, err = merge(old, rows, drop, out); err != nil {
		return false, err
	}
	if !changed && old != nil {
		return false, nil
	}
	if err := out.close(); err != nil {
		return false, err
	}
	if err := buffered.Flush(); err != nil {
		return false, err
	}
	return changed, file.Sync()
}
