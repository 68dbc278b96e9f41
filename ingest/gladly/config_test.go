package gladly

import (
	"strings"
	"testing"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/quarterhour/quarterhour/internal/spec"
)

// options decodes options as a pipeline file would have them, from line 1 of p.yaml.
func options(t testing.TB, text string) (*Options, string) {
	t.Helper()
	o := new(Options)
	node, list := spec.Document("p.yaml", []byte(text))
	if len(list) == 0 {
		list = spec.Decode(node, o, spec.Source{File: "p.yaml", Path: "ingest.gladly", Also: []string{"type"}})
	}
	if err := spec.Err(list); err != nil {
		return o, err.Error()
	}
	return o, ""
}

func TestValidate(t *testing.T) {
	base := "organization: acme\nemail: a@b.example\napi_token: t\n"
	f := func(text, want string) {
		t.Helper()
		if _, got := options(t, text); got != want && (want == "" || !strings.Contains(got, want)) {
			t.Errorf("%q:\n got %s\nwant %s", text, got, want)
		}
	}
	f(base, "")
	f("email: a@b.example\napi_token: t", "organization is needed, or url in its place")
	f(base+"url: https://acme.gladly.qa", "organization is needed, or url in its place, and not both")
	f("url: https://acme.gladly.qa/\nemail: a@b.example\napi_token: t", "")
	f("url: acme.gladly.qa\nemail: a@b.example\napi_token: t", `p.yaml:1: ingest.gladly.url is "acme.gladly.qa", not an address`)
	f("organization: acme.gladly.com\nemail: a@b.example\napi_token: t", `only the part before .gladly.com`)
	f("organization: acme\nemail: dana\napi_token: t", `p.yaml:2: ingest.gladly.email is "dana", not an e-mail address`)
	f("organization: acme\nemail: a@b.example", `required option "api_token" is missing`)
	f(base+"streams: {statuses: {every: 1s}}", `streams.statuses.every is 1s: at least 10s`)
	f(base+"streams: {statuses: {every: 0s}}", "")
	f(base+"streams: {statuses: {overlap: 5s}}", `streams.statuses.overlap is 5s: from 30s`)
	f(base+"streams: {statuses: {lateness: 5s}}", `streams.statuses.lateness is 5s: from the lag`)
	f(base+"streams: {statuses: {start: yesterday}}", `streams.statuses.start is "yesterday", not a date`)
	f(base+"streams: {work_sessions: {window: 1h}}", `streams.work_sessions.window is 1h0m0s: from 2h`)
	f(base+"states: {reasons: {Lunch: lunch}}", `states.reasons.Lunch is "lunch", not one of available`)
	f(base+"budget: {per_second: 0}", `budget.per_second is 0: at least 1`)
	f(base+"webhook: {url: 'https://a.example/x'}", `webhook.username is needed, and password, or else header and value`)
	f(base+"webhook: {url: 'http://a.example/x', username: u, password: p}", `Gladly delivers to https only`)
	f(base+"webhook: {url: 'https://a.example/x', username: u}", `webhook.username is needed with password`)
	f(base+"webhook: {url: 'https://a.example/x', username: u, password: p, answer_within: 20s}", `from 1s to 14s`)
	f(base+"webhook: {url: 'https://a.example/x', username: u, password: p}\nstreams: {conversations: {every: 0s}}", `webhook.url is set and streams.conversations.every is 0`)
	f(base+"webhook: {url: 'https://a.example/x', username: u, password: p}", "")
}

// The example of the reference pages is a valid one.
func TestSample(t *testing.T) {
	t.Setenv("GLADLY_TOKEN", "t")
	node, list := spec.Document("sample.yaml", []byte(strings.NewReplacer("${GLADLY_TOKEN}", "t", "${GLADLY_WEBHOOK_PASSWORD}", "p").Replace(sample)))
	if err := spec.Err(list); err != nil {
		t.Fatal(err)
	}
	var byName map[string]yaml.Node
	if err := node.Decode(&byName); err != nil {
		t.Fatal(err)
	}
	inner := byName["gladly"]
	o := new(Options)
	if err := spec.Err(spec.Decode(&inner, o, spec.Source{File: "sample.yaml", Also: []string{"type"}})); err != nil {
		t.Fatal(err)
	}
	if o.base() != "https://acme.gladly.com/api/v1" || !o.Webhook.on() || o.Streams.Contacts.Every != 5*time.Minute || len(o.facts()) != 2 {
		t.Errorf("%+v", o)
	}
}
