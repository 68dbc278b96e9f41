package pipelines

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/quarterhour/quarterhour/internal/spec"
)

// What all sinks that deliver by requests have in common is checked with the file: a typo must not end in a sink that sends nothing and has
// nothing to balance.
func TestOptionsThatSinksShare(t *testing.T) {
	f := func(sink string, want ...string) {
		t.Helper()
		_, err := Parse("p.yaml", []byte(head+rest[spec.Ingest]+rest[spec.Transform]+"sinks:\n"+sink), nil)
		got := ""
		if err != nil {
			got = err.Error()
		}
		if diff := cmp.Diff(strings.Join(want, "\n"), got); diff != "" {
			t.Errorf("%s\n%s", sink, diff)
		}
	}
	const logServer = "  wfm:\n    type: calabrio\n    logserver: {dir: /x}\n"
	const adherence = "  rta:\n    type: calabrio\n    adherence: {url: 'https://wfm.acme.test', authentication_key: k, source_id: '1'}\n"
	const playvox = "  pv:\n    type: playvox\n    url: https://acme.test\n    region_url: https://acme.test\n    identifier: i\n    secret: s\n    states: {}\n"
	const http = "  any: {type: http, url: 'https://acme.test', records: {queue_interval: {}, worker: {}}"
	const sqs = "  q: {type: sqs, queue: wfm"
	f(logServer + "    kinds: [queue_interval]\n    delay: 5m\n    batch: 0\n    concurrency: 2\n    attempts: 1\n")
	f(logServer+"    kinds: [queue_interval, queue_intervals]\n",
		`p.yaml:16: sinks.wfm.kinds names "queue_intervals", and with these options the sink can send queue_interval, agent_queue_interval, agent_interval: did you mean "queue_interval"?`)
	f(adherence+"    kinds: [queue_interval]\n", `p.yaml:16: sinks.rta.kinds names "queue_interval", and with these options the sink can send agent_state`)
	f(playvox + "    kinds: [agent_state]\n")
	f(playvox+"    kinds: [wurst, contact]\n",
		`p.yaml:20: sinks.pv.kinds names "wurst", and with these options the sink can send agent_state`,
		`p.yaml:20: sinks.pv.kinds names "contact", and with these options the sink can send agent_state`)
	f(http + ", kinds: [worker]}\n")
	f(http+", kinds: [contact]}\n", `p.yaml:13: sinks.any.kinds names "contact", and with these options the sink can send worker, queue_interval`)
	f(sqs + ", kinds: [contact, queue_interval]}\n")
	f(sqs+", kinds: [contacts]}\n",
		`p.yaml:13: sinks.q.kinds names "contacts", and with these options the sink can send queue_interval, agent_queue_interval, agent_interval, contact, agent_state, worker: did you mean "contact"?`)
	f(logServer+"    delay: -5m\n    batch: -1\n    concurrency: -3\n    attempts: 0\n",
		`p.yaml:16: sinks.wfm.delay is -5m0s, and a row is sent after its interval's end: 0s or longer, did you mean 5m0s?`,
		`p.yaml:17: sinks.wfm.batch is -1, not 0 or more, where 0 is as many as the destination takes: did you mean 1?`,
		`p.yaml:18: sinks.wfm.concurrency is -3, not 0 or more, where 0 is as many as the destination takes: did you mean 3?`,
		`p.yaml:19: sinks.wfm.attempts is 0, not 1 or more: did you mean 1?`)
	const historical = "  api:\n    type: calabrio\n    historical:\n      url: https://wfm.acme.test\n      tenant_key: t\n      data_source_key: d\n      queue: {path: q}\n"
	f(historical)
	f(historical+"      interval: 30m\n", `p.yaml:20: sinks.api.historical.interval is 30m0s, and the pipeline's interval is 15m0s: set one of them as the other is`)
}

// Every sink that delivers refuses a kind of record that there is not, as its example would have it.
func TestEverySinkChecksItsKinds(t *testing.T) {
	for _, reg := range Sinks {
		if reg.Deliver == nil {
			continue
		}
		options := reg.New()
		s := Sink{Name: reg.Type, Registration: reg, Options: options}
		o := s.Common()
		if o == nil {
			t.Errorf("%s has no common options", reg.Type)
			continue
		}
		o.Kinds, o.Delay, o.Attempts = []string{"wurst"}, -1, 8
		var said []string
		s.check(0, func(path, message string) { said = append(said, fmt.Sprint(path, " ", message)) })
		if len(s.Registration.Offered(options)) > 0 && len(said) != 2 || !strings.HasPrefix(said[len(said)-1], "delay") {
			t.Errorf("%s: %q", reg.Type, said)
		}
		if len(o.Kinds) != 1 {
			t.Errorf("%s: its kinds are %q", reg.Type, o.Kinds)
		}
	}
}
