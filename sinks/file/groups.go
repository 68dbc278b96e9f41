package file

import (
	"bytes"
	"encoding/binary"
	"io"
	"slices"

	"github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/compress/zstd"
	"github.com/parquet-go/parquet-go/encoding/thrift"
	pqformat "github.com/parquet-go/parquet-go/format"
)

// magic is at both ends of a Parquet file.
const magic = "PAR1"

func (f *parquetFormat) rows() int { return f.full }

// locate implements format: where the row groups are stands in the footer.
func (f *parquetFormat) locate(l *layout) (err error) {
	if l.in, err = f.open(l.file); err != nil {
		return err
	}
	l.meta = l.in.Metadata()
	behind := int64(len(magic))
	for n := range l.parts {
		p := &l.parts[n]
		p.group = &l.meta.RowGroups[p.number]
		var whole bool
		p.from, p.to, whole = extent(p.group)
		p.mixed = !whole || p.from < behind
		behind = max(behind, p.to)
	}
	return nil
}

// extent says where a group's columns stand, and whether all of the group does.
func extent(g *pqformat.RowGroup) (from, to int64, whole bool) {
	whole = len(g.Columns) > 0
	for n := range g.Columns {
		c := &g.Columns[n]
		at := begin(c)
		if n == 0 || at < from {
			from = at
		}
		to = max(to, at+c.MetaData.TotalCompressedSize)
		whole = whole && c.FilePath == "" && c.MetaData.BloomFilterOffset == 0 && c.MetaData.IndexPageOffset == 0 && c.CryptoMetadata.Value == nil
	}
	return from, to, whole
}

// begin is where a column's first page stands.
func begin(c *pqformat.ColumnChunk) int64 {
	if d := c.MetaData.DictionaryPageOffset; d > 0 {
		return min(d, c.MetaData.DataPageOffset)
	}
	return c.MetaData.DataPageOffset
}

// moved is a group as the footer names it where it stands so many bytes further on, without the page index, which is in the footer of
// the other file. Readers skip by the statistics of the groups.
func moved(g *pqformat.RowGroup, shift int64) *pqformat.RowGroup {
	to := *g
	to.Columns = slices.Clone(g.Columns)
	to.FileOffset = 0
	for n := range to.Columns {
		c := &to.Columns[n]
		c.FileOffset = 0
		c.OffsetIndexOffset, c.OffsetIndexLength, c.ColumnIndexOffset, c.ColumnIndexLength = 0, 0, 0, 0
		c.MetaData.DataPageOffset += shift
		if c.MetaData.DictionaryPageOffset > 0 {
			c.MetaData.DictionaryPageOffset += shift
		}
	}
	to.FileOffset, _, _ = extent(&to)
	return &to
}

func (f *parquetFormat) parts(l *layout, from, to int) (_ reader, err error) {
	if l.in == nil {
		if l.in, err = f.open(l.file); err != nil {
			return nil, err
		}
	}
	r := newParquetReader(f, l.in)
	groups := r.groups
	r.groups = nil
	for n := from; n < to; n++ {
		r.groups = append(r.groups, groups[l.parts[n].number])
	}
	return r, nil
}

func (f *parquetFormat) writer(w io.Writer, old *layout) writer {
	to := &parquetWriter{format: f, w: w}
	if old != nil {
		to.head = old.meta
	}
	return to
}

// parquetWriter puts a file together from row groups: those that it writes are files of one group each, of which it takes the group.
type parquetWriter struct {
	format *parquetFormat
	w      io.Writer
	at     int64 // where the next byte goes
	head   *footer
	groups []pqformat.RowGroup
	one    bytes.Buffer
	out    *parquet.GenericWriter[any] // to one; nil: not begun
	open   bool
}

func (w *parquetWriter) write(r *row) error {
	w.begin()
	_, err := w.out.WriteRows([]parquet.Row{r.values})
	return err
}

func (w *parquetWriter) begin() {
	if w.open {
		return
	}
	w.open = true
	w.one.Reset()
	if w.out != nil {
		w.out.Reset(&w.one)
		return
	}
	w.out = parquet.NewGenericWriter[any](&w.one, w.format.schema, parquet.Compression(&zstd.Codec{Level: zstd.SpeedFastest}),
		parquet.MaxRowsPerRowGroup(2*rowGroup), parquet.CreatedBy("quarterhour", "", ""))
}

// written ends the file of one group, and reads its footer.
func (w *parquetWriter) written() (*footer, error) {
	if err := w.out.Close(); err != nil {
		return nil, err
	}
	w.open = false
	file := w.one.Bytes()
	tail := len(file) - 8
	meta := &footer{}
	return meta, thrift.Unmarshal(new(thrift.CompactProtocol), file[tail-int(binary.LittleEndian.Uint32(file[tail:])):tail], meta)
}

func (w *parquetWriter) cut(p *part) error {
	meta, err := w.written()
	if err != nil {
		return err
	}
	if w.head == nil {
		w.head = meta
	}
	group := &meta.RowGroups[0]
	from, to, _ := extent(group)
	if err := w.start(); err != nil {
		return err
	}
	p.from = w.at
	if err := w.bytes(w.one.Bytes()[from:to]); err != nil {
		return err
	}
	p.to = w.at
	p.group = w.add(group, p.from-from)
	return nil
}

func (w *parquetWriter) copy(bytes *io.LimitedReader, parts []part) error {
	if err := w.start(); err != nil {
		return err
	}
	shift := w.at - parts[0].from
	for n := range parts {
		p := &parts[n]
		p.from, p.to, p.group = p.from+shift, p.to+shift, w.add(p.group, shift)
	}
	n, err := io.Copy(w.w, bytes)
	w.at += n
	if err == nil && bytes.N > 0 {
		err = io.ErrUnexpectedEOF
	}
	return err
}

func (w *parquetWriter) add(g *pqformat.RowGroup, shift int64) *pqformat.RowGroup {
	to := moved(g, shift)
	to.Ordinal = int16(min(len(w.groups), 1<<15-1))
	w.groups = append(w.groups, *to)
	return to
}

func (w *parquetWriter) start() error {
	if w.at > 0 {
		return nil
	}
	return w.bytes([]byte(magic))
}

func (w *parquetWriter) bytes(b []byte) error {
	n, err := w.w.Write(b)
	w.at += int64(n)
	return err
}

func (w *parquetWriter) close() (*footer, error) {
	if err := w.start(); err != nil {
		return nil, err
	}
	if w.head == nil {
		w.begin()
		var err error
		if w.head, err = w.written(); err != nil {
			return nil, err
		}
	}
	meta := &footer{Version: w.head.Version, Schema: w.head.Schema, RowGroups: w.groups, CreatedBy: "quarterhour", ColumnOrders: w.head.ColumnOrders}
	for n := range w.groups {
		meta.NumRows += w.groups[n].NumRows
	}
	text, err := thrift.Marshal(new(thrift.CompactProtocol), meta)
	if err != nil {
		return nil, err
	}
	text = binary.LittleEndian.AppendUint32(text, uint32(len(text)))
	return meta, w.bytes(append(text, magic...))
}
