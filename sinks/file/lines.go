package file

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"strconv"
	"time"
	"unsafe"
)

// lines reads a text line by line.
type lines struct {
	in     *bufio.Reader
	long   []byte
	number int // of the line read last
	begin  int // of the record read last
}

// line is the next line with its end, good until the next call; io.EOF behind the last.
func (l *lines) line() ([]byte, error) {
	part, err := l.in.ReadSlice('\n')
	l.number++
	if err == nil {
		return part, nil
	}
	l.long = append(l.long[:0], part...)
	for errors.Is(err, bufio.ErrBufferFull) {
		part, err = l.in.ReadSlice('\n')
		l.long = append(l.long, part...)
	}
	if errors.Is(err, io.EOF) && len(l.long) > 0 {
		return nil, errors.New("it ends in the middle of a line")
	}
	return l.long, err
}

func (l *lines) place() string { return fmt.Sprintf("line %d", l.begin) }

// read takes the value of a column for the row, if a merge needs it.
func (t *table) read(r *row, n int, value []byte) error {
	switch {
	case t.isKey[n]:
		r.key = append(append(r.key, value...), 0)
	case n == t.at:
		if len(value) == 0 {
			return nil
		}
		at, err := time.Parse(time.RFC3339, text(value))
		if err != nil {
			return fmt.Errorf("column %q: %.40q is no instant", t.Names[n], value)
		}
		r.at = at.UnixMilli()
	case n == t.revision:
		revision, err := strconv.ParseInt(text(value), 10, 64)
		if err != nil {
			return fmt.Errorf("column %q: %.40q is no whole number", t.Names[n], value)
		}
		r.revision = revision
	}
	return nil
}

// text is the text of bytes that do not change while it is used.
func text(b []byte) string { return unsafe.String(unsafe.SliceData(b), len(b)) }
