package vendors

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/quarterhour/quarterhour/internal/simulator/centre"
	"github.com/quarterhour/quarterhour/internal/simulator/gladly"
)

// The ways of not being there.
const (
	Unavailable = "unavailable" // 503 with a page of the load balancer
	Refused     = "refused"     // the connection is cut before an answer
	Unheard     = "unheard"     // Gladly's webhooks reach nobody; everything else works
)

// Outage is a stretch of time, [From, To) by the vendors' clock, in which a vendor fails. A zero To is the end of days.
type Outage struct {
	Vendor centre.Vendor `json:"vendor"` // "": all
	How    string        `json:"how"`    // "": unavailable
	From   time.Time     `json:"from"`
	To     time.Time     `json:"to,omitzero"`
}

// Fail adds an outage. One without a beginning begins now.
func (h *Host) Fail(o Outage) error {
	if o.How == "" {
		o.How = Unavailable
	}
	if !slices.Contains([]string{Unavailable, Refused, Unheard}, o.How) {
		return fmt.Errorf("how is %q, not %s, %s or %s", o.How, Unavailable, Refused, Unheard)
	}
	if _, ok := h.requests[o.Vendor]; !ok && o.Vendor != "" {
		return fmt.Errorf("there is no vendor %q here", o.Vendor)
	}
	if o.From.IsZero() {
		o.From = h.o.Watch.Now()
	}
	if o.To.IsZero() {
		o.To = o.From.AddDate(100, 0, 0)
	}
	if o.How == Unheard {
		if h.Gladly == nil || o.Vendor != centre.Gladly {
			return fmt.Errorf("only vendor %q has webhooks", centre.Gladly)
		}
		h.Gladly.Break(func(f *gladly.Faults) { f.Silences = append(f.Silences, gladly.Window{From: o.From, To: o.To}) })
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.outages = append(h.outages, o)
	return nil
}

// Mend ends all outages of a vendor, "" for all of them, from now on.
func (h *Host) Mend(v centre.Vendor) {
	now := h.o.Watch.Now()
	h.mu.Lock()
	for i, o := range h.outages {
		if (v == "" || o.Vendor == v || o.Vendor == "") && now.Before(o.To) {
			h.outages[i].To = now
		}
	}
	h.mu.Unlock()
	if h.Gladly != nil && (v == "" || v == centre.Gladly) {
		h.Gladly.Break(func(f *gladly.Faults) { f.Silences = nil })
	}
}

// out says how a vendor fails now; "" where it does not.
func (h *Host) out(v centre.Vendor) string {
	now := h.o.Watch.Now()
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, o := range h.outages {
		if (o.Vendor == v || o.Vendor == "") && o.How != Unheard && !now.Before(o.From) && now.Before(o.To) {
			return o.How
		}
	}
	return ""
}

// served lets a vendor or a destination answer, as long as it is there.
func (h *Host) served(name centre.Vendor, v http.Handler) http.Handler {
	return http.StripPrefix("/"+string(name), http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h.requests[name].Add(1)
		w.Header().Set("Date", h.o.Watch.Now().UTC().Format(http.TimeFormat)) // a vendor's clock shows the vendor's time
		switch h.out(name) {
		case "":
			v.ServeHTTP(w, r)
		case Refused:
			if taken, _, err := http.NewResponseController(w).Hijack(); err == nil {
				_ = taken.Close()
			}
		default:
			w.Header().Set("Content-Type", "text/html")
			w.WriteHeader(http.StatusServiceUnavailable)
			_, _ = strings.NewReader("<html><body><h1>503 Service Unavailable</h1>No server is available to handle this request.</body></html>").WriteTo(w)
		}
	}))
}
