//go:build unix

package embedded

import (
	"errors"
	"os"
	"syscall"
)

// errLocked is flock's answer where another has the lock.
const errLocked = syscall.EWOULDBLOCK

const (
	shared      = syscall.LOCK_SH
	exclusively = syscall.LOCK_EX
)

// flock locks without waiting. Two opens of one file exclude each other even within a process.
func flock(file *os.File, how int) error {
	for {
		err := syscall.Flock(int(file.Fd()), how|syscall.LOCK_NB)
		if !errors.Is(err, syscall.EINTR) {
			return err
		}
	}
}
