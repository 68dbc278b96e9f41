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
// system gives the lock back when the process ends, however it ends.
func Lock(ctx context.Context, dir string) (unlock func() error, err error) {
	path := filepath.Join(dir, ".quarterhour.lock")
	file, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o644)
	if err != nil {
		return nil, err
	}
	for {
		err := syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		switch {
		case err == nil:
			return file.Close, nil
		case !errors.Is(err, syscall.EWOULDBLOCK) && !errors.Is(err, syscall.EINTR):
			return nil, errors.Join(fmt.Errorf("cannot lock %q: %w: use a file system with locks", path, err), file.Close())
		}
		if err := clock.Sleep(ctx, lockPause); err != nil {
			return nil, errors.Join(err, file.Close())
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
