package runtime

import (
	"log/slog"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/quarterhour/quarterhour/internal/clock"
	"github.com/quarterhour/quarterhour/sinks/delivery"
)

// The books of one day are those that the whole has for it, and what is in memory for them is no more than the day has.
func TestTheBooksOfADay(t *testing.T) {
	w, to := newWorld(t), newPlace()
	p := pipelineOf(t, history(11), newTableSink())
	p.Sinks = append(p.Sinks, deliveringSink("api", to, delivery.Options{When: "final"}))
	if err := w.run(t.Context(), p, true); err != nil {
		t.Fatal(err)
	}
	l, err := OpenLedger(t.Context(), p, LedgerOptions{Cluster: w.cluster, Registry: w.registry, Log: slog.New(slog.DiscardHandler), Now: clock.Now})
	if err != nil {
		t.Fatal(err)
	}
	s := l.DeliverySinks()[0]
	all, err := l.DeliveryDays(t.Context(), s, clock.Wall, "")
	if err != nil || len(all) == 0 {
		t.Fatalf("%d days: %v", len(all), err)
	}
	for _, want := range all {
		got, err := l.DeliveryDays(t.Context(), s, clock.Wall, want.Day)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff([]*DeliveryDay{want}, got, cmpopts.IgnoreUnexported(DeliveryDay{})); diff != "" {
			t.Errorf("%s (-whole +day)\n%s", want.Day, diff)
		}
	}
	if got, err := l.DeliveryDays(t.Context(), s, clock.Wall, "1999-01-01"); err != nil || len(got) > 0 {
		t.Errorf("of a day without anything: %v, %v", got, err)
	}
	d, err := l.OpenSink(t.Context(), s, clock.Wall)
	if err != nil {
		t.Fatal(err)
	}
	b := &deliveryBook{bare: true, wanted: func(int64) bool { return false }}
	if err := l.deliveries(t.Context(), s, &d, b, func(*Delivered) error { t.Error("it hands over what is not wanted"); return nil }); err != nil || b.held > 0 {
		t.Errorf("%d records and attempts in memory for a day without any: %v", b.held, err)
	}
	one, most := &deliveryBook{bare: true}, 0
	seen := map[int64]int{}
	if err := l.deliveries(t.Context(), s, &d, one, func(d *Delivered) error { seen[d.Item.Start]++; most++; return nil }); err != nil {
		t.Fatal(err)
	}
	for start, records := range seen {
		b := &deliveryBook{bare: true, wanted: func(at int64) bool { return at == start }}
		if err := l.deliveries(t.Context(), s, &d, b, func(*Delivered) error { return nil }); err != nil || b.held > 2*records {
			t.Errorf("%d records and attempts in memory for %d records: %v", b.held, records, err)
		}
		break
	}
	if len(seen) < 2 || one.held <= 2*most/len(seen)/p.Partitions {
		t.Errorf("%d intervals, %d in memory: the test says nothing", len(seen), one.held)
	}
}
