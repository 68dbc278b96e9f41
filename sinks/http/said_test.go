package http

import (
	"errors"
	"fmt"
	nethttp "net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/quarterhour/quarterhour/sinks/delivery"
)

// The reasons of an answer become details of dead letters: without the secrets, be they given or fetched, and not without end.
func TestReasonsAreBounded(t *testing.T) {
	server := httptest.NewServer(nethttp.HandlerFunc(func(w nethttp.ResponseWriter, r *nethttp.Request) {
		w.Header().Set("Content-Type", "application/json")
		if r.URL.Path == "/token" {
			fmt.Fprint(w, `{"access_token":"fetched-4711","expires_in":3600}`)
			return
		}
		w.WriteHeader(nethttp.StatusUnprocessableEntity)
		fmt.Fprintf(w, `{"errors":[{"at":0,"why":"row of fetched-4711 and s3cret-4712%s"}]}`, strings.Repeat(" no", 4000))
	}))
	defer server.Close()
	err := opened(t, `
url: ${URL}
auth: {type: oauth2, token_url: '${URL}/token', client_id: me, client_secret: s3cret-4712}
answer: {refusals: {statuses: [422], list: errors, index: at, reason: why}}
records: {queue_interval: {path: rows, fields: {id: queue_id}}}
`, server.URL).Destination.Send(t.Context(), awkward())
	var refused *delivery.Refused
	if !errors.As(err, &refused) || len(refused.Items) != 1 {
		t.Fatal(err)
	}
	if said := refused.Items[0].Detail; len(said) > 500 || !strings.HasPrefix(said, "row of *** and ***") || strings.Contains(said, "471") {
		t.Errorf("refused %.500s", said)
	}
}
