package schemas

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/linkedin/goavro/v2"
	"pgregory.net/rapid"
)

// TestGoavroAgrees: goavro reads what we write and we read what goavro writes, for random records of every type.
func TestGoavroAgrees(t *testing.T) {
	agree[AgentInterval](t)
	agree[AgentQueueInterval](t)
	agree[AgentState](t)
	agree[Completeness](t)
	agree[Contact](t)
	agree[DeadLetter](t)
	agree[Delivery](t)
	agree[Mark](t)
	agree[QueueInterval](t)
	agree[ShardMark](t)
	agree[Shift](t)
	agree[TimeOff](t)
	agree[TimeOffBalance](t)
	agree[WorkPeriod](t)
	agree[Worker](t)
}

func agree[T Record](t *testing.T) {
	t.Run(Of[T]().Name, rapid.MakeCheck(agreement[T](t)))
}

func agreement[T Record](t testing.TB) func(*rapid.T) {
	s := Of[T]()
	codec, err := goavro.NewCodec(s.JSON)
	if err != nil {
		t.Fatal(err)
	}
	decoder, err := NewDecoder[T](s.JSON)
	if err != nil {
		t.Fatal(err)
	}
	encoder := NewEncoder[T]()
	return func(t *rapid.T) {
		var rec, got T
		fill(t, &rec, s.typ)
		payload := encoder.Append(nil, &rec)
		read, rest, err := codec.NativeFromBinary(payload)
		if err != nil || len(rest) > 0 {
			t.Fatalf("goavro refuses what we wrote: %v, %d bytes left", err, len(rest))
		}
		if d := cmp.Diff(native(&rec, s.typ), read, cmpopts.EquateEmpty()); d != "" {
			t.Fatalf("goavro reads our bytes otherwise (-ours +goavro):\n%s", d)
		}
		theirs, err := codec.BinaryFromNative(nil, native(&rec, s.typ))
		if err != nil {
			t.Fatal(err)
		}
		for _, bytes := range [][]byte{payload, theirs} {
			if err := decoder.Decode(bytes, &got); err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(rec, got, cmpopts.EquateEmpty()); d != "" {
				t.Fatalf("decoded otherwise than encoded (-want +got):\n%s", d)
			}
		}
	}
}

func FuzzGoavroAgrees(f *testing.F) {
	f.Fuzz(rapid.MakeFuzz(agreement[Contact](f)))
}
