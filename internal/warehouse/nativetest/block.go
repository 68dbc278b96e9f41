package nativetest

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"

	"github.com/ClickHouse/ch-go/proto"
	driver "github.com/ClickHouse/clickhouse-go/v2/lib/proto"
)

// fileRevision is that of Native in files and HTTP bodies: blocks without information about themselves.
const fileRevision = 0

// receive reads a Data packet and appends its block to dst as Native in files; the last block has no columns.
func (s *session) receive(dst *proto.Buffer) (columns int, err error) {
	code, err := s.in.Byte()
	if err != nil {
		return 0, err
	}
	switch proto.ClientCode(code) {
	case proto.ClientCodeData:
	case proto.ClientCodeCancel: // the query ends here, nothing of it is stored, and the client closes
		return 0, net.ErrClosed
	default:
		return 0, fmt.Errorf("packet %d where a block was due", code)
	}
	if _, err := s.in.Str(); err != nil { // the name of an external table
		return 0, err
	}
	count := &s.f.plain
	if s.compressed {
		count = &s.f.compressed
		s.in.EnableCompression()
		defer s.in.DisableCompression()
	}
	b := driver.NewBlock()
	if err := b.Decode(s.in, uint64(s.revision)); err != nil || len(b.Columns) == 0 {
		return 0, err
	}
	count.Add(1)
	return len(b.Columns), b.Encode(dst, fileRevision)
}

// sendAll sends the blocks of an answer that is Native as in files, and the empty block after them.
func (s *session) sendAll(answer []byte) error {
	in := proto.NewReader(bytes.NewReader(answer))
	for last := false; !last; {
		b := driver.NewBlock()
		err := b.Decode(in, fileRevision)
		last = errors.Is(err, io.EOF) && b.Columns == nil
		if err != nil && !last {
			return fmt.Errorf("the engine's answer: %w", err)
		}
		if b.Rows() == 0 && !last {
			continue
		}
		var block proto.Buffer
		if err := errors.Join(b.Encode(&block, uint64(s.revision)), s.send(block.Buf)); err != nil {
			return err
		}
	}
	return nil
}

// send puts a block into a Data packet.
func (s *session) send(block []byte) error {
	if s.compressed {
		if err := s.lz4.Compress(block); err != nil {
			return err
		}
		block = s.lz4.Data
	}
	proto.ServerCodeData.Encode(&s.out)
	s.out.PutString("") // the name of a table, which answers have not
	s.out.PutRaw(block)
	return nil
}
