package file

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"

	"github.com/cespare/xxhash/v2"
	"github.com/klauspost/compress/gzip"

	"github.com/quarterhour/quarterhour/ingest/rows"
	"github.com/quarterhour/quarterhour/schemas"
)

// cursor is how far the source has read. It is stored as JSON, compressed where it is large.
type cursor struct {
	Mapping string               `json:"mapping"` // hash of the options that decide what a row becomes
	Files   map[string]*progress `json:"files"`
	Begins  *int64               `json:"begins,omitempty"` // greatest beginning and greatest instant of a fact, milliseconds UTC
	Latest  *int64               `json:"latest,omitempty"`
	Marked  *int64               `json:"marked,omitempty"` // the last promise made
}

// progress is how far one file has been read, and how to know it again.
type progress struct {
	Size     int64 `json:"size"`     // on the disk, when it was last looked at
	Modified int64 `json:"modified"` // nanoseconds since 1970
	rows.Place
	Held bool `json:"held,omitempty"` // the last row has no line break yet, and waits for it
}

// loadCursor reads a stored cursor. One of another mapping is no good: its rows became other facts.
func loadCursor(stored []byte, mapping string) (c *cursor, remapped bool, err error) {
	c = &cursor{}
	if bytes.HasPrefix(stored, gzipMagic) {
		if stored, err = unpack(stored); err != nil {
			return nil, false, fmt.Errorf("the stored cursor cannot be read: %w", err)
		}
	}
	if stored != nil {
		if err := json.Unmarshal(stored, c); err != nil {
			return nil, false, fmt.Errorf("the stored cursor cannot be read: %w", err)
		}
	}
	remapped = stored != nil && c.Mapping != mapping
	if remapped {
		c.Files = nil
	}
	c.Mapping = mapping
	if c.Files == nil {
		c.Files = make(map[string]*progress)
	}
	return c, remapped, nil
}

// see notes where in time a fact lies. limit keeps mistyped years out of the promise.
func (c *cursor) see(begins, latest, limit int64) {
	raise(&c.Begins, begins, limit)
	raise(&c.Latest, latest, limit)
}

func raise(to **int64, at, limit int64) {
	switch {
	case at == schemas.Null || at >= limit:
	case *to == nil:
		*to = new(int64)
		**to = at
	case at > **to:
		**to = at
	}
}

func (c *cursor) encode() []byte {
	text, _ := json.Marshal(c) // plain data: it cannot fail
	if len(text) < packCursor {
		return text
	}
	var packed bytes.Buffer
	w := gzip.NewWriter(&packed)
	_, _ = w.Write(text) // nor can a buffer
	_ = w.Close()
	return packed.Bytes()
}

// packCursor is the size from which a cursor is compressed: that of a glob with thousands of files must still fit a message.
const packCursor = 128 << 10

func unpack(packed []byte) ([]byte, error) {
	r, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		return nil, err
	}
	return io.ReadAll(r)
}

// fingerprint is a hash of the options that decide what a row becomes.
func (o *Options) fingerprint(zone string) string {
	what, _ := json.Marshal([]any{
		o.Format, o.Delimiter, o.Quotes, o.Header, o.Columns, o.NullValues, zone, o.Texts(),
	})
	return rows.Hash(xxhash.Sum64(what))
}
