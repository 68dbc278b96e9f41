package file

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"time"
	"unsafe"
)

// lines reads a text line by line.
type lines struct {
	in     *bufio.Reader
	long   []byte
	number int   // of the line read last
	begin  int   // of the record read last
	behind int64 // the line read last
	from   int64 // the record read last
	count  int   // records
	base   int64 // where in the file it begins to read
	full   int   // rows of a part
}

// part implements reader.
func (l *lines) part() (number int, from int64) { return (l.count - 1) / l.full, l.from }

// line is the next line with its end, good until the next call; io.EOF behind the last.
func (l *lines) line() ([]byte, error) {
	part, err := l.in.ReadSlice('\n')
	l.number++
	if err == nil {
		l.behind += int64(len(part))
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
	l.behind += int64(len(l.long))
	return l.long, err
}

// start says that a record begins.
func (l *lines) start() {
	l.begin, l.from = l.number+1, l.behind
	l.count++
}

func (l *lines) place() string {
	if l.base > 0 {
		return fmt.Sprintf("line %d behind byte %d", l.begin, l.base)
	}
	return fmt.Sprintf("line %d", l.begin)
}

// linesOfPart is how many rows a part has: few enough to be read for one row, many enough that their places take no memory to speak of.
const linesOfPart = 2048

// textual is what the formats of lines have in common.
type textual struct {
	full int // rows of a part
}

func (t textual) rows() int { return t.full }

// whole reads the lines of a file.
func (t textual) whole(file *os.File) lines {
	return lines{in: bufio.NewReaderSize(file, 1<<18), full: t.full}
}

// locate implements format: each part ends where the next one begins.
func (textual) locate(l *layout) error {
	for n := range l.parts {
		if l.parts[n].to = l.info.Size(); n+1 < len(l.parts) {
			l.parts[n].to = l.parts[n+1].from
		}
	}
	return nil
}

// lines reads the lines of parts.
func (t textual) lines(l *layout, from, to int) lines {
	return lines{in: bufio.NewReaderSize(l.section(from, to), 1<<17), base: l.parts[from].from, full: t.full}
}

// lineWriter writes the lines of a text format.
type lineWriter struct {
	w      io.Writer
	header []byte
	at     int64 // where the next byte goes
	from   int64 // where the part begins
}

func (w *lineWriter) write(r *row) error {
	if err := w.start(); err != nil {
		return err
	}
	n, err := w.w.Write(r.line)
	w.at += int64(n)
	return err
}

func (w *lineWriter) start() error {
	if w.header == nil {
		return nil
	}
	n, err := w.w.Write(w.header)
	w.header, w.at, w.from = nil, int64(n), int64(n)
	return err
}

func (w *lineWriter) cut(p *part) error {
	p.from, p.to = w.from, w.at
	w.from = w.at
	return nil
}

func (w *lineWriter) copy(bytes *io.LimitedReader, parts []part) error {
	if err := w.start(); err != nil {
		return err
	}
	shift := w.at - parts[0].from
	for n := range parts {
		parts[n].from, parts[n].to = parts[n].from+shift, parts[n].to+shift
	}
	n, err := io.Copy(w.w, bytes)
	w.at += n
	w.from = w.at
	if err == nil && bytes.N > 0 {
		err = io.ErrUnexpectedEOF
	}
	return err
}

func (w *lineWriter) close() (*footer, error) { return nil, w.start() }

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
