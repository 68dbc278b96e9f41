package iservice

import (
	"slices"
	"strings"
	"testing"
)

func TestOptions(t *testing.T) {
	f := func(text string, want ...string) {
		t.Helper()
		_, got := options(t, "url: https://example.iservicecrm.com\nusername: u\npassword: p\n"+text)
		if len(want) == 0 && got != "" || len(want) > 0 && strings.Count(got, "\n")+1 != len(want) {
			t.Errorf("%s\n%s", text, got)
		}
		for _, w := range want {
			if !strings.Contains(got, w) {
				t.Errorf("%s\n%s\nwant %s", text, got, w)
			}
		}
	}
	f("streams: {agents: {}}")
	f("streams: {topics: {}, agents: {}, logins: {}, interactions: {}}")
	f("streams: {agents: {}, statistics: {}}")
	f("streams: {topics: {}}", "names nothing that gives facts")
	f("streams: {}", "names nothing that gives facts")
	f("streams: {agents: {evry: 1h}}", `did you mean "every"?`)
	f("streams: {agents: {every: 10ms}}", "p.yaml:4: ingest.mail.streams.agents.every must be at least 1s")
	f("url: example.com\nstreams: {agents: {}}", "is written twice")
	f("channel: E-Mail\nstreams: {agents: {}}", "name it in lower case")
	f("paging: {per_page: 0}\nrate: 0\ntimeout: 0s\nkeep_raw: -1s\nlogin: {session: 1s, expired: '('}\nstreams: {agents: {}}",
		"per_page must be between", "rate must be", "timeout must be", "keep_raw cannot be negative", "login.session must be", "not a regular expression")
	f("streams: {interactions: {overlap: -1s, longest: 1s, back: 0s, fields: {id: ''}}}", "overlap cannot be", "longest must be at least", "fields.id has no value")
	f("streams: {statistics: {kinds: [queues], step: 7m, lag: -1s, back: 1h, longest: 1m}}", `names "queues"`, "step is 7m0s", "lag cannot be", "less than overlap", "longest cannot be")
	// What facts and statistics both say would be counted twice.
	f("streams: {interactions: {}, statistics: {}}", "has the same contacts as streams.interactions", "has the same e-mails and notes")
	f("streams: {logins: {}, statistics: {}}", "has the same logins as streams.logins")
	f("streams: {interactions: {}, statistics: {kinds: [agent], agents: {direct_out: ''}}}")
	f("streams: {interactions: {}, statistics: {kinds: [agent]}}", "has the same e-mails and notes")
	f("streams: {logins: {}, statistics: {kinds: [queue, agent_queue]}}")
}

func TestFactsFollowTheStreams(t *testing.T) {
	f := func(streams string, want ...string) {
		t.Helper()
		o, problems := options(t, "url: https://example.iservicecrm.com\nusername: u\npassword: p\nstreams: "+streams)
		if problems != "" {
			t.Fatal(problems)
		}
		if got := Registration.Facts(o); !slices.Equal(got, want) {
			t.Errorf("%s: %q", streams, got)
		}
	}
	f("{agents: {}}")
	f("{agents: {}, statistics: {}}", "interval")
	f("{logins: {}, interactions: {}}", "contact", "agent_state")
}
