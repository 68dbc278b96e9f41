package http

import (
	"encoding/json"
	"fmt"
	nethttp "net/http"
	"strconv"
	"testing"
	"time"

	"github.com/quarterhour/quarterhour/ingest/sourcetest"
	"github.com/quarterhour/quarterhour/internal/clock"
)

// vendor has a call a minute until ten minutes before noon, in pages of 25, a log of states as CSV, and two users.
func vendor(*testing.T, clock.Watch) nethttp.Handler {
	mux := nethttp.NewServeMux()
	window := func(r *nethttp.Request) (list []time.Time) {
		from, _ := time.Parse(time.RFC3339, r.FormValue("from"))
		to, _ := time.Parse(time.RFC3339, r.FormValue("to"))
		for at := noon.Add(-5 * time.Hour); at.Before(noon.Add(-10 * time.Minute)); at = at.Add(time.Minute) {
			if !at.Before(from) && at.Before(to) {
				list = append(list, at)
			}
		}
		return list
	}
	mux.HandleFunc("/token", func(w nethttp.ResponseWriter, r *nethttp.Request) {
		if id, secret, _ := r.BasicAuth(); id != "me" || secret != "hunter2hunter2" {
			w.WriteHeader(401)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprint(w, `{"access_token":"t0ken-t0ken","expires_in":300}`)
	})
	signed := func(pattern string, handler nethttp.HandlerFunc) {
		mux.HandleFunc(pattern, func(w nethttp.ResponseWriter, r *nethttp.Request) {
			if r.Header.Get("Authorization") != "Bearer t0ken-t0ken" {
				w.WriteHeader(401)
				return
			}
			handler(w, r)
		})
	}
	signed("/calls", func(w nethttp.ResponseWriter, r *nethttp.Request) {
		const size = 25
		var page struct {
			Data struct {
				Items []map[string]any `json:"items"`
				Next  *string          `json:"next"`
			} `json:"data"`
		}
		list := window(r)
		from, _ := strconv.Atoi(r.FormValue("cursor"))
		for i := from; i < min(from+size, len(list)); i++ {
			page.Data.Items = append(page.Data.Items, map[string]any{"id": list[i].Format("1504"), "at": list[i].Format(time.RFC3339), "queue": map[string]any{"name": "Sales"}})
		}
		if next := strconv.Itoa(from + size); from+size < len(list) {
			page.Data.Next = &next
		}
		w.Header().Set("Content-Type", "application/json")
		json.NewEncoder(w).Encode(page)
	})
	signed("/states", func(w nethttp.ResponseWriter, r *nethttp.Request) {
		w.Header().Set("Content-Type", "text/csv")
		fmt.Fprintln(w, "agent;at;state")
		for _, at := range window(r) {
			if at.Minute()%10 == 0 {
				fmt.Fprintf(w, "a%d;%s;available\n", at.Hour()%3, at.Format("02.01.2006 15:04"))
			}
		}
	})
	signed("/users", func(w nethttp.ResponseWriter, _ *nethttp.Request) {
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprint(w, `[{"id":1,"mail":"Dana@example.test"},{"id":2,"mail":"o@example.test"}]`)
	})
	return mux
}

func TestTheSuite(t *testing.T) {
	sourcetest.Run(t, sourcetest.Case{
		Registration: Registration, Secrets: []string{"hunter2", "t0ken"}, Vendor: vendor, Now: noon, Stops: 5,
		YAML: `
url: ${URL}
auth: {type: oauth2, token_url: "${URL}/token", client_id: me, client_secret: hunter2hunter2}
limits: [{count: 500, per: 1h}]
streams:
  calls:
    path: calls
    query: {from: "{from}", to: "{to}"}
    records: data.items
    paging: {by: cursor, parameter: cursor, cursor: data.next}
    every: 10m
    back: 6h
    longest: 2h
    replaces: true
    as: contact
    fields: {interaction_id: id, queue_id: queue.name, offered_at: time(at)}
  states:
    path: states?from={from}&to={to}
    delimiter: ;
    every: 10m
    back: 6h
    as: agent_state
    fields: {agent_id: agent, started_at: 'time(at, "02.01.2006 15:04")', state: state}
  users:
    path: users
    every: 24h
    as: worker
    fields: {worker_id: string(id), email: mail}
`,
	})
}
