package calabrio

import (
	"fmt"
	"testing"
	"time"

	"github.com/quarterhour/quarterhour/internal/clock"
	"github.com/quarterhour/quarterhour/internal/simulator/calabrio"
	"github.com/quarterhour/quarterhour/sinks/delivery"
	"github.com/quarterhour/quarterhour/sinks/horizon"
)

// BenchmarkRecords is what it takes to make records, before they are sent.
func BenchmarkRecords(b *testing.B) {
	t, err := newTable(kindQueue, records[kindQueue], nil)
	if err != nil {
		b.Fatal(err)
	}
	r := &recorder{table: t, interval: 15 * time.Minute}
	i := queueRow("sales", "voice", first, 1)
	for b.Loop() {
		if _, err := r.record(&i); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "rows/s")
}

// BenchmarkLogServer writes the queues of a day, hundred in each interval.
func BenchmarkLogServer(b *testing.B) {
	var items []delivery.Item
	for n := range 96 {
		for q := range 100 {
			items = append(items, queueRow(fmt.Sprint("queue", q), "voice", first.Add(time.Duration(n)*15*time.Minute), 1))
		}
	}
	t := new(Times)
	t.Dir, t.Date, t.Time = b.TempDir(), "2006-01-02", "15:04"
	tab, err := newTable(kindQueue, sheets[kindQueue].columns, nil)
	if err != nil {
		b.Fatal(err)
	}
	folder, err := openFolder(&Times{Dir: t.Dir})
	if err != nil {
		b.Fatal(err)
	}
	forever, err := horizon.New(0, 0, time.UTC, clock.Wall)
	if err != nil {
		b.Fatal(err)
	}
	to := &logServer{o: &LogServer{Times: *t, FileDate: t.Date}, folder: folder, horizon: forever, fillers: map[string]*filler{kindQueue: {sheet: sheets[kindQueue], table: tab, times: *t}}}
	for b.Loop() {
		if err := to.Send(b.Context(), items); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.N*len(items))/b.Elapsed().Seconds(), "rows/s")
	if _, wrong := calabrio.ReadLogServer(t.Dir, 15*time.Minute); len(wrong) > 0 {
		b.Fatal(wrong)
	}
}
