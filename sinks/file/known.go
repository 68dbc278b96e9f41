package file

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"sync"

	"github.com/quarterhour/quarterhour/internal/clock"
)

// known are the files of a table whose layouts are kept. Safe for concurrent use: a layout is taken out while it is used, which the lock of
// its folder allows one request at a time.
type known struct {
	mu    sync.Mutex
	files map[string]*layout
	turn  int
}

// What is kept at most: a file takes a few hundred bytes for each of its parts, and where rows move, 8 bytes a row.
const (
	mostFiles = 16
	mostKeys  = 4_000_000
)

func (k *known) take(path string) *layout {
	k.mu.Lock()
	defer k.mu.Unlock()
	l := k.files[path]
	delete(k.files, path)
	return l
}

func (k *known) keep(path string, l *layout) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.files == nil {
		k.files = map[string]*layout{}
	}
	if other := k.files[path]; other != nil {
		other.close()
	}
	k.turn++
	l.used, k.files[path] = k.turn, l
	for k.tooMany() {
		oldest := path
		for name, l := range k.files {
			if l.used < k.files[oldest].used {
				oldest = name
			}
		}
		k.files[oldest].close()
		delete(k.files, oldest)
	}
}

func (k *known) tooMany() bool {
	keys := 0
	for _, l := range k.files {
		keys += len(l.keys)
	}
	return len(k.files) > mostFiles || keys > mostKeys && len(k.files) > 3
}

func (k *known) close() {
	k.mu.Lock()
	defer k.mu.Unlock()
	for _, l := range k.files {
		l.close()
	}
	k.files = nil
}

// close ends the use of the file, which was only read.
func (l *layout) close() {
	if l != nil {
		_ = l.file.Close()
	}
}

// layout is that of the file of a path, whose folder is locked; nil where there is none. A file that is not the one that was written or read
// last is read from its beginning to its end.
func (t *table) layout(ctx context.Context, path string) (*layout, error) {
	have := t.known.take(path)
	info, err := os.Stat(path)
	if have != nil && err == nil && os.SameFile(info, have.info) && info.Size() == have.info.Size() && info.ModTime().Equal(have.info.ModTime()) {
		return have, nil
	}
	have.close()
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	l, err := t.scan(ctx, path, file)
	if err != nil {
		return nil, errors.Join(err, file.Close())
	}
	return l, nil
}

// scan reads a file and says what its parts are, or what is wrong with it.
func (t *table) scan(ctx context.Context, path string, file *os.File) (*layout, error) {
	l := &layout{file: file}
	var err error
	if l.info, err = file.Stat(); err != nil {
		return nil, err
	}
	in, err := t.format.reader(file)
	if err != nil {
		return nil, &strayed{path, "its beginning", err}
	}
	rows := &checked{reader: in, ctx: ctx, path: path}
	b := builder{layout: l, hashed: t.moves}
	number, begun := -1, false
	for {
		r, err := rows.next()
		if err != nil {
			return nil, err
		}
		if r == nil {
			break
		}
		if n, from := in.part(); n != number || !begun {
			b.end()
			number, begun = n, true
			b.part.number, b.part.from = n, from
		}
		b.add(r)
	}
	b.end()
	b.close(nil, nil)
	return l, t.format.locate(l)
}

// opened makes the layout that of the file that was just put in the place of the path. Its time is set to the nanosecond: whoever changes it
// in place gives it the time of the system's clock, which is coarser, and so another one.
func (l *layout) opened(path string) (err error) {
	now := clock.Now()
	if err := os.Chtimes(path, now, now); err != nil {
		return err
	}
	if l.file, err = os.Open(path); err != nil {
		return err
	}
	if l.info, err = l.file.Stat(); err != nil {
		return errors.Join(err, l.file.Close())
	}
	return nil
}

// section reads the bytes of parts.
func (l *layout) section(from, to int) *io.SectionReader {
	begin := l.parts[from].from
	return io.NewSectionReader(l.file, begin, l.parts[to-1].to-begin)
}

// bytes are those of parts, as the operating system copies them best.
func (l *layout) bytes(from, to int) (*io.LimitedReader, error) {
	begin := l.parts[from].from
	_, err := l.file.Seek(begin, io.SeekStart)
	return &io.LimitedReader{R: l.file, N: l.parts[to-1].to - begin}, err
}
