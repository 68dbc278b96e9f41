package gladly

import (
	"fmt"
	"math"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/quarterhour/quarterhour/schemas"
)

// Whatever rows say they say after they were packed, by contact and in the order in which they came.
func TestSessionRows(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		word := rapid.SampledFrom([]string{"", "a", "Größe", "0tvvSDnvQVGchp-Gax", strings.Repeat("x", 300)})
		number := rapid.OneOf(rapid.Just(int64(schemas.Null)), rapid.Int64Range(0, 4e12), rapid.SampledFrom([]int64{0, 1, -1, math.MaxInt64, math.MinInt64 + 1}))
		want := map[string][]session{}
		rows := &sessionRows{}
		n := rapid.IntRange(0, 40).Draw(t, "rows")
		for range n {
			s := session{
				contact: rapid.SampledFrom([]string{"c", "c1", "c2", strings.Repeat("long", 40_000)}).Draw(t, "contact"), agent: word.Draw(t, "agent"), queue: word.Draw(t, "queue"),
				id: word.Draw(t, "id"), channel: word.Draw(t, "channel"), status: word.Draw(t, "status"), outbound: rapid.Bool().Draw(t, "outbound"),
			}
			for i, at := range s.numbers() {
				*at = number.Draw(t, fmt.Sprint(i))
			}
			rows.add(&s)
			want[s.contact] = append(want[s.contact], s)
		}
		rows.sort()
		got, before := map[string][]session{}, ""
		var of []session
		for from := 0; from < rows.len(); from += len(of) {
			of = rows.contact(from, of[:0])
			if of[0].contact <= before {
				t.Fatalf("%q after %q", of[0].contact, before)
			}
			before = of[0].contact
			got[before] = slices.Clone(of)
		}
		if diff := cmp.Diff(want, got, cmp.AllowUnexported(session{})); diff != "" || rows.len() != n {
			t.Fatal(diff)
		}
	})
}

// The bound that the documentation states: a report of 50,000 rows is held in less than 5 MB, and what it takes grows with the rows alone.
func TestMemoryOfSessionRows(t *testing.T) {
	held := func(n int) float64 {
		var before, after runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&before)
		rows := &sessionRows{}
		for i := range n {
			at := int64(1772470000000) + int64(i)*3457
			row := session{
				contact: fmt.Sprintf("dzweSumI4bFxjl%08d", i*7919%n), id: fmt.Sprintf("1JrKq3l7mPzR2sUw%06d", i), agent: fmt.Sprintf("XeEJwrnuTfabHMK5%06d", i%500),
				queue: fmt.Sprintf("0tvvSDnvQVGchp-Gax%04d", i%20), channel: "chat", status: "ANSWERED", created: at, routed: at + 1250, accepted: at + 49000, replied: at + 28000,
				endedAt: at + 890000, handle: 890500, after: 42000,
			}
			rows.add(&row)
		}
		rows.sort()
		runtime.GC()
		runtime.ReadMemStats(&after)
		took := float64(after.HeapAlloc) - float64(before.HeapAlloc)
		runtime.KeepAlive(rows)
		return took / float64(n)
	}
	for _, n := range []int{50_000, 100_000} {
		row := held(n)
		t.Logf("%d rows: %.0f bytes each", n, row)
		if row > 100 {
			t.Errorf("%d rows take %.0f bytes each", n, row)
		}
	}
}
