package file

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
)

// stdin is the path of standard input.
const stdin = "-"

// match lists the files of a path or glob, in the order of their names.
func match(path string) ([]string, error) {
	if path == stdin {
		return []string{stdin}, nil
	}
	if _, err := os.Stat(path); err == nil {
		return []string{path}, nil // also of a name that looks like a glob
	}
	names, err := filepath.Glob(path)
	if err != nil {
		return nil, fmt.Errorf("path %q: %w", path, err)
	}
	names = slices.DeleteFunc(names, func(name string) bool {
		info, err := os.Stat(name)
		return err == nil && info.IsDir()
	})
	slices.Sort(names)
	return names, nil
}

func isGlob(path string) bool { return strings.ContainsAny(path, "*?[") }

// input is one open file, decompressed.
type input struct {
	io.Reader
	file       *os.File
	info       fs.FileInfo // nil for standard input
	compressed bool
	raw        *counter
	closers    []func() error
}

// counter counts what has been read from the disk, for progress.
type counter struct {
	r    io.Reader
	read atomic.Int64
}

func (c *counter) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.read.Add(int64(n))
	return n, err
}

func openInput(path, compression string) (*input, error) {
	in := &input{}
	var file io.Reader = os.Stdin
	if path != stdin {
		f, err := os.Open(path)
		if err != nil {
			return nil, fmt.Errorf("open: %w", err)
		}
		in.closers = append(in.closers, f.Close)
		if in.info, err = f.Stat(); err != nil {
			return nil, errors.Join(fmt.Errorf("open: %w", err), in.Close())
		}
		if in.info.IsDir() {
			return nil, errors.Join(fmt.Errorf("%q is a folder: name the files in it, as in %q", path, filepath.Join(path, "*.csv")), in.Close())
		}
		file, in.file = f, f
	}
	in.raw = &counter{r: file}
	if err := in.decompress(path, compression); err != nil {
		return nil, errors.Join(err, in.Close())
	}
	return in, nil
}

var (
	gzipMagic = []byte{0x1f, 0x8b}
	zstdMagic = []byte{0x28, 0xb5, 0x2f, 0xfd}
)

func (in *input) decompress(path, compression string) error {
	buffered := bufio.NewReaderSize(in.raw, 256<<10)
	if compression == "auto" {
		start, err := buffered.Peek(len(zstdMagic))
		if err != nil && !errors.Is(err, io.EOF) {
			return fmt.Errorf("read %q: %w", path, err)
		}
		switch {
		case bytes.HasPrefix(start, gzipMagic):
			compression = "gzip"
		case bytes.HasPrefix(start, zstdMagic):
			compression = "zstd"
		}
	}
	switch in.Reader = buffered; compression {
	case "gzip":
		r, err := gzip.NewReader(buffered)
		if err != nil {
			return fmt.Errorf("%q is not gzip: %w", path, err)
		}
		in.Reader, in.compressed = r, true
	case "zstd":
		r, err := zstd.NewReader(buffered, zstd.WithDecoderConcurrency(1))
		if err != nil {
			return fmt.Errorf("%q is not zstd: %w", path, err)
		}
		in.Reader, in.compressed = r, true
		in.closers = append(in.closers, func() error { r.Close(); return nil })
	}
	return nil
}

// Close closes the file.
func (in *input) Close() error {
	var errs []error
	for _, c := range slices.Backward(in.closers) {
		errs = append(errs, c())
	}
	return errors.Join(errs...)
}

var byName = map[string]string{".csv": "csv", ".tsv": "tsv", ".tab": "tsv", ".jsonl": "jsonl", ".ndjson": "jsonl", ".json": "jsonl", ".avro": "avro"}

// formatOf is the format by the file's name, else by how its content starts.
func formatOf(path string, start []byte) string {
	name := strings.ToLower(path)
	for _, ending := range []string{".gz", ".gzip", ".zst", ".zstd"} {
		name = strings.TrimSuffix(name, ending)
	}
	if f, ok := byName[filepath.Ext(name)]; ok {
		return f
	}
	first, _, _ := bytes.Cut(start, []byte{'\n'})
	switch {
	case bytes.HasPrefix(start, []byte("Obj\x01")):
		return "avro"
	case bytes.HasPrefix(bytes.TrimSpace(start), []byte{'{'}):
		return "jsonl"
	case bytes.Count(first, []byte{'\t'}) > bytes.Count(first, []byte{','}):
		return "tsv"
	}
	return "csv"
}
