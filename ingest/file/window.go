package file

import (
	"bytes"
	"errors"
	"io"

	"github.com/cespare/xxhash/v2"
)

const (
	windowBytes = 256 << 10
	// maxRow bounds a row, so that a file without line breaks, or with a quote that is never closed, cannot exhaust memory.
	maxRow = 1 << 20
)

// window is the part of a stream that is in memory, and a hash of all that was consumed before it. Not safe for concurrent use.
type window struct {
	r          io.Reader
	buf        []byte
	start, end int   // the bytes read and not yet consumed are buf[start:end]
	hashed     int   // buf[:hashed] is in the hash
	base       int64 // offset in the stream of buf[0]
	hash       *xxhash.Digest
	eof        bool
	tail       *place // before the first row that the end of the stream has cut off
}

func newWindow(r io.Reader) *window {
	return &window{r: r, buf: make([]byte, windowBytes), hash: xxhash.New()}
}

func (w *window) rest() []byte { return w.buf[w.start:w.end] }

// offset is how much of the stream has been consumed.
func (w *window) offset() int64 { return w.base + int64(w.start) }

// sum is the hash of what has been consumed.
func (w *window) sum() uint64 {
	w.absorb()
	return w.hash.Sum64()
}

// place is where the next row starts.
func (w *window) place(line int64) place {
	return place{Offset: w.offset(), Line: line, Hash: hashText(w.sum())}
}

// take consumes a row of a length in bytes, and the line break after it unless the stream ended there.
func (w *window) take(length int, ended bool, line int64) {
	if ended {
		w.doubt(line)
		w.start += length
		return
	}
	w.start += length + 1
}

// doubt notes that what starts here may be incomplete, because the stream ended in it: the next run begins with it.
func (w *window) doubt(line int64) {
	if w.tail == nil {
		p := w.place(line)
		w.tail = &p
	}
}

func (w *window) absorb() {
	_, _ = w.hash.Write(w.buf[w.hashed:w.start]) // never fails, says its documentation
	w.hashed = w.start
}

// more reads on, and says whether there was more. It moves what is in memory: slices of rest are no good after it.
func (w *window) more() (bool, error) {
	if w.eof {
		return false, nil
	}
	if w.end == len(w.buf) {
		if w.start > 0 {
			w.absorb()
			copy(w.buf, w.buf[w.start:w.end])
			w.base += int64(w.start)
			w.end -= w.start
			w.start, w.hashed = 0, 0
		} else {
			w.buf = append(w.buf, make([]byte, len(w.buf))...)
		}
	}
	for {
		n, err := w.r.Read(w.buf[w.end:])
		w.end += n
		if errors.Is(err, io.EOF) {
			w.eof = true
			return n > 0, nil
		}
		if n > 0 || err != nil {
			return n > 0, err
		}
	}
}

// line finds the end of the line that starts at from: the index in rest of its \n, or of the end of the stream, which ended
// says. A line longer than a row may be gives -1.
func (w *window) line(from int) (end int, ended bool, err error) {
	for seen := from; ; {
		i := bytes.IndexByte(w.rest()[seen:], '\n')
		if i >= 0 && seen+i <= maxRow {
			return seen + i, false, nil
		}
		if seen = len(w.rest()); seen > maxRow {
			return -1, false, nil
		}
		ok, err := w.more()
		if err != nil {
			return 0, false, err
		}
		if !ok {
			return len(w.rest()), true, nil
		}
	}
}

// skipLine consumes a line of any length.
func (w *window) skipLine() error {
	for {
		if i := bytes.IndexByte(w.rest(), '\n'); i >= 0 {
			w.start += i + 1
			return nil
		}
		w.start = w.end
		if ok, err := w.more(); !ok {
			return err
		}
	}
}

// skipTo consumes up to an offset; false where the stream ends before it.
func (w *window) skipTo(offset int64) (bool, error) {
	for {
		if left := offset - w.offset(); left <= int64(w.end-w.start) {
			w.start += int(max(left, 0))
			return left >= 0, nil
		}
		w.start = w.end
		if ok, err := w.more(); !ok {
			return false, err
		}
	}
}
