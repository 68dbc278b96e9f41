package schemas

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
)

// Limits on what a container file may ask for, so that a damaged one cannot exhaust memory.
const (
	maxHeader = 16 << 20  // bytes of one value in the header
	maxBlock  = 256 << 20 // bytes of one block, before and after decompression
)

// Container reads an Avro object container file row by row. Not safe for concurrent use.
type Container struct {
	r       *bufio.Reader
	schema  string
	rows    *GenericDecoder
	inflate codec
	sync    [16]byte
	block   []byte // rows of the current block still to come
	left    int64  // their number
	number  int64  // of the last row given or skipped, from 1
	err     error  // where reading ended
}

// RowError is a row that could not be decoded. The rows after it in its block are lost too, as their start is not
// known; the next call of Next goes on with the next block.
type RowError struct {
	Row  int64 // from 1
	Lost int64 // rows after it in the same block
	Err  error
}

// Error names the row.
func (e *RowError) Error() string {
	if e.Lost == 0 {
		return fmt.Sprintf("record %d: %v", e.Row, e.Err)
	}
	return fmt.Sprintf("record %d, and with it the %d after it in its block: %v", e.Row, e.Lost, e.Err)
}

// Unwrap gives the cause.
func (e *RowError) Unwrap() error { return e.Err }

var magic = []byte("Obj\x01")

// OpenContainer reads the header of an Avro object container file. Compression may be null, deflate, snappy, zstandard or
// bzip2.
func OpenContainer(r io.Reader) (*Container, error) {
	c := &Container{r: bufio.NewReaderSize(r, 64<<10)}
	start := make([]byte, len(magic))
	if _, err := io.ReadFull(c.r, start); err != nil || !bytes.Equal(start, magic) {
		return nil, fmt.Errorf("not an Avro container file: it starts with %q, not %q", start, magic)
	}
	meta, err := c.metadata()
	if err == nil {
		_, err = io.ReadFull(c.r, c.sync[:])
	}
	if err != nil {
		return nil, fmt.Errorf("header of the Avro container file: %w", noEOF(err))
	}
	c.schema = string(meta["avro.schema"])
	if c.rows, err = Generic(c.schema); err != nil {
		return nil, fmt.Errorf("header of the Avro container file: %w", err)
	}
	if c.rows.shape.empty {
		return nil, fmt.Errorf("header of the Avro container file: %s has no fields", c.rows.typ)
	}
	if c.inflate, err = codecFor(string(meta["avro.codec"])); err != nil {
		return nil, err
	}
	return c, nil
}

// Schema is the writer's schema, as in the file.
func (c *Container) Schema() string { return c.schema }

// Row is the number of the last row that Next gave or Skip passed, from 1.
func (c *Container) Row() int64 { return c.number }

// Next gives the next row by field name, with the values of GenericDecoder.Decode, or io.EOF after the last. A *RowError
// is about one block, and reading goes on; any other error ends it.
func (c *Container) Next() (map[string]any, error) {
	if err := c.fill(); err != nil {
		return nil, err
	}
	c.number++
	c.left--
	native, rest, err := c.rows.next(c.block)
	if err == nil && c.left == 0 && len(rest) > 0 {
		err = fmt.Errorf("its block has %d bytes after it", len(rest))
	}
	if err != nil {
		e := &RowError{Row: c.number, Lost: c.left, Err: err}
		c.number, c.left, c.block = c.number+c.left, 0, nil
		return nil, e
	}
	c.block = rest
	return plainValue(c.rows.typ, native).(map[string]any), nil
}

// Skip passes n rows, whole blocks of them without decompression, to go on where an earlier run stopped.
func (c *Container) Skip(n int64) error {
	for n > 0 {
		if c.left == 0 {
			count, size, err := c.header()
			if err != nil {
				return err
			}
			if count <= n {
				if err := c.pass(size); err != nil {
					return err
				}
				c.number, n = c.number+count, n-count
				continue
			}
			if err := c.load(count, size); err != nil {
				return err
			}
		}
		pos := c.rows.shape.skip(c.block, 0, 0)
		if pos < 0 {
			n -= min(n, c.left) // Next reported these rows as lost together
			c.number, c.left, c.block = c.number+c.left, 0, nil
			continue
		}
		c.block = c.block[pos:]
		c.number, c.left, n = c.number+1, c.left-1, n-1
	}
	return nil
}

// fill sees to it that a row is at hand.
func (c *Container) fill() error {
	for c.left == 0 {
		count, size, err := c.header()
		if err != nil {
			return err
		}
		if err := c.load(count, size); err != nil {
			return err
		}
	}
	return nil
}
