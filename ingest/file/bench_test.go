package file

import (
	"bytes"
	"context"
	"fmt"
	"path/filepath"
	"testing"

	"github.com/quarterhour/quarterhour/schemas"
)

// nothing is an ingest.Out that costs nothing.
type nothing struct{ facts, dead int }

func (n *nothing) Contact(context.Context, *schemas.Contact) error       { n.facts++; return nil }
func (n *nothing) Shift(context.Context, *schemas.Shift) error           { n.facts++; return nil }
func (n *nothing) AgentState(context.Context, *schemas.AgentState) error { n.facts++; return nil }
func (n *nothing) Worker(context.Context, *schemas.Worker) error         { n.facts++; return nil }
func (n *nothing) QueueInterval(context.Context, *schemas.QueueInterval) error {
	return nil
}
func (n *nothing) AgentQueueInterval(context.Context, *schemas.AgentQueueInterval) error {
	return nil
}
func (n *nothing) AgentInterval(context.Context, *schemas.AgentInterval) error {
	return nil
}
func (n *nothing) Reject(context.Context, *schemas.DeadLetter) error { n.dead++; return nil }
func (n *nothing) Commit(context.Context, []byte) error              { return nil }
func (n *nothing) Mark(context.Context, string, int64) error         { return nil }

const benchMapping = `
as: contact
timezone: Asia/Jerusalem
null_values: ["0:00:00", NO_SERVER]
let:
  waited: q_start != nil
  served: outcome == "AGENT" and ser_start != nil
  queued: time(date + " " + q_start, "060102 15:04:05")
  left: after(time(date + " " + q_exit, "060102 15:04:05"), queued)
  started: after(time(date + " " + ser_start, "060102 15:04:05"), queued)
  finished: after(time(date + " " + ser_exit, "060102 15:04:05"), started)
where: outcome != "PHANTOM" and (waited or served)
fields:
  interaction_id: row["vru+line"] + "/" + call_id + "/" + date
  channel: '"voice"'
  queue_id: type
  agent_id: server
  offered_at: 'waited ? queued : started'
  answered_at: 'served ? started : nil'
  ended_at: 'served ? finished : left'
  outcome: 'served ? "handled" : "abandoned"'
`

// BenchmarkRow is the cost of one row of 15 columns, 8 fields of the fact and 4 clock times, from the disk to the fact.
func BenchmarkRow(b *testing.B) {
	const rows = 100_000
	var tsv, jsonl bytes.Buffer
	tsv.WriteString("vru+line\tcall_id\tpriority\ttype\tdate\tvru_entry\tvru_exit\tvru_time\tq_start\tq_exit\tq_time\toutcome\tser_start\tser_exit\tser_time\tserver\n")
	for i := range rows {
		hour, minute := 7+i%16, i%60
		at := func(s int) string { return fmt.Sprintf("%d:%02d:%02d", hour, minute, s) }
		fmt.Fprintf(&tsv, "AA0101\t%d\t0\tPS\t9902%02d\t%s\t%s\t9\t%s\t%s\t3\tAGENT\t%s\t%s\t20\tDORIT\n", 30_000+i, 1+i%7, at(1), at(10), at(10), at(13), at(13), at(33))
		fmt.Fprintf(&jsonl, `{"vru+line":"AA0101","call_id":%d,"priority":0,"type":"PS","date":"9902%02d","vru":{"entry":"%s"},"q_start":"%s","q_exit":"%s","q_time":3,`+
			`"outcome":"AGENT","ser_start":"%s","ser_exit":"%s","ser_time":20,"server":"DORIT"}`+"\n", 30_000+i, 1+i%7, at(1), at(10), at(13), at(13), at(33))
	}
	for _, c := range []struct {
		format, mapping string
		content         []byte
	}{{"tsv", benchMapping, tsv.Bytes()}, {"jsonl", string(bytes.Replace([]byte(benchMapping), []byte("+ call_id +"), []byte("+ string(call_id) +"), 1)), jsonl.Bytes()}} {
		b.Run(c.format, func(b *testing.B) {
			path := filepath.Join(b.TempDir(), "calls."+c.format)
			write(b, path, string(c.content))
			o := parseOptions(b, "path: "+path+"\n"+c.mapping)
			b.SetBytes(int64(len(c.content)))
			b.ReportAllocs()
			n := &nothing{}
			for b.Loop() {
				s, err := Registration.Open(o, deps(true))
				if err != nil {
					b.Fatal(err)
				}
				if err := s.Run(context.Background(), nil, n); err != nil {
					b.Fatal(err)
				}
			}
			if n.dead > 0 || n.facts != b.N*rows {
				b.Fatal(n)
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*rows), "ns/row")
			b.ReportMetric(float64(b.N*rows)/b.Elapsed().Seconds(), "rows/s")
		})
	}
}
