package vendors

import (
	"net/http"
	"strings"
	"testing"

	"github.com/quarterhour/quarterhour/internal/simulator/calabrio"
)

// deliver sends one record to the simulated Calabrio, as its variables say, and gives the status.
func deliver(t *testing.T, h *Host, offered string) int {
	t.Helper()
	is := map[string]string{}
	for _, v := range h.Variables() {
		is[v[0]] = v[1]
	}
	body := `[{"intervalStartDateTime":"2026-03-02T09:00:00Z","queueId":"q","queueName":"Q","offeredContacts":` + offered + `,"answeredContacts":1,"contactTime":2}]`
	r, err := http.NewRequest(http.MethodPost, is["CALABRIO_URL"]+calabrio.HistoricalPath+"/queues?dataSourceKey="+is["CALABRIO_DATA_SOURCE_KEY"], strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+is["CALABRIO_TENANT_KEY"])
	r.Header.Set("Content-Type", "application/json")
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	response.Body.Close()
	return response.StatusCode
}

func TestDestinations(t *testing.T) {
	h, _ := start(t)
	if status := deliver(t, h, "7"); status != http.StatusOK {
		t.Errorf("status %d", status)
	}
	if _, text := h.get(t, "/holds?destination=calabrio"); !strings.Contains(text, "offeredContacts=7") {
		t.Errorf("holds %s", text)
	}
	if status, _ := h.get(t, "/holds?destination=five9"); status != http.StatusBadRequest {
		t.Errorf("status %d", status)
	}
	if status, text := h.fail(t, `{"vendor":"calabrio"}`); status != http.StatusNoContent {
		t.Errorf("status %d: %s", status, text)
	}
	if status := deliver(t, h, "8"); status != http.StatusServiceUnavailable {
		t.Errorf("status %d in an outage", status)
	}
	h.Mend(Calabrio)
	if status := deliver(t, h, "-1"); status != http.StatusBadRequest {
		t.Errorf("status %d", status)
	}
	if v := strings.Join(h.Violations(), "\n"); !strings.Contains(v, "calabrio: queues: record 0") {
		t.Errorf("violations %q", v)
	}
	if n, ok := h.Requests(Calabrio); !ok || n != 3 {
		t.Errorf("%d requests", n)
	}
}
