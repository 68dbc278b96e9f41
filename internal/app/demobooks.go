package app

import (
	"context"
	"fmt"
	"strings"

	"github.com/quarterhour/quarterhour/internal/books"
	"github.com/quarterhour/quarterhour/internal/console"
	"github.com/quarterhour/quarterhour/internal/runtime"
	"github.com/quarterhour/quarterhour/internal/simulator/centre"
)

// delivered shows what the destinations were given, asks those that are simulated whether they have it, and checks the books.
func (d *demo) delivered(ctx context.Context) error {
	list, err := d.pipelines()
	if err != nil {
		return err
	}
	d.s.Screen.Heading("What was delivered, by the books, and what the destinations say they hold")
	type count struct{ records, delivered, pending, dead int64 }
	sums := map[string]*count{}
	err = App{}.Deliveries(ctx, d.s, list, func(_ string, day *runtime.DeliveryDay) error {
		if sums[day.Sink] == nil {
			sums[day.Sink] = &count{}
		}
		c := sums[day.Sink]
		c.records, c.delivered = c.records+day.Records, c.delivered+day.Delivered
		c.pending, c.dead = c.pending+day.Pending, c.dead+day.Dead+day.Missing
		return nil
	})
	if err != nil {
		return err
	}
	t := console.Table{Columns: console.Columns("sink", "#records", "#delivered", "#pending", "#dead", "#held")}
	var wrong []string
	for _, s := range list[0].Sinks {
		c := sums[s.Name]
		if c == nil {
			continue
		}
		held := ""
		if at, ok := d.vendors.Holds(centre.Vendor(s.Name)); ok {
			held = console.Count(int64(len(at)))
		}
		t.Rows = append(t.Rows, []string{s.Name, console.Count(c.records), console.Count(c.delivered), console.Count(c.pending), console.Count(c.dead), held})
		if c.delivered != c.records {
			wrong = append(wrong, fmt.Sprintf("sink %s: %d of %d records are delivered", s.Name, c.delivered, c.records))
		}
	}
	d.s.Screen.Table(t)
	reports, err := App{}.Audit(ctx, d.s, list, []books.Range{books.Always, books.Always})
	if err != nil {
		return err
	}
	for _, r := range reports {
		wrong = append(wrong, r.Imbalances...)
	}
	if len(wrong) > 0 {
		return fmt.Errorf("the books do not balance:\n  %s", strings.Join(wrong[:min(len(wrong), 20)], "\n  "))
	}
	d.s.Screen.Line("Every row is where it belongs: the books balance.")
	return nil
}
