package transform

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"github.com/cespare/xxhash/v2"
)

// A snapshot is a preamble and sections:
//
//	preamble  "qhshard\n", then the version, 2 bytes
//	section   kind, 1 byte; length of the payload, 4 bytes; payload; checksum, 8 bytes
//
// All numbers are little-endian. A checksum is the xxhash of the checksum before it (of the preamble, at first), the kind, the
// length and the payload: a section that is changed, missing, moved, doubled or another snapshot's does not fit the one before it.
const (
	preamble    = "qhshard\n"
	preambleLen = len(preamble) + 2
	frameLen    = 1 + 4 + 8

	// sectionLen is when a section is closed; entries differ in length, so that sections are a little longer.
	sectionLen    = 256 << 10
	maxSectionLen = 64 << 20 // more is damage
)

// The kinds of section, in the order in which they come; names come before the facts that use them.
const (
	sectionHeader byte = 'h' // who can use the snapshot, and everything but facts
	sectionNames  byte = 'n' // ids with their names
	sectionFacts  byte = 'f'
	sectionEnd    byte = 'e' // how many facts and names there were
)

// The errors of Restore, all of which mean: take an older snapshot, or the log alone.
var (
	ErrSnapshotDamaged = errors.New("the snapshot is damaged")
	ErrSnapshotVersion = errors.New("the snapshot is of a version that this program cannot read")
	ErrSnapshotOther   = errors.New("the snapshot is of another shard or of other settings")
)

func damaged(what string, args ...any) error {
	return fmt.Errorf("%w: %s", ErrSnapshotDamaged, fmt.Sprintf(what, args...))
}

// sealing turns payloads into sections.
type sealing struct {
	sum     uint64
	started bool
}

// seal returns the section with the payload, and the preamble before the first one.
func (s *sealing) seal(version uint16, kind byte, payload []byte) []byte {
	out := make([]byte, 0, preambleLen+frameLen+len(payload))
	if !s.started {
		out = binary.LittleEndian.AppendUint16(append(out, preamble...), version)
		s.started, s.sum = true, xxhash.Sum64(out)
	}
	from := len(out)
	out = binary.LittleEndian.AppendUint32(append(out, kind), uint32(len(payload)))
	out = append(out, payload...)
	s.sum = chained(s.sum, out[from:])
	return binary.LittleEndian.AppendUint64(out, s.sum)
}

func chained(before uint64, section []byte) uint64 {
	var d xxhash.Digest
	d.ResetWithSeed(before)
	_, _ = d.Write(section) // never fails
	return d.Sum64()
}

// opening reads sections. Its memory is used again for the next.
type opening struct {
	r   io.Reader
	sum uint64
	buf []byte
}

// version reads the preamble.
func (o *opening) version() (uint16, error) {
	var b [preambleLen]byte
	if _, err := io.ReadFull(o.r, b[:]); err != nil {
		return 0, o.failed(err)
	}
	if string(b[:len(preamble)]) != preamble {
		return 0, damaged("it does not begin as one")
	}
	o.sum = xxhash.Sum64(b[:])
	return binary.LittleEndian.Uint16(b[len(preamble):]), nil
}

// next reads a section and checks it. The end of the input is damage: the end section comes before it.
func (o *opening) next() (kind byte, payload []byte, err error) {
	if cap(o.buf) < frameLen {
		o.buf = make([]byte, sectionLen)
	}
	head := o.buf[:5]
	if _, err := io.ReadFull(o.r, head); err != nil {
		return 0, nil, o.failed(err)
	}
	n := int(binary.LittleEndian.Uint32(head[1:]))
	if n > maxSectionLen {
		return 0, nil, damaged("a section says that it has %d bytes", n)
	}
	for read, end := 5, 5+n+8; read < end; {
		step := min(end, read+2*sectionLen) // a length that is damage must not cost its memory
		if cap(o.buf) < step {
			o.buf = append(make([]byte, 0, step+step/4), o.buf[:read]...)
		}
		o.buf = o.buf[:step]
		if _, err := io.ReadFull(o.r, o.buf[read:]); err != nil {
			return 0, nil, o.failed(err)
		}
		read = step
	}
	section, sum := o.buf[:5+n], binary.LittleEndian.Uint64(o.buf[5+n:])
	if o.sum = chained(o.sum, section); o.sum != sum {
		return 0, nil, damaged("the checksum of a section does not fit")
	}
	return section[0], section[5:], nil
}

func (o *opening) failed(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return damaged("it ends early")
	}
	return fmt.Errorf("read the snapshot: %w", err)
}

// fields reads what binary.Append functions wrote. Reading beyond the end gives zeros, and is noted.
type fields struct {
	b     []byte
	short bool
}

func (f *fields) fixed(n int) []byte {
	if len(f.b) < n {
		f.short, f.b = true, nil
		return make([]byte, n)
	}
	b := f.b[:n]
	f.b = f.b[n:]
	return b
}

func (f *fields) u64() uint64 { return binary.LittleEndian.Uint64(f.fixed(8)) }
func (f *fields) i64() int64  { return int64(f.u64()) }

func (f *fields) uvarint() uint64 {
	if len(f.b) > 0 && f.b[0] < 0x80 {
		v := f.b[0]
		f.b = f.b[1:]
		return uint64(v)
	}
	v, n := binary.Uvarint(f.b)
	if n <= 0 {
		f.short, f.b = true, nil
		return 0
	}
	f.b = f.b[n:]
	return v
}

func (f *fields) varint() int64 {
	u := f.uvarint()
	return int64(u>>1) ^ -int64(u&1)
}

// number reads a number below a limit.
func (f *fields) number(limit int) int {
	v := f.uvarint()
	if v >= uint64(limit) {
		f.short = true
		return 0
	}
	return int(v)
}

func (f *fields) text() string {
	n := f.uvarint()
	if n > uint64(len(f.b)) {
		f.short, f.b = true, nil
		return ""
	}
	return string(f.fixed(int(n)))
}

func (f *fields) done() bool { return len(f.b) == 0 }
