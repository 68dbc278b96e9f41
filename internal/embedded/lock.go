package embedded

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/quarterhour/quarterhour/internal/clock"
)

// ErrHeld is the error of Start where another process has the folder. Its text names that process and what can be done.
var ErrHeld = errors.New("data folder is in use")

// holder is what the lock file says about who has it.
type holder struct {
	PID     int       `json:"pid"`
	Command string    `json:"command"`
	Since   time.Time `json:"since"`
}

// lock is the folder's lock file. The operating system gives the lock back when the process ends, however it ends.
type lock struct{ file *os.File }

// More than one try: who looks whether the folder is held has the lock for an instant, and a process that was killed gives it
// back once its memory is freed.
const (
	lockTries = 25
	lockPause = 20 * time.Millisecond
)

func acquire(ctx context.Context, dir, command string) (*lock, error) {
	path := filepath.Join(dir, "lock")
	file, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("cannot open the lock of the data folder: %w", err)
	}
	for try := 1; ; try++ {
		if err = flock(file, exclusively); err == nil {
			break
		}
		if !errors.Is(err, errLocked) {
			return nil, errors.Join(fmt.Errorf("cannot lock %q: %w: use a folder on a local disk", path, err), file.Close())
		}
		if try == lockTries {
			return nil, errors.Join(heldError(dir, path), file.Close())
		}
		if err := clock.Sleep(ctx, lockPause); err != nil {
			return nil, errors.Join(err, file.Close())
		}
	}
	if err := sign(file, holder{PID: os.Getpid(), Command: command, Since: clock.Now().UTC().Truncate(time.Second)}); err != nil {
		return nil, errors.Join(fmt.Errorf("cannot write %q: %w", path, err), file.Close())
	}
	return &lock{file}, nil
}

// sign writes who holds the lock into its file.
func sign(file *os.File, h holder) error {
	text, err := json.Marshal(h)
	if err != nil {
		return err
	}
	if err := file.Truncate(0); err != nil {
		return err
	}
	_, err = file.WriteAt(append(text, '\n'), 0)
	return err
}

func (l *lock) release() error {
	// Not removed: another process may have opened it already, and would then lock a file that no third one sees.
	return errors.Join(l.file.Truncate(0), l.file.Close())
}

func heldError(dir, path string) error {
	text, err := os.ReadFile(path)
	var h holder
	if err != nil || json.Unmarshal(text, &h) != nil || h.PID == 0 {
		return fmt.Errorf("%w: %q is held by another process: end that one, or choose another folder with --data", ErrHeld, dir)
	}
	return fmt.Errorf("%w: %q is held by %q, process %d, since %s: end it (kill %d), or choose another folder with --data",
		ErrHeld, dir, h.Command, h.PID, h.Since.Local().Format("2006-01-02 15:04:05"), h.PID)
}

// held says whether a process has the folder.
func held(dir string) bool {
	file, err := os.Open(filepath.Join(dir, "lock"))
	if err != nil {
		return false
	}
	err = flock(file, shared)
	_ = file.Close() // gives back what was locked
	return errors.Is(err, errLocked)
}
