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
func Write(path string, fill func(w io.Writer) error) error {
	return WriteBy(filepath.Join(filepath.Dir(path), "."+filepath.Base(path)+".next"), path, fill)
}

// WriteBy is Write where the name that is used meanwhile is another, as of a folder that nobody looks into who takes files away. It must
// be on the same file system as path, and locked as path is.
func WriteBy(draft, path string, fill func(w io.Writer) error) error {
	if err := write(draft, fill); err != nil {
		if gone := os.Remove(draft); !errors.Is(gone, os.ErrNotExist) {
			err = errors.Join(err, gone)
		}
		return err
	}
	if err := os.Rename(draft, path); err != nil {
		return errors.Join(err, os.Remove(draft))
	}
	return Settle(filepath.Dir(path))
}

// Text is what fills a file with a text.
func Text(text []byte) func(w io.Writer) error {
	return func(w io.Writer) error {
		_, err := w.Write(text)
		return err
	}
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

// lockName is the file that stands for the lock of its folder. It stays when the lock is given back.
const lockName = ".quarterhour.lock"

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
