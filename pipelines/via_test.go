package pipelines

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/quarterhour/quarterhour/internal/spec"
)

const wfm = "  wfm-queue: {type: sqs, queue: wfm.fifo, when: provisional, delay: 2m, zero_rows: always}\n"

func TestVia(t *testing.T) {
	p, err := Parse("p.yaml", []byte(head+rest[spec.Ingest]+rest[spec.Transform]+"sinks:\n  files: {type: file, path: '/x/{kind}/{day}.csv', via: wfm-queue}\n"+wfm), nil)
	if err != nil {
		t.Fatal(err)
	}
	files := &p.Sinks[0]
	if queue := p.Via(files); queue == nil || queue.Name != "wfm-queue" {
		t.Errorf("it posts from %+v", queue)
	}
	if p.Via(&p.Sinks[1]) != nil {
		t.Error("the queue is read from the log")
	}
	o := files.Common()
	if o.When != "provisional" || o.Delay != 2*time.Minute || o.ZeroRows != "always" {
		t.Errorf("the queue's options do not hold: %+v", o)
	}
	if diff := cmp.Diff([]string{"queue_interval", "agent_queue_interval", "agent_interval"}, o.Kinds); diff != "" {
		t.Errorf("kinds (-want +got)\n%s", diff)
	}
}

func TestViaProblems(t *testing.T) {
	f := func(sinks string, want ...string) {
		t.Helper()
		_, err := Parse("p.yaml", []byte(head+rest[spec.Ingest]+rest[spec.Transform]+"sinks:\n"+sinks), nil)
		got := ""
		if err != nil {
			got = err.Error()
		}
		if diff := cmp.Diff(strings.Join(want, "\n"), got); diff != "" {
			t.Errorf("%s\n%s", sinks, diff)
		}
	}
	file := func(name, more string) string {
		return "  " + name + ": {type: file, path: '/x/{kind}/{day}.csv'" + more + "}\n"
	}
	f(wfm + file("files", ", via: wfm-queue"))
	f(wfm+file("files", ", via: wfm-queu"), `p.yaml:14: sinks.files: via names no sink "wfm-queu": did you mean "wfm-queue"?`)
	f(wfm+file("a", "")+file("files", ", via: a"), `p.yaml:15: sinks.files: via names sink "a", which is no queue: known are wfm-queue`)
	f(wfm+file("a", ", via: wfm-queue")+file("b", ", via: wfm-queue"),
		`p.yaml:15: sinks.b: sink "a" posts from the queue of "wfm-queue" already: give each a queue of its own`)
	f(wfm+file("a", ", via: wfm-queue, kinds: [queue_interval, agent_interval]"),
		`p.yaml:14: sinks.a: its queue "wfm-queue" sends agent_queue_interval, which it does not take: set the queue's kinds`)
	f("  q: {type: sqs, queue: 'a b', via: q}\n",
		`p.yaml:13: sinks.q.queue is "a b", not up to 80 letters, digits, - and _, with .fifo at the end of a FIFO queue`,
		`p.yaml:13: sinks.q.via is for the sink that posts from this queue: a queue does not read another`)
}
