package calabrio

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/quarterhour/quarterhour/internal/clock"
)

// replace writes a file as a whole or not at all: draft, on the same file system, takes its name once it is on disk.
func replace(path, draft string, text []byte) error {
	f, err := os.OpenFile(draft, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o640)
	if err != nil {
		return err
	}
	_, err = f.Write(text)
	err = errors.Join(err, f.Sync(), f.Close())
	if err == nil {
		err = os.Rename(draft, path)
	}
	if err != nil {
		return errors.Join(err, os.Remove(draft))
	}
	return syncFolder(filepath.Dir(path))
}

// syncFolder puts the names in a folder on disk.
func syncFolder(path string) error {
	d, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// folder is where files are put, by one process at a time.
type folder struct {
	dir, state string
	turn       chan struct{} // holds one: the lock is the process's
}

func openFolder(dir, state string) (*folder, error) {
	if state == "" {
		state = filepath.Join(dir, ".quarterhour")
	}
	for _, d := range []string{dir, state} {
		if err := os.MkdirAll(d, 0o750); err != nil {
			return nil, fmt.Errorf("make a folder for the files: %w", err)
		}
	}
	return &folder{dir: dir, state: state, turn: make(chan struct{}, 1)}, nil
}

// lockPause is how long one waits before looking again whether the folder is free.
const lockPause = 10 * time.Millisecond

// alone runs f while nobody else changes the folder.
func (f *folder) alone(ctx context.Context, do func() error) error {
	select {
	case f.turn <- struct{}{}:
		defer func() { <-f.turn }()
	case <-ctx.Done():
		return ctx.Err()
	}
	file, err := os.OpenFile(filepath.Join(f.state, "lock"), os.O_RDWR|os.O_CREATE, 0o640)
	if err != nil {
		return fmt.Errorf("lock the folder: %w", err)
	}
	defer func() { _ = file.Close() }() // which unlocks it
	for {
		free, err := lock(file)
		if err != nil {
			return fmt.Errorf("lock the folder: %w", err)
		}
		if free {
			return do()
		}
		if err := clock.Sleep(ctx, lockPause); err != nil {
			return err
		}
	}
}
