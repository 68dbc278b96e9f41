package gladly

import (
	"bufio"
	"errors"
	"io"
)

// maxLine is the longest event that is read, bytes.
const maxLine = 1 << 20

// lines reads JSON Lines of which the last may be cut.
type lines struct {
	from *bufio.Reader
	long []byte // a line that is longer than the buffer
	n    int64  // lines so far
}

func newLines(r io.Reader) *lines { return &lines{from: bufio.NewReaderSize(r, 256<<10)} }

// next returns a line without its end, which holds until the next call. whole is false for a last line without an end, which may be
// cut. tooLong is true for a line of more than maxLine bytes, of which the head is returned. The error is io.EOF, or the connection's.
func (l *lines) next() (line []byte, whole, tooLong bool, err error) {
	l.long = l.long[:0]
	for {
		part, err := l.from.ReadSlice('\n')
		if err == nil && len(l.long) == 0 {
			l.n++
			return trimEnd(part), true, false, nil
		}
		if room := maxLine - len(l.long); len(part) > room {
			part, tooLong = part[:room], true
		}
		l.long = append(l.long, part...)
		switch {
		case err == nil:
			l.n++
			return trimEnd(l.long), true, tooLong, nil
		case errors.Is(err, bufio.ErrBufferFull):
		case errors.Is(err, io.EOF) && len(l.long) > 0:
			l.n++
			return l.long, false, tooLong, nil // the next call says io.EOF
		default:
			return nil, false, false, err
		}
	}
}

func trimEnd(line []byte) []byte {
	for n := len(line); n > 0 && (line[n-1] == '\n' || line[n-1] == '\r'); n-- {
		line = line[:n-1]
	}
	return line
}
