package transform

import (
	"testing"

	"pgregory.net/rapid"
)

// A table behaves as a map does, also where many keys share a home.
func TestTableIsAMap(t *testing.T) {
	type entry struct{ key, value uint32 }
	rapid.Check(t, func(t *rapid.T) {
		spread := rapid.SampledFrom([]uint64{1 << 32, 1 << 61, 0x9e3779b97f4a7c15}).Draw(t, "spread")
		table := table[entry, uint32]{hash: func(k uint32) uint64 { return uint64(k) * spread }, key: func(e *entry) uint32 { return e.key }}
		want := map[uint32]uint32{}
		for range rapid.IntRange(0, 200).Draw(t, "steps") {
			k := rapid.Uint32Range(0, 60).Draw(t, "key")
			n := table.find(k)
			if v, ok := want[k]; ok != (n != 0) || ok && table.at(n).value != v {
				t.Fatalf("key %d is entry %d, want it there: %v", k, n, ok)
			}
			if rapid.Bool().Draw(t, "put") {
				if n == 0 {
					n = table.add()
					table.at(n).key = k
					table.enter(n)
				}
				want[k]++
				table.at(n).value = want[k]
			} else if n != 0 {
				table.remove(n)
				delete(want, k)
			}
		}
		if table.len() != len(want) {
			t.Fatalf("%d entries, want %d", table.len(), len(want))
		}
		table.each(func(n uint32, e *entry) {
			if want[e.key] != e.value {
				t.Fatalf("entry %d is %+v", n, *e)
			}
		})
	})
}

// Fields that run into each other are told apart, and every bit of a digest depends on every byte.
func TestDigestsDiffer(t *testing.T) {
	seen := map[digest][2]string{}
	texts := []string{"", "a", "b", "ab", "\x00", "\x00\x00", "12345678", "123456789", "1234567890123456", "12345678901234567", "12345678901234567890123456789012"}
	for _, a := range texts {
		for _, b := range texts {
			d := digest{}.add(a).add(b)
			if other, ok := seen[d]; ok {
				t.Errorf("%q and %q have one digest", other, [2]string{a, b})
			}
			seen[d] = [2]string{a, b}
		}
	}
}

// The parts of a span sum to the whole, whatever is cut, and none is negative.
func TestPartsSumToTheWhole(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		total := rapid.Int64Range(0, 1<<36).Draw(t, "total")
		from := rapid.Int64Range(-1000, 1000).Draw(t, "from")
		to := from + rapid.Int64Range(0, 1<<34).Draw(t, "length")
		sum, at := int64(0), from-rapid.Int64Range(0, 5).Draw(t, "before")
		for at <= to {
			end := at + rapid.Int64Range(1, max(1, (to-from)/3)).Draw(t, "step")
			p := part(total, from, to, at, end)
			if p < 0 {
				t.Fatalf("part of [%d, %d) is %d", at, end, p)
			}
			sum, at = sum+p, end
		}
		if sum != total {
			t.Fatalf("parts sum to %d, not to %d", sum, total)
		}
	})
}
