package pipkins

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/quarterhour/quarterhour/internal/wholefile"
)

// folder is a local or mounted one. It must exist: one that is not mounted is no folder to write into.
type folder string

func (f folder) put(_ context.Context, name string, content []byte) error {
	if _, err := os.Stat(string(f)); err != nil {
		return fmt.Errorf("folder: %w: make it, or mount it", err)
	}
	return wholefile.Write(filepath.Join(string(f), name), wholefile.Text(content))
}

func (f folder) get(_ context.Context, name string) (content []byte, there bool, err error) {
	content, err = os.ReadFile(filepath.Join(string(f), name))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, false, nil
	}
	return content, err == nil, err
}

func (f folder) close() error { return nil }
