package clickhouse

import (
	"compress/bzip2"
	"compress/gzip"
	"compress/zlib"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/ClickHouse/ch-go/compress"
	"github.com/andybalholm/brotli"
	"github.com/klauspost/compress/zstd"
	"github.com/pierrec/lz4/v4"
)

// decode undoes what the client did to its body: Content-Encoding first, then ClickHouse's own compressed blocks.
func decode(body io.Reader, encoding string, own bool) (io.Reader, error) {
	reader, err := decodeHTTP(body, strings.ToLower(strings.TrimSpace(encoding)))
	if err != nil {
		return nil, raise(codeUnknownCompress, "the body cannot be decompressed: %s", err)
	}
	if own {
		return newOwnFrames(reader), nil
	}
	return reader, nil
}

// ownFrames reads ClickHouse's own compressed blocks. The end of the body between two of them is the end; inside one it is
// an error.
type ownFrames struct {
	src    *counter
	frames *compress.Reader
}

func newOwnFrames(src io.Reader) *ownFrames {
	counted := &counter{src: src}
	return &ownFrames{src: counted, frames: compress.NewReader(counted)}
}

func (o *ownFrames) Read(p []byte) (int, error) {
	before := o.src.n
	n, err := o.frames.Read(p)
	if !errors.Is(err, io.EOF) {
		return n, err
	}
	if o.src.n > before {
		return n, io.ErrUnexpectedEOF
	}
	return n, io.EOF
}

// counter counts the bytes read.
type counter struct {
	src io.Reader
	n   int64
}

func (c *counter) Read(p []byte) (int, error) {
	n, err := c.src.Read(p)
	c.n += int64(n)
	return n, err
}

func decodeHTTP(body io.Reader, encoding string) (io.Reader, error) {
	switch encoding {
	case "", "identity":
		return body, nil
	case "gzip", "x-gzip":
		return gzip.NewReader(body)
	case "deflate":
		return zlib.NewReader(body)
	case "br":
		return brotli.NewReader(body), nil
	case "zstd":
		decoder, err := zstd.NewReader(body, zstd.WithDecoderConcurrency(1))
		if err != nil {
			return nil, err
		}
		return decoder, nil
	case "lz4":
		return lz4.NewReader(body), nil
	case "bz2":
		return bzip2.NewReader(body), nil
	}
	return nil, fmt.Errorf("Content-Encoding '%s' is not one of gzip, deflate, br, zstd, lz4, bz2", encoding)
}

// encodings are the answers' Content-Encodings, the cheapest first.
var encodings = []struct {
	name string
	open func(io.Writer) (io.WriteCloser, error)
}{
	{"lz4", func(w io.Writer) (io.WriteCloser, error) { return lz4.NewWriter(w), nil }},
	{"zstd", func(w io.Writer) (io.WriteCloser, error) {
		return zstd.NewWriter(w, zstd.WithEncoderConcurrency(1), zstd.WithEncoderLevel(zstd.SpeedFastest))
	}},
	{"gzip", func(w io.Writer) (io.WriteCloser, error) { return gzip.NewWriterLevel(w, gzip.BestSpeed) }},
	{"deflate", func(w io.Writer) (io.WriteCloser, error) { return zlib.NewWriterLevel(w, zlib.BestSpeed) }},
	{"br", func(w io.Writer) (io.WriteCloser, error) { return brotli.NewWriterLevel(w, brotli.BestSpeed), nil }},
}

// encode opens the first encoding the client accepts; "" where it accepts none.
func encode(w io.Writer, accept string) (string, io.WriteCloser, error) {
	for _, encoding := range encodings {
		if accepts(accept, encoding.name) {
			encoder, err := encoding.open(w)
			return encoding.name, encoder, err
		}
	}
	return "", nil, nil
}

func accepts(header, name string) bool {
	for part := range strings.SplitSeq(header, ",") {
		coding, weight, _ := strings.Cut(part, ";")
		if strings.EqualFold(strings.TrimSpace(coding), name) {
			return strings.TrimRight(strings.ReplaceAll(weight, " ", ""), "0.") != "q="
		}
	}
	return false
}

// frames writes ClickHouse's own compressed blocks: a checksum, the method, the sizes, the bytes.
type frames struct {
	dst    io.Writer
	writer *compress.Writer
	buffer []byte
}

// frameSize is how many bytes ClickHouse's server puts into one compressed block.
const frameSize = 1 << 20

func newFrames(dst io.Writer, method string) (*frames, error) {
	switch method {
	case "LZ4":
		return &frames{dst: dst, writer: compress.NewWriter(0, compress.LZ4)}, nil
	case "ZSTD":
		return &frames{dst: dst, writer: compress.NewWriter(1, compress.ZSTD)}, nil
	case "NONE":
		return &frames{dst: dst, writer: compress.NewWriter(0, compress.None)}, nil
	}
	return nil, raise(codeUnknownCompress, "network_compression_method '%s' is not one of LZ4, ZSTD, NONE", method)
}

func (f *frames) Write(p []byte) (int, error) {
	total := len(p)
	for len(p) > 0 {
		n := min(len(p), frameSize-len(f.buffer))
		f.buffer, p = append(f.buffer, p[:n]...), p[n:]
		if len(f.buffer) == frameSize {
			if err := f.flush(); err != nil {
				return 0, err
			}
		}
	}
	return total, nil
}

func (f *frames) flush() error {
	if len(f.buffer) == 0 {
		return nil
	}
	if err := f.writer.Compress(f.buffer); err != nil {
		return fmt.Errorf("compress the answer: %w", err)
	}
	f.buffer = f.buffer[:0]
	_, err := f.dst.Write(f.writer.Data)
	return err
}

func (f *frames) Close() error { return f.flush() }
