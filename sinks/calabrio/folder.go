package calabrio

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/quarterhour/quarterhour/internal/wholefile"
)

// folder is where files are put, by one process at a time: the lock is that of the folder for what is kept.
type folder struct {
	dir, state string
}

func openFolder(t *Times) (*folder, error) {
	f := &folder{dir: t.Dir, state: t.State}
	if f.state == "" {
		f.state = filepath.Join(f.dir, ".quarterhour")
	}
	for _, d := range []string{f.dir, f.state} {
		if err := os.MkdirAll(d, 0o750); err != nil {
			return nil, fmt.Errorf("make a folder for the files: %w", err)
		}
	}
	return f, nil
}

// alone runs do while nobody else changes the folder.
func (f *folder) alone(ctx context.Context, do func() error) (err error) {
	unlock, err := wholefile.Lock(ctx, f.state)
	if err != nil {
		return fmt.Errorf("lock the folder: %w", err)
	}
	defer func() { err = errors.Join(err, unlock()) }()
	return do()
}

// replace writes a file for importers, who see none of it before all of it is there.
func (f *folder) replace(path string, text []byte) error {
	return wholefile.WriteBy(filepath.Join(f.state, "draft"), path, wholefile.Text(text))
}
