package app

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/quarterhour/quarterhour/internal/books"
	"github.com/quarterhour/quarterhour/internal/console"
)

// delivered balances rows against deliveries, sink by sink, and compares what the destinations hold with the tables.
func (d *demo) delivered(ctx context.Context) error {
	wrong, err := d.balanced(ctx)
	if err != nil {
		return err
	}
	differ, err := d.compared(ctx)
	if err != nil {
		return err
	}
	wrong = append(append(wrong, differ...), d.vendors.Violations()...)
	if len(wrong) > 0 {
		return fmt.Errorf("the destinations do not have what they should:\n  %s", strings.Join(wrong[:min(len(wrong), 20)], "\n  "))
	}
	d.s.Screen.Line("Every row is where it belongs, with every value, and nothing else is there.")
	return nil
}

// balanced audits the books, and shows those of the sinks.
func (d *demo) balanced(ctx context.Context) (wrong []string, err error) {
	list, err := d.pipelines()
	if err != nil {
		return nil, err
	}
	reports, err := App{}.Audit(ctx, d.s, list, []books.Range{books.Always, books.Always})
	if err != nil {
		return nil, err
	}
	sums := map[string]*books.SinkBalance{}
	for _, r := range reports {
		wrong = append(wrong, r.Imbalances...)
		for _, b := range r.Sinks {
			if sums[b.Sink] == nil {
				sums[b.Sink] = &books.SinkBalance{}
			}
			s := sums[b.Sink]
			s.Rows, s.Delivered, s.Pending, s.Dead, s.Missing = s.Rows+b.Rows, s.Delivered+b.Delivered, s.Pending+b.Pending, s.Dead+b.Dead, s.Missing+b.Missing
		}
	}
	nobodies, err := d.nobodies(ctx)
	if err != nil {
		return nil, err
	}
	d.s.Screen.Heading("The audit: rows and facts against deliveries, sink by sink")
	t := console.Table{Columns: console.Columns("sink", "#records", "#delivered", "#pending", "#dead", "#missing")}
	for _, name := range slices.Sorted(maps.Keys(sums)) {
		s, dead := sums[name], int64(0)
		if name == "playvox" {
			dead = int64(len(nobodies))
		}
		t.Rows = append(t.Rows, []string{name, console.Count(s.Rows), console.Count(s.Delivered), console.Count(s.Pending), console.Count(s.Dead), console.Count(s.Missing)})
		if s.Delivered+dead != s.Rows || s.Dead != dead {
			wrong = append(wrong, fmt.Sprintf("sink %s: of %d records %d are delivered and %d dead letters, where %d are expected", name, s.Rows, s.Delivered, s.Dead, dead))
		}
	}
	d.s.Screen.Table(t)
	if len(nobodies) > 0 {
		d.s.Screen.Line("Dead, as it has to be: %s. Who has no address and is known to nobody is not guessed.", strings.Join(nobodies, ", "))
	}
	return wrong, nil
}

// nobodies are the ids that a source lists and that are no person's.
func (d *demo) nobodies(ctx context.Context) (list []string, err error) {
	staff := d.staff()
	workers, err := d.facts(ctx, "SELECT source, worker_id, agent_id FROM workers WHERE tenant = 'demo' ORDER BY source, worker_id")
	for _, w := range workers {
		if _, ok := staff[w.Source+"|"+w.AgentID]; !ok {
			list = append(list, fmt.Sprintf("%s's user %s", w.Source, w.AgentID))
		}
	}
	return list, err
}
