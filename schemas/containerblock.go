package schemas

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

// header reads how many rows the next block has and in how many bytes; io.EOF after the last block.
func (c *Container) header() (count, size int64, err error) {
	if c.err != nil {
		return 0, 0, c.err
	}
	if _, err = c.r.Peek(1); errors.Is(err, io.EOF) {
		return 0, 0, c.end(io.EOF)
	}
	if count, err = c.long(); err == nil {
		size, err = c.long()
	}
	if err != nil {
		return 0, 0, c.fail(err)
	}
	if count < 0 || size < 0 || size > maxBlock {
		return 0, 0, c.fail(fmt.Errorf("block of %d rows in %d bytes is impossible: the file is damaged", count, size))
	}
	return count, size, nil
}

// load reads a block and its sync marker.
func (c *Container) load(count, size int64) error {
	var raw bytes.Buffer // grows with what is there, not with what the file claims
	if _, err := io.CopyN(&raw, c.r, size); err != nil {
		return c.fail(err)
	}
	if err := c.marker(); err != nil {
		return err
	}
	block, err := c.inflate(raw.Bytes())
	if err != nil {
		e := &RowError{Row: c.number + 1, Lost: max(0, count-1), Err: err}
		c.number += count
		return e
	}
	c.block, c.left = block, count
	return nil
}

func (c *Container) pass(size int64) error {
	if _, err := io.CopyN(io.Discard, c.r, size); err != nil {
		return c.fail(err)
	}
	return c.marker()
}

func (c *Container) marker() error {
	var got [16]byte
	if _, err := io.ReadFull(c.r, got[:]); err != nil {
		return c.fail(err)
	}
	if got != c.sync {
		return c.fail(errors.New("the block's end marker is not the file's: the file is damaged"))
	}
	return nil
}

func (c *Container) long() (int64, error) {
	u, err := binary.ReadUvarint(c.r)
	return zigzag(u), err
}

// fail ends reading with an error that says after which record.
func (c *Container) fail(err error) error {
	return c.end(fmt.Errorf("after record %d: %w", c.number, noEOF(err)))
}

func (c *Container) end(err error) error {
	c.err, c.left = err, 0
	return err
}

func noEOF(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}

// metadata reads the header's map of names to bytes.
func (c *Container) metadata() (map[string][]byte, error) {
	meta := map[string][]byte{}
	for {
		count, err := c.long()
		if err != nil || count == 0 {
			return meta, err
		}
		if count < 0 {
			if _, err := c.long(); err != nil {
				return nil, err
			}
			count = -count
		}
		if count < 0 || count > 1000 {
			return nil, fmt.Errorf("%d entries are impossible: the file is damaged", count)
		}
		for ; count > 0; count-- {
			name, err := c.bytes()
			if err != nil {
				return nil, err
			}
			if meta[string(name)], err = c.bytes(); err != nil {
				return nil, err
			}
		}
	}
}

func (c *Container) bytes() ([]byte, error) {
	n, err := c.long()
	if err != nil {
		return nil, err
	}
	if n < 0 || n > maxHeader {
		return nil, fmt.Errorf("value of %d bytes is impossible: the file is damaged", n)
	}
	var b bytes.Buffer
	_, err = io.CopyN(&b, c.r, n)
	return b.Bytes(), err
}
