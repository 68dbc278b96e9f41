package weektest

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/quarterhour/quarterhour/internal/clock"
	"github.com/quarterhour/quarterhour/internal/simulator/vendors"
	"github.com/quarterhour/quarterhour/transform"
)

// queueInterval is what the tables say of one, in the fields that a destination is sent.
type queueInterval struct {
	Start, Offered, Answered, Abandoned, Talk int64
	Queue, Channel                            string
}

// tables are the queue intervals of the tables before the instant, by the names that destinations know them by.
func (w *world) tables(through time.Time) map[string]string {
	w.t.Helper()
	out, err := w.answer("query", "--data", w.data(), "--format", "JSONEachRow", fmt.Sprintf("SELECT toUnixTimestamp(interval_start) AS start, offered, answered, abandoned, "+
		"toInt64(roundBankers(talk_ms / 1000)) AS talk, "+
		"queue_id AS queue, channel FROM queue_intervals WHERE tenant = 'demo' AND interval_start < fromUnixTimestamp(%d) SETTINGS output_format_json_quote_64bit_integers = 0", through.Unix()))
	if err != nil {
		w.t.Fatal(err)
	}
	rows := map[string]string{}
	for d := json.NewDecoder(bytes.NewReader(out)); ; {
		var q queueInterval
		if err := d.Decode(&q); errors.Is(err, io.EOF) {
			return rows
		} else if err != nil {
			w.t.Fatal(err)
		}
		id := transform.FormatKey(transform.Key{Kind: transform.KindQueue, Tenant: "demo", Start: q.Start * 1000, QueueID: q.Queue, Channel: q.Channel})
		rows["/queues|"+id] = fmt.Sprintf("abandoned=%d answered=%d channel=%s id=%s offered=%d queue=%s start=%s talk=%d", q.Abandoned, q.Answered, q.Channel, id,
			q.Offered, q.Queue, time.Unix(q.Start, 0).UTC().Format(time.RFC3339), q.Talk)
	}
}

// delivered waits until the destination that takes JSON has what the tables have, no row more and none other.
func (w *world) delivered(p *program, through time.Time) {
	w.t.Helper()
	var differ []string
	for deadline := clock.Now().Add(time.Minute); clock.Now().Before(deadline) && !p.ended(); _ = clock.Sleep(w.t.Context(), time.Second) {
		rows := w.tables(through)
		held, _ := w.vendors.Holds(vendors.AnyWFM)
		maps.DeleteFunc(held, func(id, _ string) bool {
			k, err := transform.ParseKey(strings.TrimPrefix(id, "/queues|"))
			return err != nil || k.Start >= through.UnixMilli()
		})
		differ = differ[:0]
		for id := range maps.Keys(rows) {
			if held[id] != rows[id] {
				differ = append(differ, fmt.Sprintf("the destination has %q, the tables %q", held[id], rows[id]))
			}
		}
		for id := range maps.Keys(held) {
			if rows[id] == "" {
				differ = append(differ, fmt.Sprintf("the destination has %q, of which the tables have nothing", held[id]))
			}
		}
		if len(differ) == 0 && len(rows) > 0 {
			w.t.Logf("a destination has the same %d queue intervals", len(rows))
			return
		}
	}
	slices.Sort(differ)
	w.t.Errorf("%d queue intervals differ: %s", len(differ), strings.Join(differ[:min(len(differ), 5)], "\n"))
}
