package broker

import (
	"math/rand/v2"
	"testing"

	"github.com/twmb/franz-go/pkg/kgo"
)

func TestMurmur2IsKafkas(t *testing.T) {
	// The cases of Kafka's own UtilsTest.
	f := func(key string, want int32) {
		t.Helper()
		if got := int32(murmur2([]byte(key))); got != want {
			t.Errorf("murmur2(%q) = %d, want %d", key, got, want)
		}
	}
	f("21", -973932308)
	f("foobar", -790332482)
	f("a-little-bit-long-string", -985981536)
	f("a-little-bit-longer-string", -1486304829)
	f("lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8", -58897971)
	f("abc", 479470107)
}

func TestPartitionIsWhereOtherClientsPutAKey(t *testing.T) {
	other := kgo.StickyKeyPartitioner(nil).ForTopic("t")
	for range 2000 {
		key := make([]byte, 1+rand.IntN(40))
		for i := range key {
			key[i] = byte(rand.Uint32())
		}
		n := 1 + rand.IntN(50)
		if got, want := Partition(key, n), other.Partition(&kgo.Record{Key: key}, n); got != want {
			t.Fatalf("Partition(%x, %d) = %d, another client says %d", key, n, got, want)
		}
	}
}
