package gladly

import (
	"cmp"
	"fmt"
	"net/url"
	"time"

	"github.com/quarterhour/quarterhour/ingest/webhook/receive"
)

// Webhook is how the vendor tells contacts as they happen. Gladly signs nothing: who knows the secrets is believed.
type Webhook struct {
	URL          string        `cfg:"url" help:"public https address that Gladly delivers to; no webhook if left out"`
	Listen       string        `cfg:"listen" default:":8443" help:"address to listen at, behind whatever answers at url; sources may share one"`
	Path         string        `cfg:"path" help:"that is listened at, where whatever answers at url changes it; the path of url if left out"`
	TLS          receive.TLS   `cfg:"tls" help:"certificate of the listener; without one it speaks plain HTTP, for use behind a proxy"`
	Name         string        `cfg:"name" default:"quarterhour" help:"of the webhook in Gladly: pipelines that read one organisation need different ones"`
	Username     string        `cfg:"username" help:"that Gladly shows with each delivery"`
	Password     string        `cfg:"password,secret" help:"that Gladly shows with each delivery"`
	Header       string        `cfg:"header" help:"name of a header that Gladly sends, besides or in place of username and password"`
	Value        string        `cfg:"value,secret" help:"of the header"`
	AnswerWithin time.Duration `cfg:"answer_within" default:"12s" help:"time after which a delivery is refused, so that Gladly sends it again: it waits 15s"`
	Watch        time.Duration `cfg:"watch" default:"5m" help:"time between two looks whether the webhook is still enabled: Gladly disables it after four failures"`
	AnyScheme    bool          `cfg:"allow_http" default:"false" help:"take a url without https, for tests on one machine"`
}

// on says whether there is one.
func (w *Webhook) on() bool { return w.URL != "" }

func (w *Webhook) validate(problem func(path, message string)) {
	if !w.on() {
		return
	}
	u, err := url.Parse(w.URL)
	switch {
	case err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http":
		problem("webhook.url", fmt.Sprintf("is %q, not an address such as https://wfm.acme.example/gladly", w.URL))
		return
	case u.Scheme == "http" && !w.AnyScheme:
		problem("webhook.url", fmt.Sprintf("is %q: Gladly delivers to https only", w.URL))
	case u.User != nil:
		problem("webhook.url", "holds a password: give username and password as options, where they are kept secret")
	}
	if w.Path != "" && w.Path[0] != '/' {
		problem("webhook.path", fmt.Sprintf("is %q: it begins with a slash", w.Path))
	}
	if n := len(w.Name); n == 0 || n > 200 {
		problem("webhook.name", fmt.Sprintf("has %d characters: from 1 to 200", n))
	}
	if (w.Username == "") != (w.Password == "") {
		problem("webhook.username", "is needed with password, and the other way round")
	}
	if (w.Header == "") != (w.Value == "") {
		problem("webhook.header", "is needed with value, and the other way round")
	}
	if w.Username == "" && w.Header == "" {
		problem("webhook.username", "is needed, and password, or else header and value: Gladly signs nothing, and anybody could post")
	}
	if w.AnswerWithin < time.Second || w.AnswerWithin > 14*time.Second {
		problem("webhook.answer_within", fmt.Sprintf("is %s: from 1s to 14s, since Gladly waits 15s", w.AnswerWithin))
	}
	if w.Watch < 10*time.Second {
		problem("webhook.watch", fmt.Sprintf("is %s: at least 10s", w.Watch))
	}
}

// listener are the options of who listens.
func (w *Webhook) listener() *receive.Options {
	path := w.Path
	if u, err := url.Parse(w.URL); path == "" && err == nil {
		path = cmp.Or(u.Path, "/")
	}
	o := &receive.Options{
		Listen: w.Listen, Path: path, TLS: w.TLS, MaxBody: maxLine, Concurrent: 256, Within: w.AnswerWithin, ReadTimeout: w.AnswerWithin,
	}
	if w.Password != "" {
		o.Auth.Username, o.Auth.Passwords = w.Username, []string{w.Password}
	}
	if w.Value != "" {
		o.Auth.Header, o.Auth.Values = w.Header, []string{w.Value}
	}
	return o
}
