package transform_test

import (
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/quarterhour/quarterhour/schemas"
	"github.com/quarterhour/quarterhour/transform"
)

// Which interval a measure counts in is a setting; how much it comes to over all intervals is not. Contacts here have ended, and
// none is retracted; the longest wait is no sum.
func TestAttributionDoesNotChangeTotals(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		h := drawHistory(t)
		h.contacts = slices.DeleteFunc(h.contacts, func(c schemas.Contact) bool { return c.EndedAt == schemas.Null })
		attribution := map[string]string{}
		for _, m := range transform.Measures() {
			if len(m.Rules) > 1 && m.Name != "contact_ms" && m.Name != "handle_ms" && rapid.Bool().Draw(t, "set "+m.Name) {
				attribution[m.Name] = rapid.SampledFrom(m.Rules).Draw(t, m.Name).String()
			}
		}
		totals := func(attribution map[string]string) map[string]int64 {
			o := h.o
			o.Attribution = attribution
			s, err := transform.NewShard("contact/0", o)
			if err != nil {
				t.Fatal(err)
			}
			m, out := transform.NewMerge(o, nil), newRows()
			var log []record
			for i := range h.contacts {
				s.Contact(&h.contacts[i], int64(i))
				s.Emit(partials{"contact/0", &log}) // corrections take back what was counted elsewhere
			}
			for _, r := range log {
				take(m, r)
			}
			if err := m.Emit(out); err != nil {
				t.Fatal(err)
			}
			sums := map[string]int64{}
			for key, row := range out.cells {
				for name, v := range row {
					if n, ok := v.(int64); ok && name != "max_wait_ms" && name != "facts" && name != "wrap known" {
						sums[strings.Fields(key)[0]+" "+name] += n
					}
				}
			}
			return sums
		}
		want, got := totals(nil), totals(attribution)
		for name := range want {
			if want[name] != got[name] {
				t.Fatalf("%s comes to %d, and to %d with %v", name, want[name], got[name], attribution)
			}
		}
	})
}
