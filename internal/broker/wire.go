package broker

import (
	"encoding/binary"
	"errors"
)

// errShort says that a response ended before what it announced.
var errShort = errors.New("malformed response: it ends too early")

// cursor reads Kafka's primitive types. Past the end it gives zeros and remembers that it did.
type cursor struct {
	buf   []byte
	short bool
}

func (c *cursor) take(n int) []byte {
	if n < 0 || n > len(c.buf) {
		c.short, c.buf = true, nil
		return nil
	}
	b := c.buf[:n:n]
	c.buf = c.buf[n:]
	return b
}

func (c *cursor) int8() int8 {
	if b := c.take(1); b != nil {
		return int8(b[0])
	}
	return 0
}

func (c *cursor) int16() int16 {
	if b := c.take(2); b != nil {
		return int16(binary.BigEndian.Uint16(b))
	}
	return 0
}

func (c *cursor) int32() int32 {
	if b := c.take(4); b != nil {
		return int32(binary.BigEndian.Uint32(b))
	}
	return 0
}

func (c *cursor) int64() int64 {
	if b := c.take(8); b != nil {
		return int64(binary.BigEndian.Uint64(b))
	}
	return 0
}

// string reads a string that may be null, which reads as empty.
func (c *cursor) string() string { return string(c.take(max(0, int(c.int16())))) }

// bytes reads a byte string that may be null, which reads as nil.
func (c *cursor) bytes() []byte {
	n := c.int32()
	if n < 0 {
		return nil
	}
	return c.take(int(n))
}

// count reads the length of an array that may be null, which reads as empty. Its elements take at least size bytes each, so
// that a damaged length is found here and not by running out of memory.
func (c *cursor) count(size int) int {
	n := int(c.int32())
	if n > 0 && n > len(c.buf)/size {
		c.short, c.buf = true, nil
		return 0
	}
	return max(0, n)
}

// varint reads a zigzag number.
func (c *cursor) varint() int64 {
	v, n := binary.Varint(c.buf)
	if n <= 0 {
		c.short, c.buf = true, nil
		return 0
	}
	c.buf = c.buf[n:]
	return v
}

// varbytes reads a byte string with a zigzag length, null as nil.
func (c *cursor) varbytes() []byte {
	n := c.varint()
	if n < 0 {
		return nil
	}
	return c.take(int(n))
}

func (c *cursor) err() error {
	if c.short {
		return errShort
	}
	return nil
}

func appendInt16(b []byte, v int16) []byte { return binary.BigEndian.AppendUint16(b, uint16(v)) }
func appendInt32(b []byte, v int32) []byte { return binary.BigEndian.AppendUint32(b, uint32(v)) }
func appendInt64(b []byte, v int64) []byte { return binary.BigEndian.AppendUint64(b, uint64(v)) }

func appendString(b []byte, s string) []byte {
	return append(appendInt16(b, int16(len(s))), s...)
}

// appendVarbytes writes a byte string with a zigzag length; nil is null.
func appendVarbytes(b, v []byte) []byte {
	if v == nil {
		return binary.AppendVarint(b, -1)
	}
	return append(binary.AppendVarint(b, int64(len(v))), v...)
}

// varintLen is how many bytes a zigzag number takes.
func varintLen(v int64) int {
	u := uint64(v)<<1 ^ uint64(v>>63)
	n := 1
	for ; u >= 0x80; u >>= 7 {
		n++
	}
	return n
}

func varbytesLen(v []byte) int {
	if v == nil {
		return 1
	}
	return varintLen(int64(len(v))) + len(v)
}
