// Package wholefile writes files that others read or write at the same time: each is as it was before or as it is after, never half of
// it, whatever crashes when.
package wholefile

import (
	"bufio"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
)

// Write puts a file in the place of the path: what fill writes, once it has been written whole and is on the disk. The folder must exist, and
// be locked where others write the same path: the name that is used meanwhile is always the same one, so that what a crash
// leaves behind is overwritten by the next.
func Write(path string, fill func(w io.Writer) error) (err error) {
	next := filepath.Join(filepath.Dir(path), "."+filepath.Base(path)+".next")
	if err := write(next, fill); err != nil {
		if gone := os.Remove(next); !errors.Is(gone, os.ErrNotExist) {
			err = errors.Join(err, gone)
		}
		return err
	}
	if err := os.Rename(next, path); err != nil {
		return errors.Join(err, os.Remove(next))
	}
	return Settle(filepath.Dir(path))
}

func write(path string, fill func(w io.Writer) error) (err error) {
	file, err := os.OpenFile(path, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	buffered := bufio.NewWriterSize(file, 1<<20)
	if err := fill(buffered); err != nil {
		return err
	}
	if err := buffered.Flush(); err != nil {
		return err
	}
	return file.Sync()
}

// LockAll locks folders, always in the order that they are given in: callers sort them, so that two of them do not wait for each other.
func LockAll(ctx context.Context, dirs []string) (unlock func() error, err error) {
	var held []func() error
	unlock = func() error {
		var err error
		for _, f := range held {
			err = errors.Join(err, f())
		}
		return err
	}
	for _, dir := range dirs {
		f, err := Lock(ctx, dir)
		if err != nil {
			return nil, errors.Join(err, unlock())
		}
		held = append(held, f)
	}
	return unlock, nil
}
