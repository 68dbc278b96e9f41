package http

import (
	"fmt"
	"io"
	nethttp "net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.yaml.in/yaml/v3"

	"github.com/quarterhour/quarterhour/ingest"
	"github.com/quarterhour/quarterhour/ingest/sourcetest"
	"github.com/quarterhour/quarterhour/internal/spec"
)

// stream is the text of a stream of contacts with more options.
func calls(options string) string {
	text := "streams:\n  calls:\n    as: contact\n    every: 15m\n    back: 1h\n    fields: {interaction_id: id, queue_id: q, offered_at: time(at)}\n"
	for _, line := range strings.Split(options, "\n") {
		text += "    " + line + "\n"
	}
	return text
}

func says(contentType, text string) nethttp.HandlerFunc {
	return func(w nethttp.ResponseWriter, _ *nethttp.Request) {
		w.Header().Set("Content-Type", contentType)
		io.WriteString(w, text)
	}
}

func TestFormats(t *testing.T) {
	want := []string{"1 x 09:00:00", "2  -"}
	for _, c := range []struct{ name, options, contentType, body string }{
		{"list", "", "application/json", `[{"id":"1","q":"x","at":"2026-03-02T09:00:00Z"},{"id":2}]`},
		{"at a path", "records: data.items", "application/json", `{"data":{"items":[{"id":"1","q":"x","at":"2026-03-02T09:00:00Z"},{"id":2}]}}`},
		{"JSON Lines", "", "application/x-jsonlines", "{\"id\":\"1\",\"q\":\"x\",\"at\":\"2026-03-02T09:00:00Z\"}\n{\"id\":2}\n"},
		{"CSV", "", "text/csv; charset=utf-8", "id,q,at\n1,x,2026-03-02T09:00:00Z\n2,,\n"},
		{"CSV with a mark", "", "text/csv", "\xef\xbb\xbfid;q;at\r\n1;x;2026-03-02T09:00:00Z\r\n2;;\r\n"},
		{"CSV, not said", "", "", "id,q,at\n1,x,2026-03-02T09:00:00Z\n2,,\n"},
		{"CSV without header", "header: false\ncolumns: [id, q, at]\nformat: csv", "text/plain", "1,x,2026-03-02T09:00:00Z\n2,,\n"},
		{"TSV", "", "text/tab-separated-values", "id\tq\tat\n1\tx\t2026-03-02T09:00:00Z\n2\t\t\n"},
		{"XML", "records: Calls.List.Call", "application/xml", `<?xml version="1.0"?><c:Calls xmlns:c="urn:c"><List><Call><id>1</id><q> x </q><at>2026-03-02T09:00:00Z</at></Call><Call><id>2</id><q/></Call></List></c:Calls>`},
	} {
		t.Run(c.name, func(t *testing.T) {
			if strings.Contains(c.body, ";") {
				c.options = "delimiter: ;\nformat: csv"
			}
			if c.name == "XML" || strings.Contains(c.body, "\"id\":2") {
				c.options += "\nlet: {}"
			}
			a, l := serve(t, says(c.contentType, c.body)), &log{}
			options := calls(c.options)
			if strings.Contains(c.body, "\"id\":2") { // a number
				options = strings.Replace(options, "interaction_id: id", "interaction_id: string(id)", 1)
			}
			if err := drain(t, a, l, options); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, l.facts); diff != "" || len(l.dead) > 0 {
				t.Errorf("%s; dead letters %v", diff, l.dead)
			}
		})
	}
}

func TestRequests(t *testing.T) {
	a := serve(t, says("application/json", `[]`))
	for _, c := range []struct{ options, want string }{
		{`path: "calls/{from:unix}?to={to}&x=1"`, "/v1/calls/1772449200?to=2026-03-02T12%3A00%3A00Z&x=1"},
		{`query: {a: "{from:2006-01-02 15:04}", b: "{to:%d.%m.%Y %H:%M}", c: "{now:unix_ms}"}`, "/v1?a=2026-03-02+11%3A00&b=02.03.2026+12%3A00&c=1772452800000"},
		{"time_format: unix\ntime_timezone: Europe/Berlin\npath: calls\nquery: {from: '{from}', local: '{from:15:04}'}", "/v1/calls?from=1772449200&local=12%3A00"},
		{"method: POST\npath: report\nbody: '{\"from\":\"{from}\",\"x\":{\"y\":1}}'", `/v1/report {"from":"2026-03-02T11:00:00Z","x":{"y":1}}`},
		{"method: POST\ncontent_type: application/x-www-form-urlencoded\nbody: 'from={from}&a=b'", `/v1 from=2026-03-02T11%3A00%3A00Z&a=b`},
		{"path: users", "/v1/users"},
	} {
		l := &log{}
		if err := drain(t, a, l, calls(c.options)); err != nil {
			t.Fatal(err)
		}
		if got := a.asked[len(a.asked)-1]; got != c.want {
			t.Errorf("%s:\n got %s\nwant %s", c.options, got, c.want)
		}
	}
}

// Ten records, of which each way of paging finds each once.
func TestPaging(t *testing.T) {
	var want []string
	for i := range 10 {
		want = append(want, fmt.Sprintf("%d q 10:%02d:00", i, i))
	}
	item := func(i int) string { return fmt.Sprintf(`{"id":"%d","q":"q","at":"2026-03-02T10:%02d:00Z"}`, i, i) }
	page := func(from, size int) string {
		var list []string
		for i := from; i < min(from+size, 10); i++ {
			list = append(list, item(i))
		}
		return "[" + strings.Join(list, ",") + "]"
	}
	number := func(r *nethttp.Request, name string) int { n, _ := strconv.Atoi(r.URL.Query().Get(name)); return n }
	for _, c := range []struct {
		name, options string
		handler       nethttp.HandlerFunc
		asked         int
	}{
		{"page", "paging: {by: page, parameter: page, size: 4, size_parameter: n}", func(w nethttp.ResponseWriter, r *nethttp.Request) {
			io.WriteString(w, page((number(r, "page")-1)*number(r, "n"), number(r, "n")))
		}, 3},
		{"page from 0, until an empty one", "path: '{page}'\npaging: {by: page, first: 0}", func(w nethttp.ResponseWriter, r *nethttp.Request) {
			n, _ := strconv.Atoi(strings.TrimPrefix(r.URL.Path, "/v1/"))
			io.WriteString(w, page(n*5, 5))
		}, 3},
		{"offset", "paging: {by: offset, parameter: skip, size: 5}", func(w nethttp.ResponseWriter, r *nethttp.Request) {
			io.WriteString(w, page(number(r, "skip"), 5))
		}, 3},
		{"page, while there are more", "records: items\npaging: {by: page, parameter: page, more: meta.more}", func(w nethttp.ResponseWriter, r *nethttp.Request) {
			fmt.Fprintf(w, `{"meta":{"more":%v},"items":%s}`, number(r, "page") < 3, page((number(r, "page")-1)*4, 4))
		}, 3},
		{"cursor", "records: items\npaging: {by: cursor, parameter: after, cursor: meta.next}", func(w nethttp.ResponseWriter, r *nethttp.Request) {
			from := number(r, "after")
			next := "null"
			if from < 6 {
				next = strconv.Quote(strconv.Itoa(from + 3))
			}
			fmt.Fprintf(w, `{"items":%s,"meta":{"next":%s}}`, page(from, min(3+from/6, 4)), next)
		}, 3},
		{"cursor in a body and a header", "method: POST\nbody: '{\"cursor\":\"{cursor}\"}'\npaging: {by: cursor, cursor_header: X-Next}", nil, 2},
		{"link", "paging: {by: link}", func(w nethttp.ResponseWriter, r *nethttp.Request) {
			from := number(r, "from")
			w.Header().Add("Link", `</v1/first>; rel="first", <https://x.test/a,b>; title="a, b"; rel=prev`)
			if from < 8 {
				w.Header().Add("Link", fmt.Sprintf(`<?from=%d>; REL="last Next"`, from+4))
			}
			io.WriteString(w, page(from, 4))
		}, 3},
		{"next", "records: items\npaging: {by: next, next: links.next}", func(w nethttp.ResponseWriter, r *nethttp.Request) {
			from, next := number(r, "from"), "null"
			if from < 5 {
				next = fmt.Sprintf("\"http://%s/v1/more?from=%d\"", r.Host, from+5)
			}
			fmt.Fprintf(w, `{"links":{"next":%s},"items":%s}`, next, page(from, 5))
		}, 2},
	} {
		t.Run(c.name, func(t *testing.T) {
			calledWith := 0
			if c.handler == nil {
				c.handler = func(w nethttp.ResponseWriter, r *nethttp.Request) {
					if calledWith++; calledWith == 1 {
						w.Header().Set("X-Next", `to"5`)
					}
					io.WriteString(w, page((calledWith-1)*5, 5))
				}
			}
			a, l := serve(t, func(w nethttp.ResponseWriter, r *nethttp.Request) {
				w.Header().Set("Content-Type", "application/json")
				c.handler(w, r)
			}), &log{}
			if err := drain(t, a, l, calls(c.options)); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, l.facts); diff != "" {
				t.Error(diff)
			}
			if len(a.asked) != c.asked {
				t.Errorf("asked %q", a.asked)
			}
			if calledWith > 0 && a.asked[1] != `/v1 {"cursor":"to\"5"}` {
				t.Errorf("asked %q", a.asked)
			}
		})
	}
}

func TestFailures(t *testing.T) {
	for _, c := range []struct {
		name, options, body, says string
	}{
		{"an error of status 200", "records: items\nerror_path: errors", `{"errors":[{"detail":"no such report","token":"abcdefgh"}]}`, `says that it is an error: [{"detail":"no such report","token":"***"}]`},
		{"an error in place of a list", "error_path: error", `{"error":"expired"}`, `says that it is an error: expired`},
		{"another answer", "records: items", `{"message":"sorry"}`, `nothing at "items": check records`},
		{"other XML", "format: xml\nrecords: r.calls.c", `<r><sorry/></r>`, `nothing at "r.calls.c": check records`},
		{"nothing at all", "records: items", "", "the answer is empty"},
		{"not even a header", "format: csv", "", "the answer is empty"},
		{"broken", "", `[{"id":"1"},{"id"`, "ends too early"},
		{"cursor that stays", "records: items\npaging: {by: cursor, parameter: c, cursor: next}", `{"items":[],"next":"n"}`, "names the page that it is as the next one"},
		{"next page elsewhere", "records: items\npaging: {by: next, next: next}", `{"items":[],"next":"https://evil.test/x"}`, "not at the host"},
		{"pages without end", "records: items\npaging: {by: page, parameter: c, more: more, max_pages: 3}", `{"items":[],"more":true}`, "more than 3 pages"},
	} {
		t.Run(c.name, func(t *testing.T) {
			a, l := serve(t, says("application/json", c.body)), &log{}
			err := drain(t, a, l, calls(c.options))
			if err == nil || !strings.Contains(err.Error(), c.says) {
				t.Errorf("error %v", err)
			}
			if len(l.marks)+len(l.dead) > 0 {
				t.Errorf("marks %v although reading failed", l.marks)
			}
		})
	}
}

func TestNothingThere(t *testing.T) {
	for _, c := range []struct {
		options string
		handler nethttp.HandlerFunc
	}{
		{"empty_on: [404]", func(w nethttp.ResponseWriter, _ *nethttp.Request) { w.WriteHeader(404) }},
		{"", func(w nethttp.ResponseWriter, _ *nethttp.Request) { w.WriteHeader(204) }},
		{"records: items", says("application/json", `{"items":null}`)},
		{"records: items\nrecords_optional: true", says("application/json", `{}`)},
		{"format: csv", says("text/csv", "id,q,at\n")},
		{"format: csv\nrecords_optional: true", says("text/csv", "")},
		{"records: r.calls.c", says("text/xml", "<r><calls/></r>")},
		{"", says("application/json", "[]")},
	} {
		a, l := serve(t, c.handler), &log{}
		if err := drain(t, a, l, calls("path: '?a={from}'\n"+c.options)); err != nil || len(l.facts)+len(l.dead) > 0 {
			t.Errorf("%s: %v; %v, %v", c.options, err, l.facts, l.dead)
		}
		if diff := cmp.Diff([]string{"contact 11:50:00"}, l.marks); diff != "" { // lag before noon
			t.Errorf("%s: %s", c.options, diff)
		}
	}
}

func TestDeadLetters(t *testing.T) {
	a, l := serve(t, says("application/json", `[{"id":"1","at":"soon"},{"q":"x"},"text",{"id":"2","q":"x"}]`)), &log{}
	if err := drain(t, a, l, calls("path: '{from}'\npaging: {by: page, parameter: p, size: 9}")); err != nil {
		t.Fatal(err)
	}
	place := "stream calls from 2026-03-02T11:00:00Z to 2026-03-02T12:00:00Z, page 1, record "
	if diff := cmp.Diff([]string{place + "1: expression", place + "2: no_identity", place + "3: json"}, l.dead); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{`{"id":"1","at":"soon"}`, `{"q":"x"}`, `"text"`}, l.payloads); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"2 x -"}, l.facts); diff != "" {
		t.Error(diff)
	}
}

// A page that is cut off is asked for again, and counts once.
func TestCutOff(t *testing.T) {
	n := 0
	a, l := serve(t, func(w nethttp.ResponseWriter, _ *nethttp.Request) {
		body := `[{"id":"1","q":"x"},{"id":"2","q":"x"}]`
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Content-Length", strconv.Itoa(len(body)))
		if n++; n == 1 {
			io.WriteString(w, body[:25])
			w.(nethttp.Flusher).Flush()
			panic(nethttp.ErrAbortHandler)
		}
		io.WriteString(w, body)
	}), &log{}
	if err := drain(t, a, l, calls("path: calls")); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"1 x -", "2 x -"}, l.facts); diff != "" || len(a.asked) != 2 {
		t.Errorf("%s; asked %v", diff, a.asked)
	}
}

// An answer that the API cuts short is asked for in halves.
func TestCutAt(t *testing.T) {
	a, l := serve(t, func(w nethttp.ResponseWriter, r *nethttp.Request) {
		from, _ := time.Parse(time.RFC3339, r.URL.Query().Get("from"))
		to, _ := time.Parse(time.RFC3339, r.URL.Query().Get("to"))
		w.Header().Set("Content-Type", "text/csv")
		io.WriteString(w, "id,q,at\n")
		n := 0
		for at := from.Truncate(time.Minute); at.Before(to) && n < 20; at = at.Add(time.Minute) {
			if !at.Before(from) {
				fmt.Fprintf(w, "%s,q,%s\n", at.Format("1504"), at.Format(time.RFC3339))
				n++
			}
		}
	}), &log{}
	if err := drain(t, a, l, calls("query: {from: '{from}', to: '{to}'}\ncut_at: 20")); err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	for _, f := range l.facts {
		seen[f] = true
	}
	if len(seen) != 60 || len(l.facts) != 60 || len(l.dead) > 0 {
		t.Errorf("%d facts, %d different, dead letters %v", len(l.facts), len(seen), l.dead)
	}
}

func TestWorkersAndReplaces(t *testing.T) {
	body := `[{"id":"7","mail":"Dana@Example.TEST"},{"id":"8","mail":"o@example.test"}]`
	a, l := serve(t, func(w nethttp.ResponseWriter, r *nethttp.Request) { says("application/json", body)(w, r) }), &log{}
	options := "streams: {users: {path: users, every: 24h, as: worker, fields: {worker_id: id, email: mail}}}"
	if err := drain(t, a, l, options); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"7 dana@example.test true", "8 o@example.test true"}, l.facts); diff != "" || len(l.marks) > 0 {
		t.Errorf("%s; marks %v", diff, l.marks)
	}
	if facts := parse(t, "url: https://x.test\n"+options).facts(); len(facts) > 0 {
		t.Errorf("facts %v", facts)
	}
}

// What an answer no longer holds is withdrawn where it is said to hold all, and is not where it cannot be read.
func TestReplaces(t *testing.T) {
	const id = `{"id":"%s","q":"x","at":"2026-03-02T11:30:00Z"}`
	body := ""
	a, l := serve(t, func(w nethttp.ResponseWriter, r *nethttp.Request) { says("application/json", body)(w, r) }), sourcetest.NewLog(&dozer{now: noon})
	d := deps(&dozer{now: noon})
	d.Recall = l.Recall
	f := func(text string, want ...string) {
		t.Helper()
		body = text
		s, err := open(parse(t, "url: "+a.url+"/v1\n"+calls("path: calls\nreplaces: true\nlag: 0s")), d)
		if err == nil {
			err = s.Run(t.Context(), nil, l)
		}
		var got []string
		for _, row := range l.Table() {
			identity, _, _ := strings.Cut(row, ": ")
			got = append(got, strings.Trim(strings.TrimPrefix(identity, "contact"), "|"))
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: %s (%v)", text, diff, err)
		}
	}
	one, two := fmt.Sprintf(id, "1"), fmt.Sprintf(id, "2")
	f("["+one+","+two+"]", "1", "2")
	f("", "1", "2")
	f(`[{"id":"1","q":"x","at":"soon"}]`, "1", "2")
	f("["+two+"]", "2")
}

// Keys may travel under any name: an answer that repeats what it was sent shows none of it.
func TestKeysOfAnyName(t *testing.T) {
	a := serve(t, func(w nethttp.ResponseWriter, r *nethttp.Request) {
		w.WriteHeader(400)
		body, _ := io.ReadAll(r.Body)
		fmt.Fprintf(w, "bad: %s %s %s %s", r.URL.RawQuery, r.Header.Get("X-Weird"), r.Header.Get("X-Other"), body)
	})
	err := drain(t, a, &log{}, "headers: {X-Weird: TOP-hidden1}\n"+calls("path: calls\nmethod: POST\nquery: {weird: TOP-hidden2, from: '{from}'}\nheaders: {X-Other: TOP-hidden3}\nbody: '{\"weird\":\"TOP-hidden4\"}'"))
	if err == nil || strings.Contains(err.Error(), "TOP-") || !strings.Contains(err.Error(), "2026-03-02T11") {
		t.Errorf("error %v", err)
	}
}

func TestTokenAndRefusal(t *testing.T) {
	tokens, refuse := 0, false
	a := serve(t, tokenAPI(&tokens, &refuse))
	l := &log{}
	options := "auth: {type: oauth2, token_url: " + a.url + "/token, client_id: me, client_secret: s3cret-value, token_path: data.accessToken, expires_path: data.expiresIn}\n" + calls("path: calls")
	o := parse(t, "url: "+a.url+"\n"+options)
	d := deps(&dozer{now: noon})
	run := func() error {
		s, err := open(o, d)
		if err != nil {
			t.Fatal(err)
		}
		return s.Run(t.Context(), nil, l)
	}
	if err := run(); err != nil || len(l.facts) != 1 || tokens != 2 {
		t.Fatalf("%v, facts %v, %d tokens", err, l.facts, tokens)
	}
	refuse = true
	if err := run(); err == nil || strings.Contains(err.Error(), "s3cret") || !strings.Contains(err.Error(), "not accepted") {
		t.Errorf("error %v", err)
	}
	asked := len(a.asked)
	if err := run(); err == nil || !strings.Contains(err.Error(), "no more calls") || len(a.asked) > asked+1 {
		t.Errorf("error %v, %d requests more", err, len(a.asked)-asked)
	}
}

// tokenAPI is an API whose first token expires at once.
func tokenAPI(tokens *int, refuse *bool) nethttp.HandlerFunc {
	return func(w nethttp.ResponseWriter, r *nethttp.Request) {
		w.Header().Set("Content-Type", "application/json")
		switch {
		case r.URL.Path == "/token":
			*tokens++
			fmt.Fprintf(w, `{"data":{"accessToken":"token-%d","expiresIn":3600}}`, *tokens)
		case *refuse || r.Header.Get("Authorization") != "Bearer token-2":
			w.WriteHeader(401)
		default:
			io.WriteString(w, `[{"id":"1"}]`)
		}
	}
}

func TestValidate(t *testing.T) {
	base := "url: https://api.test\n"
	for _, c := range []struct{ text, says string }{
		{base + calls("path: x"), ""},
		{"url: api.test\n" + calls("path: x"), "not a URL such as"},
		{base + "auth: {type: basic, username: u}\n" + calls(""), "auth.password is needed by type basic"},
		{base + calls("path: '{form}'"), "has the placeholder {form}: known are"},
		{base + calls("cron: '* * * * *'"), "one of them says when to read"},
		{base + calls("paging: {by: page}"), "streams.calls.paging.parameter is needed by paging by page"},
		{base + calls("paging: {by: cursor, parameter: c}"), "streams.calls.paging.cursor is needed"},
		{base + calls("cut_at: 5"), "needs a window that can be halved"},
		{base + calls("format: xml"), "records is needed for XML"},
		{base + calls("empty_on: [4o4]"), "which is no status"},
		{base + calls("start: soon"), "not a time such as"},
		{base + calls("where: 'a =='"), "streams.calls.where: expression"},
		{base + "limits: [{count: 0, per: 1m}]\n" + calls(""), "needs a count of at least 1"},
		{base + "streams: {}", "has no stream"},
		{base + "tls: {cert: x}\n" + calls(""), "tls.cert needs its key"},
	} {
		_, err := problems(c.text)
		if (err == nil) != (c.says == "") || err != nil && !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v, want %q", c.text, err, c.says)
		}
	}
}

func TestCheck(t *testing.T) {
	for _, c := range []struct {
		name    string
		handler nethttp.HandlerFunc
		want    string
	}{
		{"fine", says("application/json", `[{"id":"1","q":"x","at":"2026-03-02T09:00:00Z"}]`), "stream calls: ok 1 records looked at"},
		{"fields", says("application/json", `[{"nr":"1"}]`), "stream calls: failed none of 1 records can be used: stream calls, record 1: no_identity"},
		{"credentials", func(w nethttp.ResponseWriter, _ *nethttp.Request) { w.WriteHeader(401) }, "credentials: failed GET"},
		{"rights", func(w nethttp.ResponseWriter, _ *nethttp.Request) { w.WriteHeader(403) }, "stream calls: failed GET"},
		{"nothing", says("application/json", `[]`), "stream calls: warning the answer has no records"},
		{"clock", func(w nethttp.ResponseWriter, r *nethttp.Request) {
			w.Header().Set("Date", noon.Add(-time.Minute).Format(nethttp.TimeFormat))
			says("application/json", `[]`)(w, r)
		}, "clock: warning ours is 1m0s"},
		{"quota", says("application/json", `[]`), "quota of 1h0m0s: ok 1 of 100 requests are spent"},
	} {
		t.Run(c.name, func(t *testing.T) {
			a := serve(t, c.handler)
			var got []string
			o := parse(t, "url: "+a.url+"\nattempts: 1\nlimits: [{count: 100, per: 1h}]\n"+calls(""))
			err := check(t.Context(), o, deps(&dozer{now: noon}), func(f ingest.Finding) {
				got = append(got, fmt.Sprintf("%s: %s %s", f.What, f.Outcome, f.Detail))
			})
			all := strings.Join(got, "\n")
			if err != nil || !strings.Contains(all, c.want) || strings.Count(all, "credentials: failed") > 1 {
				t.Errorf("%v, findings:\n%s", err, strings.Join(got, "\n"))
			}
		})
	}
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
	acd := byName["cloud-acd"]
	o := new(Options)
	if err := spec.Err(spec.Decode(&acd, o, spec.Source{File: "sample.yaml", Env: spec.Environment{"ACD_SECRET": "s"}, Also: []string{"type"}})); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"contact"}, o.facts()); diff != "" {
		t.Error(diff)
	}
}
