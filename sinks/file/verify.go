package file

import (
	"context"
	"fmt"

	"github.com/quarterhour/quarterhour/internal/expression"
	"github.com/quarterhour/quarterhour/sinks/delivery"
)

// Verify implements delivery.Verifier: it reads the files.
func (d *destination) Verify(ctx context.Context, items []delivery.Item, found func(delivery.Item, string)) error {
	type wanted struct {
		item *delivery.Item
		row  *row
	}
	byPlace := map[place]map[string]wanted{}
	var values []expression.Value
	for n := range items {
		kind := kindOf(&items[n])
		r, used, err := d.tables[kind].row(&items[n], values)
		if values = used; err != nil {
			found(items[n], err.Error())
			continue
		}
		to := d.paths.place(kind, &items[n])
		if byPlace[to] == nil {
			byPlace[to] = map[string]wanted{}
		}
		byPlace[to][fmt.Sprint(r.at, " ", string(r.key))] = wanted{&items[n], r}
	}
	for to, want := range byPlace {
		path := d.paths.path(to)
		err := d.tables[to.kind].each(ctx, path, func(have *row) {
			name := fmt.Sprint(have.at, " ", string(have.key))
			w, ok := want[name]
			if !ok {
				return
			}
			delete(want, name)
			switch {
			case have.revision < w.row.revision:
				found(*w.item, fmt.Sprintf("%s has revision %d", path, have.revision))
			case have.revision == w.row.revision && !have.same(w.row):
				found(*w.item, fmt.Sprintf("%s has other values", path))
			default:
				found(*w.item, "")
			}
		})
		if err != nil {
			return err
		}
		for _, w := range want {
			found(*w.item, path+" has no such row")
		}
	}
	return nil
}
