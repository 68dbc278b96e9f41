package broker

import (
	"bytes"
	"fmt"
	"io"
	"sync"

	"github.com/pierrec/lz4/v4"
	"github.com/segmentio/kafka-go/compress"
)

// Compression is how a producer packs its batches: "lz4" (also the default, ""), "zstd", "snappy", "gzip" or "none". Reading
// takes all of them.
type Compression string

// The names are those of Kafka's own producer. LZ4 is the default since it is the fastest of all, no compression included:
// what is not sent and not stored need not be copied.
const (
	LZ4    Compression = "lz4"
	Zstd   Compression = "zstd"
	Snappy Compression = "snappy"
	Gzip   Compression = "gzip"
	None   Compression = "none"
)

// codec is a compression's number in a record batch.
type codec int8

const (
	plainCodec codec = 0
	lz4Codec   codec = 3
	zstdCodec  codec = 4 // the greatest
)

// codec is the number, and whether there is such a compression.
func (c Compression) codec() (codec, error) {
	switch c {
	case "", LZ4:
		return lz4Codec, nil
	case None:
		return plainCodec, nil
	case Gzip:
		return 1, nil
	case Snappy:
		return 2, nil
	case Zstd:
		return zstdCodec, nil
	}
	return 0, fmt.Errorf("unknown compression %q: use lz4, zstd, snappy, gzip or none", string(c))
}

// maxPlain bounds what one batch may unpack to: a batch is at most some MB, and none packs 256 to 1 but by intent.
const maxPlain = 256 << 20

// appendCompressed packs plain after dst.
func appendCompressed(dst []byte, c codec, plain []byte) ([]byte, error) {
	out := sliceWriter{dst}
	w := c.writer(&out)
	if _, err := w.Write(plain); err != nil {
		_ = w.Close()
		return nil, fmt.Errorf("compress a batch: %w", err)
	}
	if err := w.Close(); err != nil {
		return nil, fmt.Errorf("compress a batch: %w", err)
	}
	return out.b, nil
}

// writer packs into w. The writers of kafka-go for LZ4 hold blocks of 4 MB each; those of Kafka's own producer have 64 kB, and a batch
// seldom has more than a few times that.
func (c codec) writer(w io.Writer) io.WriteCloser {
	if c != lz4Codec {
		return compress.Compression(c).Codec().NewWriter(w)
	}
	z, _ := lz4Writers.Get().(*lz4.Writer)
	z.Reset(w)
	return lz4Writer{z}
}

var lz4Writers = sync.Pool{New: func() any {
	z := lz4.NewWriter(nil)
	_ = z.Apply(lz4.BlockSizeOption(lz4.Block256Kb)) // a size that there is
	return z
}}

type lz4Writer struct{ *lz4.Writer }

// Close gives the writer back.
func (w lz4Writer) Close() error {
	err := w.Writer.Close()
	w.Reset(nil)
	lz4Writers.Put(w.Writer)
	return err
}

type sliceWriter struct{ b []byte }

func (w *sliceWriter) Write(p []byte) (int, error) {
	w.b = append(w.b, p...)
	return len(p), nil
}

// unpacker turns packed records back, into memory it uses again after reset. What it gave out before stays valid until then,
// also when it needs more.
type unpacker struct {
	arena  []byte
	source bytes.Reader
}

func (u *unpacker) reset() { u.arena = u.arena[:0] }

func (u *unpacker) unpack(c codec, packed []byte) ([]byte, error) {
	if c <= plainCodec || c > zstdCodec {
		return nil, fmt.Errorf("unknown compression %d", c)
	}
	u.source.Reset(packed)
	r := compress.Compression(c).Codec().NewReader(&u.source)
	defer func() { _ = r.Close() }() // gives the decoder back; all is read by then
	from := len(u.arena)
	for {
		if len(u.arena) == cap(u.arena) {
			u.grow(&from, max(4*len(packed), 64<<10))
		}
		n, err := r.Read(u.arena[len(u.arena):cap(u.arena)])
		u.arena = u.arena[:len(u.arena)+n]
		switch {
		case err == io.EOF:
			return u.arena[from:len(u.arena):len(u.arena)], nil
		case err != nil:
			return nil, fmt.Errorf("cannot unpack: %w", err)
		case len(u.arena)-from > maxPlain:
			return nil, fmt.Errorf("cannot unpack: more than %d bytes come out of %d", maxPlain, len(packed))
		}
	}
}

// grow moves only the batch under way to new memory: what records point at already stays where it is.
func (u *unpacker) grow(from *int, least int) {
	under := u.arena[*from:]
	bigger := make([]byte, len(under), max(2*cap(u.arena), 2*len(under)+least))
	copy(bigger, under)
	u.arena, *from = bigger, 0
}
