package broker

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"slices"
	"time"
)

// aborted is a transaction of which nothing may be seen: the producer's records from the offset on, to its abort marker.
type aborted struct{ producer, first int64 }

// batchDecoder turns the record batches of a fetch into records. The records point into the batches, or into the decoder's
// own memory where those are compressed, and are valid until the next decode.
type batchDecoder struct {
	topic     string
	partition int

	records []Record
	headers []Header
	plain   unpacker
	hidden  []int64 // producers with an aborted transaction under way
}

// decode takes what a fetch at offset from brought. It returns the records at from or after it, and where to go on.
func (d *batchDecoder) decode(set []byte, from int64, abortions []aborted) (records []Record, next int64, err error) {
	d.records, d.headers, d.hidden = d.records[:0], d.headers[:0], d.hidden[:0]
	d.plain.reset()
	slices.SortFunc(abortions, func(a, b aborted) int { return int(min(1, max(-1, a.first-b.first))) })
	next = from
	for len(set) >= atLength+4 {
		size := atLength + 4 + int(int32(binary.BigEndian.Uint32(set[atLength:])))
		if size < batchHeader {
			return nil, 0, d.corrupt(set, fmt.Sprintf("it says to have %d bytes", size))
		}
		if size > len(set) {
			break // the last one is cut off where the answer was full
		}
		batch := set[:size]
		set = set[size:]
		if err := d.check(batch); err != nil {
			return nil, 0, err
		}
		base := int64(binary.BigEndian.Uint64(batch))
		last := base + int64(int32(binary.BigEndian.Uint32(batch[atLastDelta:])))
		for len(abortions) > 0 && abortions[0].first <= last {
			d.hidden = append(d.hidden, abortions[0].producer)
			abortions = abortions[1:]
		}
		if err := d.batch(batch, base, from); err != nil {
			return nil, 0, d.corrupt(batch, err.Error())
		}
		next = max(next, last+1)
	}
	return d.records, next, nil
}

func (d *batchDecoder) corrupt(batch []byte, detail string) error {
	return &CorruptError{Topic: d.topic, Partition: d.partition, Offset: int64(binary.BigEndian.Uint64(batch)), Detail: detail}
}

// check compares the checksum, over everything but what brokers write into it.
func (d *batchDecoder) check(batch []byte) error {
	if magic := batch[atMagic]; magic != 2 {
		return fmt.Errorf("topic %q partition %d offset %d is in message format %d, from before Kafka 0.11: copy the topic with "+
			"a current producer", d.topic, d.partition, int64(binary.BigEndian.Uint64(batch)), magic)
	}
	want := binary.BigEndian.Uint32(batch[atCRC:])
	if got := crc32.Checksum(batch[atAttributes:], castagnoli); got != want {
		return d.corrupt(batch, fmt.Sprintf("its checksum is %08x and must be %08x", got, want))
	}
	return nil
}

// batch adds the records of one batch, if they are to be seen.
func (d *batchDecoder) batch(batch []byte, base, from int64) error {
	attributes := binary.BigEndian.Uint16(batch[atAttributes:])
	producer := int64(binary.BigEndian.Uint64(batch[atProducer:]))
	count := int(int32(binary.BigEndian.Uint32(batch[atCount:])))
	body := batch[batchHeader:]
	if attributes&controlBit != 0 {
		d.control(body, producer)
		return nil
	}
	if attributes&transactionalBit != 0 && slices.Contains(d.hidden, producer) {
		return nil
	}
	if packed := codec(attributes & compressionBits); packed != plainCodec {
		var err error
		if body, err = d.plain.unpack(packed, body); err != nil {
			return err
		}
	}
	if count < 0 || count > len(body)/7 {
		return fmt.Errorf("it says to have %d records in %d bytes", count, len(body))
	}
	first := int64(binary.BigEndian.Uint64(batch[atFirstTime:]))
	var appended time.Time
	if attributes&logAppendTimeBit != 0 {
		appended = millis(int64(binary.BigEndian.Uint64(batch[atMaxTime:])))
	}
	d.records = slices.Grow(d.records, count)
	c := cursor{buf: body}
	for range count {
		d.record(&c, base, first, from, appended)
	}
	return c.err()
}

// control notes the end of an aborted transaction: what its producer writes next is to be seen again.
func (d *batchDecoder) control(body []byte, producer int64) {
	c := cursor{buf: body}
	c.varint()
	c.int8()
	c.varint()
	c.varint()
	key := cursor{buf: c.varbytes()}
	key.int16()
	if kind := key.int16(); kind == 0 && !key.short { // 0 aborts, 1 commits
		if i := slices.Index(d.hidden, producer); i >= 0 {
			d.hidden = slices.Delete(d.hidden, i, i+1)
		}
	}
}

// record reads one record, and keeps it unless it lies before from.
func (d *batchDecoder) record(c *cursor, base, first, from int64, appended time.Time) {
	body := cursor{buf: c.take(int(c.varint()))}
	body.int8() // no attributes are defined
	at := body.varint()
	offset := base + body.varint()
	r := Record{Key: body.varbytes(), Value: body.varbytes(), Offset: offset, Time: appended}
	if appended.IsZero() {
		r.Time = millis(first + at)
	}
	if n := body.varint(); n > 0 {
		r.Headers = d.header(&body, n)
	}
	if body.short {
		c.short = true
	}
	if offset >= from && !c.short {
		d.records = append(d.records, r)
	}
}

func (d *batchDecoder) header(c *cursor, n int64) []Header {
	from := len(d.headers)
	for ; n > 0 && !c.short; n-- {
		d.headers = append(d.headers, Header{Key: string(c.varbytes()), Value: c.varbytes()})
	}
	return d.headers[from:len(d.headers):len(d.headers)]
}
