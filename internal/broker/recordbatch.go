package broker

import (
	"encoding/binary"
	"hash/crc32"
	"time"
)

// Where the fields of a record batch (format 2, since Kafka 0.11) stand.
const (
	atLength     = 8
	atMagic      = 16
	atCRC        = 17
	atAttributes = 21
	atLastDelta  = 23
	atFirstTime  = 27
	atMaxTime    = 35
	atProducer   = 43
	atEpoch      = 51
	atSequence   = 53
	atCount      = 57
	batchHeader  = 61
)

// The bits of a batch's attributes.
const (
	compressionBits  = 0x07
	logAppendTimeBit = 0x08
	transactionalBit = 0x10
	controlBit       = 0x20
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// producerState is what an idempotent producer signs a batch with; an ID of -1 is none.
type producerState struct {
	id       int64
	epoch    int16
	sequence int32
}

// recordSize is how many bytes the record takes in a batch, at most.
func recordSize(r *Record) int {
	n := 1 + 10 + 5 + varbytesLen(r.Key) + varbytesLen(r.Value) + varintLen(int64(len(r.Headers)))
	for i := range r.Headers {
		n += 5 + len(r.Headers[i].Key) + varbytesLen(r.Headers[i].Value)
	}
	return n + varintLen(int64(n))
}

// batchEncoder writes record batches. It keeps the memory that compression needs.
type batchEncoder struct {
	plain []byte
}

// append writes one batch of all the records, of which there must be at least one, after dst.
func (e *batchEncoder) append(dst []byte, records []Record, c codec, p producerState) ([]byte, error) {
	from := len(dst)
	first, last := timestamp(&records[0]), timestamp(&records[0])
	for i := range records {
		last = max(last, timestamp(&records[i]))
	}
	dst = appendInt64(dst, 0)  // the base offset is the broker's to give
	dst = appendInt32(dst, 0)  // length, below
	dst = appendInt32(dst, -1) // leader epoch, the broker's
	dst = append(dst, 2)
	dst = appendInt32(dst, 0) // checksum, below
	dst = appendInt16(dst, int16(c))
	dst = appendInt32(dst, int32(len(records)-1))
	dst = appendInt64(dst, first)
	dst = appendInt64(dst, last)
	dst = appendInt64(dst, p.id)
	dst = appendInt16(dst, p.epoch)
	dst = appendInt32(dst, p.sequence)
	dst = appendInt32(dst, int32(len(records)))
	if c == plainCodec {
		dst = appendRecords(dst, records, first)
	} else {
		e.plain = appendRecords(e.plain[:0], records, first)
		var err error
		if dst, err = pack(dst, from, c, e.plain); err != nil {
			return nil, err
		}
	}
	seal(dst[from:])
	return dst, nil
}

// worthPacking is below what size records are sent as they are: a frame around so little makes it no smaller.
const worthPacking = 512

// pack puts the records after the header of the batch, packed if that is shorter.
func pack(dst []byte, from int, c codec, plain []byte) ([]byte, error) {
	if len(plain) >= worthPacking {
		packed, err := appendCompressed(dst, c, plain)
		if err != nil {
			return nil, err
		}
		if len(packed)-len(dst) < len(plain) {
			return packed, nil
		}
		dst = packed[:len(dst)]
	}
	binary.BigEndian.PutUint16(dst[from+atAttributes:], 0)
	return append(dst, plain...), nil
}

// seal fills in the length and the checksum.
func seal(batch []byte) {
	binary.BigEndian.PutUint32(batch[atLength:], uint32(len(batch)-atLength-4))
	binary.BigEndian.PutUint32(batch[atCRC:], crc32.Checksum(batch[atAttributes:], castagnoli))
}

// timestamp is the record's time in milliseconds since 1970.
func timestamp(r *Record) int64 {
	if r.Time.IsZero() {
		return 0
	}
	return r.Time.UnixMilli()
}

func appendRecords(dst []byte, records []Record, first int64) []byte {
	for i := range records {
		r := &records[i]
		delta := timestamp(r) - first
		n := 1 + varintLen(delta) + varintLen(int64(i)) + varbytesLen(r.Key) + varbytesLen(r.Value) + varintLen(int64(len(r.Headers)))
		for j := range r.Headers {
			h := &r.Headers[j]
			n += varintLen(int64(len(h.Key))) + len(h.Key) + varbytesLen(h.Value)
		}
		dst = binary.AppendVarint(dst, int64(n))
		dst = append(dst, 0)
		dst = binary.AppendVarint(dst, delta)
		dst = binary.AppendVarint(dst, int64(i))
		dst = appendVarbytes(dst, r.Key)
		dst = appendVarbytes(dst, r.Value)
		dst = binary.AppendVarint(dst, int64(len(r.Headers)))
		for j := range r.Headers {
			dst = binary.AppendVarint(dst, int64(len(r.Headers[j].Key)))
			dst = append(dst, r.Headers[j].Key...)
			dst = appendVarbytes(dst, r.Headers[j].Value)
		}
	}
	return dst
}

// millis is the instant as records carry it.
func millis(ms int64) time.Time { return time.UnixMilli(ms).UTC() }
