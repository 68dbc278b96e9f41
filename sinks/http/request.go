package http

import (
	"fmt"
	nethttp "net/http"
	"strings"

	"github.com/quarterhour/quarterhour/sinks/delivery"
)

// request is what goes to the destination at once: records of one path, with the same headers and the same envelope.
type request struct {
	path    string
	header  nethttp.Header
	around  []string
	index   []int // of the records, in the items of Send
	records [][]byte
	size    int // of the body
}

// requests makes as few requests of items as path, headers, envelope and the destination's limits allow. Items that cannot be written
// are refused.
func (f *feed) requests(items []delivery.Item, refused *delivery.Refused) []*request {
	var list []*request
	open := map[string]*request{} // the last one of each group
	for n := range items {
		r, group, err := f.begin(&items[n])
		var record []byte
		if err == nil {
			record, err = f.record(&items[n])
		}
		if err != nil {
			refused.Items = append(refused.Items, delivery.RefusedItem{Index: n, Reason: "field", Detail: err.Error()})
			continue
		}
		if most := f.o.MaxBytes; most > 0 && r.size+len(record) > most {
			refused.Items = append(refused.Items, delivery.RefusedItem{
				Index: n, Reason: "too_large", Detail: fmt.Sprintf("the record makes a request of %d bytes, and max_bytes is %d", r.size+len(record), most),
			})
			continue
		}
		at := open[group]
		if at == nil || f.one || f.o.MaxBytes > 0 && at.size+len(record)+1 > f.o.MaxBytes {
			at = r
			open[group], list = at, append(list, at)
		}
		at.index, at.records, at.size = append(at.index, n), append(at.records, record), at.size+len(record)+1
	}
	return list
}

// begin is an empty request that an item may be in, and what it has in common with others that may.
func (f *feed) begin(i *delivery.Item) (r *request, group string, err error) {
	r = &request{header: nethttp.Header{"Content-Type": {f.o.contentType()}}}
	if r.path, err = f.path.url(i); err != nil {
		return nil, "", err
	}
	for _, h := range f.headers {
		text, err := h.header(i)
		if err != nil {
			return nil, "", err
		}
		r.header.Set(h.name, text)
		group += h.name + "\x00" + text + "\x00"
	}
	if r.around, err = f.surroundings(i); err != nil {
		return nil, "", err
	}
	r.size = len(f.whole(r.around, nil))
	return r, r.path + "\x00" + group + strings.Join(r.around, "\x00"), nil
}
