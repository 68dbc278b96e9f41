package calabrio

import (
	"strings"
	"testing"

	"github.com/quarterhour/quarterhour/sinks/delivery"
)

// The reasons of an answer become details of dead letters: without the keys, and not without end.
func TestReasonsAreBounded(t *testing.T) {
	l, url := listen(t)
	l.status, l.answer = 400, `[{"index": 0, "message": "key source-key-1 of bearer tenant-key-1`+strings.Repeat(" no", 4_000)+`"}]`
	to := open(t, "historical: {url: '"+url+"', tenant_key: tenant-key-1, data_source_key: source-key-1, queue: {path: q}, refusals: {list: .}}")
	got := refusals(t, to.Send(t.Context(), []delivery.Item{queueRow("a", "voice", first, 1)}))
	if len(got) > 500 || !strings.HasPrefix(got, "refused: key *** of") || strings.Contains(got, "-key-1") {
		t.Errorf("refused %.500s", got)
	}
}
