package five9

import (
	"context"
	"io"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/quarterhour/quarterhour/schemas"
)

// watched looks at the memory in use as facts come.
type watched struct {
	nothing
	used map[int]uint64 // by number of facts
}

func (w *watched) Contact(ctx context.Context, c *schemas.Contact) error {
	if w.facts%10_000 == 0 {
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		w.used[w.facts] = m.HeapAlloc
	}
	return w.nothing.Contact(ctx, c)
}

// Of a report of 50,000 rows nothing stays but what tells repetitions and withdrawals: hashes, some 90 bytes a row, in the flow's memory and in the
// numbering. The text streams by.
func TestReportMemory(t *testing.T) {
	const rows = 50_000
	day := time.Date(2026, 3, 2, 0, 0, 0, 0, time.UTC)
	text := escaped(callLog(rows, day))
	out := &watched{used: map[int]uint64{}}
	s := benchSource(t, "calls: {longest: 30h}", func() io.Reader { return strings.NewReader(text) }, day.Add(32*time.Hour))
	if err := s.Run(t.Context(), nil, out); err != nil {
		t.Fatal(err)
	}
	grown := int64(out.used[rows-10_000]) - int64(out.used[0])
	t.Logf("%d facts; %d bytes a row stay, of %d that a row has", out.facts, grown/(rows-10_000), len(text)/rows)
	if out.facts != rows || grown > 130*(rows-10_000) {
		t.Errorf("%d facts, %d bytes grown", out.facts, grown)
	}
}
