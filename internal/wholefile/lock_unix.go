//go:build unix

package wholefile

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"github.com/quarterhour/quarterhour/internal/clock"
)

const lockPause = 5 * time.Millisecond

// Lock waits until the folder is this writer's alone. Two opens of one file exclude each other even within a process; the operating
// system gives the lock back when the process ends, however it ends. The error is fs.ErrNotExist where there is no such folder, or where
// whoever had the lock removed it.
func Lock(ctx context.Context, dir string) (unlock func() error, err error) {
	path := filepath.Join(dir, lockName)
	for {
		file, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o644)
		if err != nil {
			return nil, err
		}
		if err := take(ctx, file); err != nil {
			return nil, errors.Join(err, file.Close())
		}
		mine, err := file.Stat()
		if err != nil {
			return nil, errors.Join(err, file.Close())
		}
		if there, err := os.Stat(path); err == nil && os.SameFile(mine, there) {
			return file.Close, nil
		}
		if err := file.Close(); err != nil { // the lock of a folder that was removed meanwhile
			return nil, err
		}
	}
}

// take waits for the lock of a file.
func take(ctx context.Context, file *os.File) error {
	for {
		err := syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		switch {
		case err == nil:
			return nil
		case !errors.Is(err, syscall.EWOULDBLOCK) && !errors.Is(err, syscall.EINTR):
			return fmt.Errorf("cannot lock %q: %w: use a file system with locks", file.Name(), err)
		}
		if err := clock.Sleep(ctx, lockPause); err != nil {
			return err
		}
	}
}

// Settle makes sure that what was renamed in a folder is on the disk.
func Settle(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
