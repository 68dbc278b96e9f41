package schemas

import (
	"bytes"
	"compress/bzip2"
	"compress/flate"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"

	"github.com/klauspost/compress/snappy"
	"github.com/klauspost/compress/zstd"
)

// codec undoes the compression of one block.
type codec func(block []byte) ([]byte, error)

// codecFor finds the codec that a container's header names; none is the same as null.
func codecFor(name string) (codec, error) {
	switch name {
	case "", "null":
		return func(b []byte) ([]byte, error) { return b, nil }, nil
	case "deflate":
		return func(b []byte) ([]byte, error) { return readBlock(flate.NewReader(bytes.NewReader(b))) }, nil
	case "bzip2":
		return func(b []byte) ([]byte, error) { return readBlock(bzip2.NewReader(bytes.NewReader(b))) }, nil
	case "snappy":
		return unsnap, nil
	case "zstandard":
		d, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(maxBlock))
		if err != nil {
			return nil, err
		}
		return func(b []byte) ([]byte, error) { return d.DecodeAll(b, nil) }, nil
	}
	return nil, fmt.Errorf("container file is compressed with %q, which is not supported: use null, deflate, snappy, zstandard or bzip2", name)
}

// unsnap reads snappy's block format, followed by the checksum of the data.
func unsnap(b []byte) ([]byte, error) {
	if len(b) < 4 {
		return nil, errors.New("snappy block is shorter than its checksum")
	}
	body, sum := b[:len(b)-4], binary.BigEndian.Uint32(b[len(b)-4:])
	n, err := snappy.DecodedLen(body)
	if err != nil {
		return nil, err
	}
	if n > maxBlock {
		return nil, tooLong()
	}
	out, err := snappy.Decode(nil, body)
	if err != nil {
		return nil, err
	}
	if crc32.ChecksumIEEE(out) != sum {
		return nil, errors.New("checksum of the snappy block does not match: the file is damaged")
	}
	return out, nil
}

func readBlock(r io.Reader) ([]byte, error) {
	out, err := io.ReadAll(io.LimitReader(r, maxBlock+1))
	if err != nil {
		return nil, noEOF(err)
	}
	if len(out) > maxBlock {
		return nil, tooLong()
	}
	return out, nil
}

func tooLong() error { return fmt.Errorf("block decompresses to more than %d bytes", maxBlock) }
