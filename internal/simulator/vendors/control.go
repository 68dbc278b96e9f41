package vendors

import (
	"encoding/json"
	"fmt"
	"net/http"
	"time"

	"github.com/quarterhour/quarterhour/internal/clock"
	"github.com/quarterhour/quarterhour/internal/simulator"
	"github.com/quarterhour/quarterhour/internal/simulator/centre"
)

func (h *Host) routes() http.Handler {
	mux := http.NewServeMux()
	for name, v := range h.vendors {
		mux.Handle("/"+string(name)+"/", h.served(name, v))
	}
	for name, d := range h.destinations {
		mux.Handle("/"+string(name)+"/", h.served(name, d))
		mux.Handle("/"+string(name), h.served(name, d)) // the address itself, as SQS is asked
	}
	mux.HandleFunc("GET /holds", h.holds)
	mux.HandleFunc("GET /clock", func(w http.ResponseWriter, _ *http.Request) {
		answer(w, map[string]any{"now": h.o.Watch.Now().UTC(), clock.FastVariable: h.o.Clock, "from": h.o.Centre.From, "until": h.o.Centre.Until()})
	})
	mux.HandleFunc("GET /violations", func(w http.ResponseWriter, _ *http.Request) {
		list := h.Violations()
		if list == nil {
			list = []string{}
		}
		answer(w, list)
	})
	mux.HandleFunc("GET /truth", h.truth)
	mux.HandleFunc("GET /faults", func(w http.ResponseWriter, _ *http.Request) {
		h.mu.Lock()
		defer h.mu.Unlock()
		answer(w, append([]Outage{}, h.outages...))
	})
	mux.HandleFunc("POST /faults", func(w http.ResponseWriter, r *http.Request) {
		var o Outage
		decoder := json.NewDecoder(r.Body)
		decoder.DisallowUnknownFields()
		err := decoder.Decode(&o)
		if err == nil {
			err = h.Fail(o)
		}
		if err != nil {
			refuse(w, err)
			return
		}
		w.WriteHeader(http.StatusNoContent)
	})
	mux.HandleFunc("DELETE /faults", func(w http.ResponseWriter, r *http.Request) {
		h.Mend(centre.Vendor(r.URL.Query().Get("vendor")))
		w.WriteHeader(http.StatusNoContent)
	})
	return mux
}

// truth answers with the rows of the tables; parameters vendor (any number), through (an instant), interval, service_level and
// short_abandon (lengths; those of profile acd if left out).
func (h *Host) truth(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	rules := simulator.Rules{Interval: 15 * time.Minute, ServiceLevel: 20 * time.Second, ShortAbandon: 5 * time.Second}
	through := h.o.Watch.Now()
	var err error
	for name, to := range map[string]*time.Duration{"interval": &rules.Interval, "service_level": &rules.ServiceLevel, "short_abandon": &rules.ShortAbandon} {
		if text := q.Get(name); text != "" && err == nil {
			if *to, err = time.ParseDuration(text); err == nil && *to < 0 || *to == 0 && name == "interval" {
				err = fmt.Errorf("%s is %q", name, text)
			}
		}
	}
	if text := q.Get("through"); text != "" && err == nil {
		through, err = time.Parse(time.RFC3339, text)
	}
	var vendors []centre.Vendor
	for _, v := range q["vendor"] {
		if vendors = append(vendors, centre.Vendor(v)); h.vendors[centre.Vendor(v)] == nil {
			err = fmt.Errorf("there is no vendor %q here", v)
		}
	}
	if err != nil {
		refuse(w, err)
		return
	}
	answer(w, h.Truth(rules, through, vendors...))
}

func answer(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(v) // what fails is the client's connection
}

func refuse(w http.ResponseWriter, err error) {
	http.Error(w, err.Error(), http.StatusBadRequest)
}
