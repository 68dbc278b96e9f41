package broker

import (
	"encoding/binary"
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

var anyRecord = rapid.Custom(func(t *rapid.T) Record {
	some := rapid.SliceOfN(rapid.Byte(), 0, 300)
	bytes := func(what string) []byte {
		if rapid.IntRange(0, 5).Draw(t, what+" is null") == 0 {
			return nil
		}
		return append([]byte{}, some.Draw(t, what)...)
	}
	r := Record{Key: bytes("key"), Value: bytes("value"), Time: time.UnixMilli(rapid.Int64Range(0, 1<<41).Draw(t, "time")).UTC()}
	for range rapid.IntRange(0, 3).Draw(t, "headers") {
		r.Headers = append(r.Headers, Header{Key: rapid.String().Draw(t, "header"), Value: bytes("header value")})
	}
	return r
})

func TestBatchesAreReadAsWritten(t *testing.T) {
	var encoder batchEncoder
	decoder := batchDecoder{topic: "t"}
	rapid.Check(t, func(t *rapid.T) {
		var set []byte
		var want []Record
		for range rapid.IntRange(1, 4).Draw(t, "batches") {
			records := rapid.SliceOfN(anyRecord, 1, 30).Draw(t, "records")
			at := len(set)
			var err error
			if set, err = encoder.append(set, records, codec(rapid.IntRange(0, 4).Draw(t, "codec")), producerState{id: -1}); err != nil {
				t.Fatal(err)
			}
			size := batchHeader
			for i := range records {
				size += recordSize(&records[i])
			}
			if len(set)-at > size {
				t.Fatalf("a batch of %d bytes was estimated at %d", len(set)-at, size)
			}
			binary.BigEndian.PutUint64(set[at:], uint64(len(want))) // the broker's part
			for _, r := range records {
				r.Offset = int64(len(want))
				want = append(want, r)
			}
		}
		from := rapid.IntRange(0, len(want)).Draw(t, "from")
		cut := rapid.IntRange(0, batchHeader-1).Draw(t, "bytes of a batch that is cut off")
		got, next, err := decoder.decode(append(set, set[:cut]...), int64(from), nil)
		if err != nil || next != int64(len(want)) {
			t.Fatalf("decode goes on at %d, %v; want %d", next, err, len(want))
		}
		if d := cmp.Diff(append([]Record{}, want[from:]...), append([]Record{}, got...)); d != "" {
			t.Fatalf("records differ (-written +read):\n%s", d)
		}
	})
}

func TestAnySingleDamageIsFound(t *testing.T) {
	records := numbered(0, 3)
	rapid.Check(t, func(t *rapid.T) {
		var encoder batchEncoder
		set, err := encoder.append(nil, records, plainCodec, producerState{id: -1})
		if err != nil {
			t.Fatal(err)
		}
		i := rapid.IntRange(atCRC, len(set)-1).Draw(t, "byte")
		set[i] ^= byte(1 << rapid.IntRange(0, 7).Draw(t, "bit"))
		decoder := batchDecoder{topic: "t"}
		var corrupt *CorruptError
		if _, _, err := decoder.decode(set, 0, nil); !errors.As(err, &corrupt) {
			t.Fatalf("decode = %v, want a CorruptError", err)
		}
	})
}

func TestTheLogsTimeIsTakenWhereTheTopicSaysSo(t *testing.T) {
	var encoder batchEncoder
	set, err := encoder.append(nil, numbered(0, 2), plainCodec, producerState{id: -1})
	if err != nil {
		t.Fatal(err)
	}
	binary.BigEndian.PutUint16(set[atAttributes:], logAppendTimeBit)
	binary.BigEndian.PutUint64(set[atMaxTime:], 1_800_000_000_123)
	seal(set)
	decoder := batchDecoder{topic: "t"}
	records, _, err := decoder.decode(set, 0, nil)
	if err != nil || records[0].Time.UnixMilli() != 1_800_000_000_123 || records[1].Time != records[0].Time {
		t.Fatalf("decode = %v, %v", records, err)
	}
}

// FuzzDecode is fed whatever: it must end, with an error or records, and never point outside of what it was given.
func FuzzDecode(f *testing.F) {
	var encoder batchEncoder
	for c := range zstdCodec + 1 {
		records := numbered(0, 40)
		records[3].Headers = []Header{{Key: "h", Value: []byte("v")}}
		set, err := encoder.append(nil, records, c, producerState{id: -1})
		if err != nil {
			f.Fatal(err)
		}
		f.Add(set, int64(0))
	}
	f.Fuzz(func(t *testing.T, set []byte, from int64) {
		if len(set) > batchHeader { // else almost nothing gets past the checksum
			binary.BigEndian.PutUint32(set[atLength:], uint32(len(set)-atLength-4))
			set[atMagic] = 2
			seal(set)
		}
		decoder := batchDecoder{topic: "t"}
		records, _, err := decoder.decode(set, from, []aborted{{7, 0}})
		for i := range records {
			if records[i].Offset < from && err == nil {
				t.Fatalf("record at %d, before %d", records[i].Offset, from)
			}
		}
	})
}
