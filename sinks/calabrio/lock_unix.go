//go:build unix

package calabrio

import (
	"errors"
	"os"
	"syscall"
)

// lock takes the lock of a file; free is false where another process has it.
func lock(file *os.File) (free bool, err error) {
	for {
		err = syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		switch {
		case errors.Is(err, syscall.EINTR):
			continue
		case errors.Is(err, syscall.EWOULDBLOCK):
			return false, nil
		case errors.Is(err, syscall.ENOTSUP), errors.Is(err, syscall.ENOSYS), errors.Is(err, syscall.EINVAL):
			return true, nil // a file system without locks: one process only may write there, as the reference says
		}
		return err == nil, err
	}
}
