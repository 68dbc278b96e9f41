package clickhouse

import (
	"bufio"
	"encoding/binary"
	"errors"
	"io"
)

// Revisions of ClickHouse's protocol at which a Native block gained a part.
const (
	// revisionBlockInfo: every block starts with its properties. Revision 0 is a file, which has none.
	revisionBlockInfo = 1
	// revisionSerialization: every column says whether it is serialized in a special way.
	revisionSerialization = 54454
)

// blockInfo are the properties of an ordinary block: field 1, is_overflows, false; field 2, bucket_num, -1; end.
var blockInfo = []byte{1, 0, 2, 0xff, 0xff, 0xff, 0xff, 0}

// blocks turns the Native format of files, which libchdb writes, into that of a client's protocol revision. The columns
// themselves are the same in both, so they are only passed through; their types tell where they end.
type blocks struct {
	src      *bufio.Reader
	dst      *bufio.Writer
	revision uint64
	programs map[string]column // by type
}

const blockBuffer = 64 << 10

// reframe passes all blocks of src to dst in the form of the revision. The end of src between two blocks is the end; inside
// one it is io.ErrUnexpectedEOF.
func reframe(dst io.Writer, src io.Reader, revision uint64) error {
	b := &blocks{src: bufio.NewReaderSize(src, blockBuffer), dst: bufio.NewWriterSize(dst, blockBuffer), revision: revision, programs: map[string]column{}}
	for {
		if _, err := b.src.Peek(1); errors.Is(err, io.EOF) {
			return b.dst.Flush()
		}
		if err := b.block(); err != nil {
			return errors.Join(err, b.dst.Flush())
		}
	}
}

func (b *blocks) block() error {
	if b.revision >= revisionBlockInfo {
		if _, err := b.dst.Write(blockInfo); err != nil {
			return err
		}
	}
	columns, err := b.varint()
	if err != nil {
		return err
	}
	rows, err := b.varint()
	if err != nil {
		return err
	}
	for range columns {
		if err := b.column(rows); err != nil {
			return err
		}
	}
	return nil
}

func (b *blocks) column(rows uint64) error {
	if _, err := b.text(); err != nil {
		return err
	}
	name, err := b.text()
	if err != nil {
		return err
	}
	program, ok := b.programs[name]
	if !ok {
		if program, err = newColumn(name); err != nil {
			return err
		}
		b.programs[name] = program
	}
	if b.revision >= revisionSerialization {
		if err := b.dst.WriteByte(0); err != nil {
			return err
		}
	}
	if rows == 0 {
		return nil
	}
	if err := program.prefix(b); err != nil {
		return err
	}
	return program.values(b, rows)
}

// copy passes n bytes.
func (b *blocks) copy(n uint64) error {
	for n > 0 {
		window, err := b.window()
		if err != nil {
			return err
		}
		window = window[:min(n, uint64(len(window)))]
		if err := b.pass(window); err != nil {
			return err
		}
		n -= uint64(len(window))
	}
	return nil
}

// copyTexts passes that many texts, as many at a time as are in the buffer.
func (b *blocks) copyTexts(count uint64) error {
	for count > 0 {
		window, err := b.window()
		if err != nil {
			return err
		}
		at := 0
		for ; count > 0; count-- {
			size, n := binary.Uvarint(window[at:])
			if n <= 0 || size > uint64(len(window)-at-n) {
				break
			}
			at += n + int(size)
		}
		if err := b.pass(window[:at]); err != nil {
			return err
		}
		if count > 0 {
			if err := b.longText(); err != nil {
				return err
			}
			count--
		}
	}
	return nil
}

// longText passes one text that is not in the buffer as a whole.
func (b *blocks) longText() error {
	size, err := b.varint()
	if err != nil {
		return err
	}
	return b.copy(size)
}

// window is what the buffer holds now, at least one byte.
func (b *blocks) window() ([]byte, error) {
	if _, err := b.src.Peek(1); err != nil {
		return nil, unexpectedEnd(err)
	}
	return b.src.Peek(b.src.Buffered())
}

// pass writes the bytes, which are the next of the buffer, and goes on after them.
func (b *blocks) pass(window []byte) error {
	if _, err := b.dst.Write(window); err != nil {
		return err
	}
	_, err := b.src.Discard(len(window))
	return err
}

func (b *blocks) byte() (byte, error) {
	c, err := b.src.ReadByte()
	if err != nil {
		return 0, unexpectedEnd(err)
	}
	return c, b.dst.WriteByte(c)
}

func (b *blocks) varint() (uint64, error) {
	n, err := binary.ReadUvarint(b.src)
	if err != nil {
		return 0, unexpectedEnd(err)
	}
	var buffer [binary.MaxVarintLen64]byte
	_, err = b.dst.Write(buffer[:binary.PutUvarint(buffer[:], n)])
	return n, err
}

// maxName bounds the names of columns and types.
const maxName = 1 << 20

// text passes a short text and gives it.
func (b *blocks) text() (string, error) {
	size, err := b.varint()
	if err != nil {
		return "", err
	}
	if size > maxName {
		return "", errors.New("a name in a Native block is longer than 1 MiB: the block is damaged")
	}
	text := make([]byte, size)
	if _, err := io.ReadFull(b.src, text); err != nil {
		return "", unexpectedEnd(err)
	}
	_, err = b.dst.Write(text)
	return string(text), err
}

func unexpectedEnd(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}
