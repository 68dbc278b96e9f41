package runtime

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"

	"github.com/quarterhour/quarterhour/internal/broker"
)

// seenHeader is how far the partition had been read when a row of zeros was written into it.
const seenHeader = "seen"

// behindMost is how many rows a lane remembers behind a row of zeros.
const behindMost = 5_000

// behind knows which rows a lane's partition holds from an offset on.
type behind struct {
	from int64
	keys map[string]bool // nil: nothing is known
}

// overtaken says whether a row of zeros is none any more: whoever wrote it had not read the row that stands before it. Rows that
// the lane itself passes are remembered; what came before it began is read again.
func (l *lane) overtaken(ctx context.Context, r *broker.Record, key []byte, zero bool) (bool, error) {
	b := &l.behind
	if !zero {
		if b.keys != nil {
			if b.keys[string(key)] = true; len(b.keys) > behindMost {
				b.keys = nil
			}
		}
		return false, nil
	}
	seen, ok := seenBy(r)
	if !ok {
		return false, errors.New("a row of zeros does not say what it was made of")
	}
	if b.keys == nil || b.from > seen {
		*b = behind{from: seen, keys: map[string]bool{}}
		ranges, err := l.p.cluster.Offsets(ctx, l.assigned.Topic())
		if err != nil {
			return false, err
		}
		from := max(seen, ranges[l.assigned.Partition()].First)
		if from < r.Offset {
			err = l.p.cluster.ReadAll(ctx, l.assigned.Topic(), l.assigned.Partition(), from, r.Offset, func(batch *broker.Batch) error {
				for i := range batch.Records {
					if before := &batch.Records[i]; before.Offset >= from && before.Offset < r.Offset {
						if k, zero := zeroKey(before.Key); !zero {
							b.keys[string(k)] = true
						}
					}
				}
				return nil
			})
		}
		if err != nil {
			b.keys = nil
			return false, err
		}
	}
	return b.keys[string(key)], nil
}

func seenBy(r *broker.Record) (int64, bool) {
	for _, h := range r.Headers {
		if h.Key == seenHeader && len(h.Value) == 8 {
			return int64(binary.BigEndian.Uint64(h.Value)), true
		}
	}
	return 0, false
}

// zeroMark begins the key of a row of zeros, which is not to take the place of the row that it stands for.
const zeroMark = 'z'

// zeroKey is the key of the row that a record is about, and whether the record is a row of zeros in its place.
func zeroKey(key []byte) (row []byte, zero bool) {
	if len(key) > 0 && key[0] == zeroMark {
		return key[1:], true
	}
	return key, false
}

// redriveMark begins the key of a row that was written again for one sink: it is not to take the place of the original either.
const redriveMark = 'r'

// redriveKey is the key of such a row.
func redriveKey(sink string, row []byte) []byte {
	return append(append(append([]byte{redriveMark}, sink...), 0), row...)
}

// redriven is the key of the row that was written again.
func redriven(key []byte) (row []byte, ok bool) {
	if len(key) == 0 || key[0] != redriveMark {
		return key, false
	}
	_, row, ok = bytes.Cut(key, []byte{0})
	return row, ok
}

// original says whether a record of the rows is one that a merge wrote.
func original(key []byte) bool { return len(key) > 0 && key[0] != redriveMark && key[0] != zeroMark }
