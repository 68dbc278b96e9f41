package file

import (
	"bytes"
	"fmt"
	"io"
	"io/fs"
	"os"

	"github.com/cespare/xxhash/v2"

	"github.com/quarterhour/quarterhour/ingest/rows"
)

// live is what the source remembers of a plain file that it follows, so that a large file which grows is not read from its start at
// each look. A restart forgets it, and then the hash in the cursor is checked.
type live struct {
	info  fs.FileInfo
	place rows.Place
	hash  xxhash.Digest
	last  []byte // the bytes before the place
}

// lastBytes is how many bytes before the place must be the same.
const lastBytes = 4096

// remember keeps the place of a file that has been read to its end.
func (s *source) remember(f *openFile) {
	delete(s.live, f.path)
	if s.deps.Drain || f.info == nil || f.window == nil || f.compressed || f.window.Cut() != nil {
		return
	}
	l := &live{info: f.info, place: f.place()}
	l.last, l.hash = f.window.Last(lastBytes)
	s.live[f.path] = l
}

// goOn takes the window to the place remembered; false where the file is another, or the place is not the cursor's.
func (s *source) goOn(f *openFile, at rows.Place) (bool, error) {
	l := s.live[f.path]
	if l == nil || l.place != at || f.compressed || !os.SameFile(l.info, f.info) || f.info.Size() < at.Offset {
		return false, nil
	}
	last := make([]byte, len(l.last))
	if _, err := f.file.ReadAt(last, at.Offset-int64(len(last))); err != nil || !bytes.Equal(last, l.last) {
		return false, nil // the way through the whole file finds out more
	}
	if _, err := f.file.Seek(at.Offset, io.SeekStart); err != nil {
		return false, fmt.Errorf("seek: %w", err)
	}
	f.window.Jump(f.raw, at.Offset, l.hash)
	return true, nil
}
