package rows

import (
	"bytes"
	"errors"
	"io"
	"strconv"

	"github.com/cespare/xxhash/v2"
)

// windowBytes is how much of a stream is read at a time.
const windowBytes = 256 << 10

// Window is the part of a stream that is in memory, and a hash of all that was consumed before it. Not safe for concurrent use.
type Window struct {
	r          io.Reader
	buf        []byte
	start, end int   // the bytes read and not yet consumed are buf[start:end]
	hashed     int   // buf[:hashed] is in the hash
	base       int64 // offset in the stream of buf[0]
	hash       *xxhash.Digest
	eof        bool
	tail       *Place // before the first row that the end of the stream has cut off
}

// NewWindow reads a stream from its start.
func NewWindow(r io.Reader) *Window {
	return &Window{r: r, buf: make([]byte, windowBytes), hash: xxhash.New()}
}

// Place is a place between two rows.
type Place struct {
	Offset int64  `json:"offset"`         // in the decompressed content; of an Avro file, the number of rows
	Line   int64  `json:"line,omitempty"` // that starts there
	Hash   string `json:"hash"`           // xxhash of the content before the place; of an Avro file, of its start
}

// Hash is a hash as a Place holds it.
func Hash(sum uint64) string { return strconv.FormatUint(sum, 16) }

// Peek is at least n bytes of what comes next, or all there is.
func (w *Window) Peek(n int) ([]byte, error) {
	for len(w.rest()) < n {
		if ok, err := w.more(); err != nil {
			return nil, err
		} else if !ok {
			break
		}
	}
	return w.rest(), nil
}

// Skip consumes n bytes of what Peek has shown.
func (w *Window) Skip(n int) { w.start += n }

// Cut is the place before the first row that the end of the stream has cut off; nil where none has been.
func (w *Window) Cut() *Place { return w.tail }

// Last are up to n of the bytes consumed last, as far as they are in memory, and the hash of all that was consumed.
func (w *Window) Last(n int) ([]byte, xxhash.Digest) {
	w.absorb()
	return bytes.Clone(w.buf[max(0, w.start-n):w.start]), *w.hash
}

// Jump goes on in another reader, which stands at an offset of the same stream; hash is that of what comes before.
func (w *Window) Jump(r io.Reader, offset int64, hash xxhash.Digest) {
	w.r, w.hash = r, &hash
	w.base, w.start, w.end, w.hashed, w.eof = offset, 0, 0, 0, false
}

// NewWindowOn reads what is in memory already, which it does not change.
func NewWindowOn(text []byte) *Window {
	return &Window{buf: text, end: len(text), eof: true, hash: xxhash.New()}
}

// Reset goes on with another stream, in the same memory.
func (w *Window) Reset(r io.Reader) {
	w.hash.Reset()
	*w = Window{r: r, buf: w.buf, hash: w.hash}
}

// Rest reads what has not been consumed, for readers that do without a window.
func (w *Window) Rest() io.Reader {
	if w.eof {
		return bytes.NewReader(w.rest())
	}
	return io.MultiReader(bytes.NewReader(w.rest()), w.r)
}

func (w *Window) rest() []byte { return w.buf[w.start:w.end] }

// Offset is how much of the stream has been consumed.
func (w *Window) Offset() int64 { return w.base + int64(w.start) }

// Sum is the hash of what has been consumed.
func (w *Window) Sum() uint64 {
	w.absorb()
	return w.hash.Sum64()
}

// Place is where the next row starts.
func (w *Window) Place(line int64) Place {
	return Place{Offset: w.Offset(), Line: line, Hash: Hash(w.Sum())}
}

// take consumes a row of a length in bytes, and the line break after it unless the stream ended there.
func (w *Window) take(length int, ended bool, line int64) {
	if ended {
		w.doubt(line)
		w.start += length
		return
	}
	w.start += length + 1
}

// doubt notes that what starts here may be incomplete, because the stream ended in it: the next run begins with it.
func (w *Window) doubt(line int64) {
	if w.tail == nil {
		p := w.Place(line)
		w.tail = &p
	}
}

func (w *Window) absorb() {
	_, _ = w.hash.Write(w.buf[w.hashed:w.start]) // never fails, says its documentation
	w.hashed = w.start
}

// more reads on, and says whether there was more. It moves what is in memory: slices of rest are no good after it.
func (w *Window) more() (bool, error) {
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
func (w *Window) line(from int) (end int, ended bool, err error) {
	for seen := from; ; {
		i := bytes.IndexByte(w.rest()[seen:], '\n')
		if i >= 0 && seen+i <= MaxRow {
			return seen + i, false, nil
		}
		if seen = len(w.rest()); seen > MaxRow {
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
func (w *Window) skipLine() error {
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

// SkipTo consumes up to an offset; false where the stream ends before it.
func (w *Window) SkipTo(offset int64) (bool, error) {
	for {
		if left := offset - w.Offset(); left <= int64(w.end-w.start) {
			w.start += int(max(left, 0))
			return left >= 0, nil
		}
		w.start = w.end
		if ok, err := w.more(); !ok {
			return false, err
		}
	}
}
