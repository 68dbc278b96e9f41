package file

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/cespare/xxhash/v2"

	"github.com/quarterhour/quarterhour/internal/expression"
	"github.com/quarterhour/quarterhour/schemas"
)

// openFile is a file that is being read, from where the last run stopped.
type openFile struct {
	*input
	path    string
	rows    reader
	mapping *mapping
	window  *window    // nil for Avro
	avro    *container // nil for text
	start   string     // hash of an Avro file's start
	hold    bool       // leave a last row without a line break for later
}

// openFile opens a file; nil where nothing is new.
func (r *run) openFile(path string) (*openFile, error) {
	in, err := openInput(path, r.options.Compression)
	if err != nil {
		return nil, err
	}
	old := r.cursor.Files[path]
	grown := old == nil || in.info.Size() != old.Size || in.info.ModTime().UnixNano() != old.Modified
	if !grown && !old.Held {
		r.done += in.info.Size()
		return nil, in.Close()
	}
	f := &openFile{input: in, path: path, hold: !r.deps.Drain && path != stdin && grown}
	same, err := f.begin(r.source, old)
	if err == nil && !same {
		r.deps.Log.Info("the file was replaced: reading it from its start", "path", path)
		if err = in.Close(); err != nil {
			return nil, err
		}
		if f.input, err = openInput(path, r.options.Compression); err != nil {
			return nil, err
		}
		_, err = f.begin(r.source, nil)
	}
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return f, nil
}

// begin reads the header and goes to where the last run stopped; false where that is another file's place.
func (f *openFile) begin(s *source, old *progress) (bool, error) {
	w := newWindow(f.Reader)
	for len(w.rest()) < 512 {
		if ok, err := w.more(); err != nil {
			return false, fmt.Errorf("read: %w", err)
		} else if !ok {
			break
		}
	}
	format := s.options.Format
	if format == "auto" {
		format = formatOf(f.path, w.rest())
	}
	if format == "avro" {
		return f.beginAvro(s, w, old)
	}
	if bytes.HasPrefix(w.rest(), []byte{0xff, 0xfe}) || bytes.HasPrefix(w.rest(), []byte{0xfe, 0xff}) {
		return false, fmt.Errorf("the file is UTF-16: convert it, for example with iconv -f utf-16 -t utf-8")
	}
	if bytes.HasPrefix(w.rest(), []byte("\xef\xbb\xbf")) {
		w.start += 3
	}
	f.window = w
	var err error
	if format == "jsonl" {
		err = f.beginLines(s)
	} else {
		if len(w.rest()) == 0 { // not even a header
			f.mapping, f.rows = &mapping{}, &lines{window: w, next: 1}
			return old == nil, nil
		}
		err = f.beginDelimited(s, format)
	}
	if err != nil || old == nil {
		return true, err
	}
	f.setLine(old.Line)
	if ok, err := s.goOn(f, old.place); ok || err != nil {
		return ok, err
	}
	ok, err := w.skipTo(old.Offset)
	if err != nil {
		return false, fmt.Errorf("read: %w", err)
	}
	return ok && hashText(w.sum()) == old.Hash, nil
}

func (f *openFile) beginLines(s *source) error {
	columns := &expression.Open{}
	f.mapping = newMapping(s.options, columns, s.zone)
	f.rows = newLines(f.window, columns.Paths, s.options.NullValues)
	return f.mapping.err()
}

func (f *openFile) beginDelimited(s *source, format string) error {
	o := s.options
	d := &delimited{window: f.window, delimiter: ',', quotes: o.Quotes, nulls: o.NullValues, next: 1}
	if format == "tsv" {
		d.delimiter = '\t'
	}
	if o.Delimiter != "" {
		d.delimiter = o.Delimiter[0]
	}
	names := o.Columns
	if o.Header {
		header, err := d.header()
		if err != nil {
			return fmt.Errorf("header: %w", err)
		}
		if len(names) == 0 {
			names = header
		}
	}
	columns := expression.Named{List: names, Kind: expression.Text}
	f.mapping = newMapping(o, columns, s.zone)
	if err := f.mapping.err(); err != nil {
		if len(names) == 1 && len(o.Columns) == 0 && strings.ContainsAny(names[0], ";|\t,") {
			return fmt.Errorf("the header is one column, %q: set `delimiter`\n%w", names[0], err)
		}
		return err
	}
	d.columns, d.used = names, make([]bool, len(names))
	for _, slot := range f.mapping.used {
		d.used[slot] = true
		if i := slices.Index(names[slot+1:], names[slot]); i >= 0 {
			return fmt.Errorf("the header names two columns %q: name all of them in `columns`, with different names", names[slot])
		}
	}
	f.rows = d
	return nil
}

func (f *openFile) beginAvro(s *source, w *window, old *progress) (bool, error) {
	start := hashText(xxhash.Sum64(w.rest()[:min(len(w.rest()), 512)]))
	rows, err := schemas.OpenContainer(io.MultiReader(bytes.NewReader(w.rest()), f.Reader))
	if err != nil {
		return false, err
	}
	columns := &expression.Open{}
	f.mapping = newMapping(s.options, columns, s.zone)
	f.avro = &container{rows: rows, paths: columns.Paths, nulls: s.options.NullValues}
	f.rows, f.start = f.avro, start
	if err := f.mapping.err(); err != nil || old == nil {
		return true, err
	}
	if old.Hash != start {
		return false, nil
	}
	return true, rows.Skip(old.Offset)
}

func (f *openFile) setLine(line int64) {
	switch rows := f.rows.(type) {
	case *delimited:
		rows.next = line
	case *lines:
		rows.next = line
	}
}

// read is how many bytes have been read, about: decompressed where that is known.
func (f *openFile) read() int64 {
	if f.avro != nil {
		return f.raw.read.Load()
	}
	return f.window.offset()
}

// place is where the next run is to go on: before a last row without a line break, which may still grow.
func (f *openFile) place() place {
	switch rows := f.rows.(type) {
	case *container:
		return place{Offset: rows.rows.Row(), Hash: f.start}
	case *delimited:
		if f.window.tail != nil {
			return *f.window.tail
		}
		return f.window.place(rows.next)
	case *lines:
		if f.window.tail != nil {
			return *f.window.tail
		}
		return f.window.place(rows.next)
	}
	return place{}
}

// holds says whether the row just read is to be left for later.
func (f *openFile) holds() bool { return f.hold && f.window != nil && f.window.tail != nil }
