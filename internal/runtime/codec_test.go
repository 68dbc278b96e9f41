package runtime

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/quarterhour/quarterhour/internal/registry"
	"github.com/quarterhour/quarterhour/schemas"
)

// A registry that is away says nothing about the record: it is not to be taken for damaged. One that does not know the id does.
func TestARegistryThatIsAwayIsNotADamagedRecord(t *testing.T) {
	f := func(status int, away bool) {
		t.Helper()
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(status)
			_, _ = w.Write([]byte(`{"error_code": 40403, "message": "no"}`))
		}))
		defer server.Close()
		client, err := registry.Open(server.URL)
		if err != nil {
			t.Fatal(err)
		}
		message := schemas.NewEncoder[schemas.Mark]().AppendWire(nil, 7, &schemas.Mark{})
		_, _, err = newReader(t.Context(), client).open(message)
		if err == nil || errors.Is(err, errAway) != away {
			t.Errorf("status %d: %v; away: %t, want %t", status, err, errors.Is(err, errAway), away)
		}
	}
	f(http.StatusNotFound, false)
	f(http.StatusInternalServerError, true)
	f(http.StatusServiceUnavailable, true)
}
