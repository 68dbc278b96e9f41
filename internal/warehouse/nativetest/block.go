package nativetest

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/ClickHouse/ch-go/proto"
	"github.com/ClickHouse/clickhouse-go/v2/lib/column"
)

// fileRevision is that of Native in files and HTTP bodies: blocks without information about themselves.
const fileRevision = 0

// emptyBlock ends a stream of blocks.
var emptyBlock = []byte{0, 0}

// receive reads a Data packet and appends its block to dst as Native in files; the last block has no columns.
func (s *session) receive(dst *proto.Buffer) (columns int, err error) {
	code, err := s.in.Byte()
	if err == nil && proto.ClientCode(code) != proto.ClientCodeData {
		err = fmt.Errorf("packet %d where a block was due", code)
	}
	if err != nil {
		return 0, err
	}
	if _, err := s.in.Str(); err != nil { // the name of an external table
		return 0, err
	}
	kind := 0
	if s.compressed {
		kind = 1
		s.in.EnableCompression()
		defer s.in.DisableCompression()
	}
	before := len(dst.Buf)
	columns, err = copyBlock(dst, fileRevision, s.in, s.revision, func() bool { return s.f.cuts(InData) })
	if columns == 0 {
		dst.Buf = dst.Buf[:before]
	} else {
		s.f.blocks[kind].Add(1)
	}
	return columns, err
}

// send puts each block of a file of Native into a Data packet.
func (s *session) send(blocks []byte) error {
	for src := bytes.NewReader(blocks); src.Len() > 0; {
		var block proto.Buffer
		if _, err := copyBlock(&block, s.revision, src, fileRevision, nil); err != nil {
			return err
		}
		if s.compressed {
			if err := s.lz4.Compress(block.Buf); err != nil {
				return err
			}
			block.Buf = s.lz4.Data
		}
		proto.ServerCodeData.Encode(&s.out)
		s.out.PutString("") // the name of a table, which results have not
		s.out.PutRaw(block.Buf)
	}
	return nil
}

// copyBlock passes one block from the form of one revision to that of another, reading no byte more. The driver's columns say
// where each ends; their bytes are copied as they came. cut, where there are rows, may break it off.
func copyBlock(dst *proto.Buffer, to int, src io.Reader, from int, cut func() bool) (columns int, err error) {
	read := &recorder{src: src}
	in := proto.NewReader(read)
	if proto.FeatureBlockInfo.In(from) {
		if err := new(proto.BlockInfo).Decode(in); err != nil {
			return 0, err
		}
	}
	if proto.FeatureBlockInfo.In(to) {
		proto.BlockInfo{BucketNum: -1}.Encode(dst)
	}
	columns, err = in.Int()
	if err != nil {
		return 0, err
	}
	rows, err := in.Int()
	if err != nil {
		return 0, err
	}
	dst.PutInt(columns)
	dst.PutInt(rows)
	for range columns {
		if rows > 0 && cut != nil && cut() {
			return columns, io.ErrUnexpectedEOF
		}
		if err := copyColumn(dst, to, read, in, from, rows); err != nil {
			return columns, err
		}
	}
	return columns, nil
}

func copyColumn(dst *proto.Buffer, to int, read *recorder, in *proto.Reader, from, rows int) error {
	name, err := in.Str()
	if err != nil {
		return err
	}
	kind, err := in.Str()
	if err != nil {
		return err
	}
	if proto.FeatureCustomSerialization.In(from) {
		if _, err := in.Bool(); err != nil { // whether it has one: the driver knows none
			return err
		}
	}
	dst.PutString(name)
	dst.PutString(kind)
	if proto.FeatureCustomSerialization.In(to) {
		dst.PutBool(false)
	}
	if rows == 0 {
		return nil
	}
	c, err := column.Type(kind).Column(name, &column.ServerContext{Timezone: time.UTC})
	if err != nil {
		return err
	}
	read.bytes = read.bytes[:0]
	if prefixed, ok := c.(column.CustomSerialization); ok {
		err = prefixed.ReadStatePrefix(in)
	}
	if err = errors.Join(err, c.Decode(in, rows)); err != nil {
		return fmt.Errorf("column %q, %s: %w", name, kind, err)
	}
	dst.PutRaw(read.bytes)
	return nil
}

// recorder keeps what was read. It gives one byte at a time, so that a buffered reader takes no more than was asked of it.
type recorder struct {
	src   io.Reader
	bytes []byte
}

func (r *recorder) Read(p []byte) (int, error) {
	n, err := r.src.Read(p[:min(len(p), 1)])
	r.bytes = append(r.bytes, p[:n]...)
	return n, err
}
