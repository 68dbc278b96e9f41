package file

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/cespare/xxhash/v2"

	"github.com/quarterhour/quarterhour/ingest/rows"
	"github.com/quarterhour/quarterhour/internal/expression"
	"github.com/quarterhour/quarterhour/schemas"
)

// openFile is a file that is being read, from where the last run stopped.
type openFile struct {
	*input
	path    string
	rows    rows.Reader
	mapping *rows.Mapping
	window  *rows.Window // nil for Avro
	avro    *rows.Avro   // nil for text
	start   string       // hash of an Avro file's start
	hold    bool         // leave a last row without a line break for later
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
	w := rows.NewWindow(f.Reader)
	start, err := w.Peek(512)
	if err != nil {
		return false, fmt.Errorf("read: %w", err)
	}
	format := s.options.Format
	if format == "auto" {
		format = formatOf(f.path, start)
	}
	if format == "avro" {
		return f.beginAvro(s, w, old)
	}
	if bytes.HasPrefix(start, []byte{0xff, 0xfe}) || bytes.HasPrefix(start, []byte{0xfe, 0xff}) {
		return false, fmt.Errorf("the file is UTF-16: convert it, for example with iconv -f utf-16 -t utf-8")
	}
	if bom := []byte("\xef\xbb\xbf"); bytes.HasPrefix(start, bom) {
		w.Skip(len(bom))
		start = start[len(bom):]
	}
	f.window = w
	if format == "jsonl" {
		err = f.beginLines(s)
	} else {
		if len(start) == 0 { // not even a header
			f.mapping, f.rows = &rows.Mapping{}, rows.NewLines(w, nil, nil)
			return old == nil, nil
		}
		err = f.beginDelimited(s, format)
	}
	if err != nil || old == nil {
		return true, err
	}
	f.setLine(old.Line)
	if ok, err := s.goOn(f, old.Place); ok || err != nil {
		return ok, err
	}
	ok, err := w.SkipTo(old.Offset)
	if err != nil {
		return false, fmt.Errorf("read: %w", err)
	}
	return ok && rows.Hash(w.Sum()) == old.Hash, nil
}

func (f *openFile) beginLines(s *source) error {
	columns := &expression.Open{}
	f.mapping = rows.NewMapping(&s.options.Options, columns, s.zone)
	f.rows = rows.NewLines(f.window, columns.Paths, s.options.NullValues)
	return f.mapping.Err()
}

func (f *openFile) beginDelimited(s *source, format string) error {
	o := s.options
	delimiter := byte(',')
	if format == "tsv" {
		delimiter = '\t'
	}
	if o.Delimiter != "" {
		delimiter = o.Delimiter[0]
	}
	d := rows.NewDelimited(f.window, delimiter, o.Quotes, o.NullValues)
	names := o.Columns
	if o.Header {
		header, err := d.Header()
		if err != nil {
			return fmt.Errorf("header: %w", err)
		}
		if len(names) == 0 {
			names = header
		}
	}
	columns := expression.Named{List: names, Kind: expression.Text}
	f.mapping = rows.NewMapping(&o.Options, columns, s.zone)
	if err := f.mapping.Err(); err != nil {
		if len(names) == 1 && len(o.Columns) == 0 && strings.ContainsAny(names[0], ";|\t,") {
			return fmt.Errorf("the header is one column, %q: set `delimiter`\n%w", names[0], err)
		}
		return err
	}
	d.Columns(names, f.mapping.Used())
	for _, slot := range f.mapping.Used() {
		if i := slices.Index(names[slot+1:], names[slot]); i >= 0 {
			return fmt.Errorf("the header names two columns %q: name all of them in `columns`, with different names", names[slot])
		}
	}
	f.rows = d
	return nil
}

func (f *openFile) beginAvro(s *source, w *rows.Window, old *progress) (bool, error) {
	rest, err := w.Peek(512)
	if err != nil {
		return false, fmt.Errorf("read: %w", err)
	}
	start := rows.Hash(xxhash.Sum64(rest[:min(len(rest), 512)]))
	container, err := schemas.OpenContainer(io.MultiReader(bytes.NewReader(rest), f.Reader))
	if err != nil {
		return false, err
	}
	columns := &expression.Open{}
	f.mapping = rows.NewMapping(&s.options.Options, columns, s.zone)
	f.avro = rows.NewAvro(container, columns.Paths, s.options.NullValues)
	f.rows, f.start = f.avro, start
	if err := f.mapping.Err(); err != nil || old == nil {
		return true, err
	}
	if old.Hash != start {
		return false, nil
	}
	return true, container.Skip(old.Offset)
}

func (f *openFile) setLine(line int64) {
	if text, ok := f.rows.(interface{ GoOn(line int64) }); ok {
		text.GoOn(line)
	}
}

// read is how many bytes have been read, about: decompressed where that is known.
func (f *openFile) read() int64 {
	if f.avro != nil {
		return f.raw.read.Load()
	}
	return f.window.Offset()
}

// place is where the next run is to go on: before a last row without a line break, which may still grow.
func (f *openFile) place() rows.Place {
	if f.avro != nil {
		return rows.Place{Offset: f.avro.Next(), Hash: f.start}
	}
	if cut := f.window.Cut(); cut != nil {
		return *cut
	}
	text, ok := f.rows.(interface{ Next() int64 })
	if !ok {
		return rows.Place{}
	}
	return f.window.Place(text.Next())
}

// holds says whether the row just read is to be left for later.
func (f *openFile) holds() bool { return f.hold && f.window != nil && f.window.Cut() != nil }
