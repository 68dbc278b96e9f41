package pipkins

import (
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"github.com/quarterhour/quarterhour/internal/spec"
)

func TestValidate(t *testing.T) {
	f := func(text, want string) {
		t.Helper()
		_, err := parse(text)
		if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("%q:\n got %v\nwant %s", text, err, want)
		}
	}
	const good = "folder: /in\n"
	const sftp = "state: /s\nsftp: {address: h, username: u, "
	const https = "state: /s\nhttps: {url: 'https://h/in', "
	f(good, "")
	f("state: /s", "one of folder, sftp and https")
	f(good+"https: {url: 'https://h'}", "one of folder, sftp and https")
	f(sftp+"password: p, fingerprint: 'SHA256:x'}", "")
	f(strings.TrimPrefix(sftp, "state: /s\n")+"password: p, fingerprint: 'SHA256:x'}", "state is needed")
	f(sftp+"fingerprint: 'SHA256:x'}", "p.yaml:2: sinks.pipkins.sftp.password is missing")
	f(sftp+"password: p}", "an unknown one could be anybody's")
	f(sftp+"password: p, fingerprint: 'SHA256:x', known_hosts: /k}", "one of known_hosts and fingerprint")
	f(sftp+"password: p, fingerprint: 'MD5:x'}", "begins with SHA256:")
	f(sftp+"password: p, fingerprint: 'SHA256:x', temporary: part}", "sftp.temporary is \"part\"")
	f(https+"}", "")
	f(https+"path: upload}", "sinks.pipkins.https.path has no {name}")
	f(https+"path: upload, body: multipart, auth: {type: bearer}}", "auth.token is needed by type bearer")
	f("state: /s\nhttps: {url: host}", "https.url is not a URL")
	f(good+"name: 'a/{set}{date}{time}'", "name is \"a/")
	f(good+"name: '{date}{time}'", "name has no {set}")
	f(good+"name: '{date}{time}'\nkinds: [queue_interval]", "")
	f(good+"name: '{set}{date}'", "name has no {date} and {time}")
	f(good+"name: '{set}{date}'\nfiles: day", "")
	f(good+"name: '{set}{day}{time}'", "name names {day}")
	f(good+"name_date: '2006'", "name_date is \"2006\", which does not tell days apart")
	f(good+"name_time: '15'", "name_time is \"15\", which does not tell intervals apart")
	f(good+"delimiter: \"\\n\"", "delimiter is")
	f(good+"decimals: 12", "decimals is 12")
	f(good+"layouts: {intervalStartDateTim: 15:04}", "did you mean \"intervalStartDateTime\"?")
	f(good+"sets: {queue: {columns: {a: offred}}}", "did you mean \"offered\"?")
	f(good+"sets: {agent: {where: login_ms}}", "where is a duration, and true or false is needed")
	f(good+"times: abc", "sinks.pipkins.times is \"abc\"")
}

// The example of the reference pages is a valid one.
func TestSample(t *testing.T) {
	node, list := spec.Document("sample.yaml", []byte(sample))
	if err := spec.Err(list); err != nil {
		t.Fatal(err)
	}
	var byName map[string]yaml.Node
	if err := node.Decode(&byName); err != nil {
		t.Fatal(err)
	}
	for name, n := range byName {
		source := spec.Source{File: "sample.yaml", Path: "sinks." + name, Also: []string{"type"}, Env: spec.Environment{"PIPKINS_PASSWORD": "x"}}
		if err := spec.Err(spec.Decode(&n, new(Config), source)); err != nil {
			t.Error(err)
		}
	}
}
