package clickhouse

import (
	"fmt"
	"io"
	"os"
)

// spoolFile writes data to a file that has no name any more, so that it is gone with the process, however that ends. Data that
// does not come through to its end is an error, so that it is never inserted.
func (s *Server) spoolFile(data io.Reader) (*os.File, error) {
	file, err := nameless(s.spool)
	if err != nil {
		return nil, err
	}
	if _, err := io.Copy(file, data); err != nil {
		_ = file.Close()
		return nil, unreadable(err)
	}
	return file, nil
}

func nameless(dir string) (*os.File, error) {
	file, err := os.CreateTemp(dir, "spool-*")
	if err != nil {
		return nil, fmt.Errorf("open a file for data on its way: %w", err)
	}
	if err := os.Remove(file.Name()); err != nil {
		_ = file.Close()
		return nil, fmt.Errorf("open a file for data on its way: %w", err)
	}
	return file, nil
}

// fdPath names an open file of this process, so that the engine can open it whatever characters its directory has and even
// where its name is gone.
func fdPath(file *os.File) string { return fmt.Sprintf("/proc/self/fd/%d", file.Fd()) }
