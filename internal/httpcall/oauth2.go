package httpcall

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/quarterhour/quarterhour/internal/clock"
)

// OAuth2 are the options of the client credentials grant (RFC 6749, 4.4), and of token endpoints that differ from it a little.
type OAuth2 struct {
	TokenURL, ClientID, ClientSecret string
	// Style says how the client shows who it is: "basic" (header), "form" (in the form), "json" (in a JSON object).
	Style     string
	Fields    map[string]string // further fields of the form or object, as scope; the names of id and secret under "client_id", "client_secret"
	IDField   string            // "client_id" if empty; a vendor may call it otherwise
	Secret    string            // field of the secret; "client_secret" if empty
	Token     string            // path of the token in the answer; "access_token" if empty
	ExpiresIn string            // path of its life in seconds; "expires_in" if empty
	Prefix    string            // before the token in the header Authorization; "Bearer " if empty
	Watch     clock.Watch       // by which tokens expire
	Client    *Client           // calls the token endpoint
}

// lifeless is how long a token is used whose life the vendor does not say.
const lifeless = 30 * time.Minute

// oauth2 fetches tokens: one at a time, and before the old one expires.
type oauth2 struct {
	o     OAuth2
	turn  chan struct{} // taken while a token is fetched
	mu    sync.Mutex
	token string
	until time.Time // from when on a new token is fetched
}

// NewOAuth2 makes an Auth that fetches its tokens.
func NewOAuth2(o OAuth2) Auth {
	or := func(value *string, otherwise string) {
		if *value == "" {
			*value = otherwise
		}
	}
	or(&o.Style, "basic")
	or(&o.IDField, "client_id")
	or(&o.Secret, "client_secret")
	or(&o.Token, "access_token")
	or(&o.ExpiresIn, "expires_in")
	or(&o.Prefix, "Bearer ")
	if o.Watch == nil {
		o.Watch = clock.Wall
	}
	return &oauth2{o: o, turn: make(chan struct{}, 1)}
}

func (a *oauth2) Sign(ctx context.Context, r *http.Request) error {
	token, err := a.current(ctx)
	if err != nil {
		return err
	}
	r.Header.Set("Authorization", a.o.Prefix+token)
	return nil
}

// Renew throws the token away.
func (a *oauth2) Renew(context.Context) (bool, error) {
	a.mu.Lock()
	a.token = ""
	a.mu.Unlock()
	return true, nil
}

// RenewAfter throws the token away if it is the one that was refused, and not already a newer one.
func (a *oauth2) RenewAfter(_ context.Context, signed *http.Request) (bool, error) {
	a.mu.Lock()
	if signed.Header.Get("Authorization") == a.o.Prefix+a.token {
		a.token = ""
	}
	a.mu.Unlock()
	return true, nil
}

func (a *oauth2) Secrets() []string {
	a.mu.Lock()
	defer a.mu.Unlock()
	return []string{a.o.ClientSecret, a.token}
}

func (a *oauth2) valid() (string, bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.token, a.token != "" && a.o.Watch.Now().Before(a.until)
}

// current is a token that is still good, fetched if need be.
func (a *oauth2) current(ctx context.Context) (string, error) {
	if token, ok := a.valid(); ok {
		return token, nil
	}
	select {
	case a.turn <- struct{}{}:
		defer func() { <-a.turn }()
	case <-ctx.Done():
		return "", ctx.Err()
	}
	if token, ok := a.valid(); ok {
		return token, nil // another call fetched it meanwhile
	}
	asked := a.o.Watch.Now()
	token, life, err := a.fetch(ctx)
	if err != nil {
		return "", err
	}
	a.mu.Lock()
	a.token, a.until = token, asked.Add(life-min(life/10, time.Minute))
	a.mu.Unlock()
	return token, nil
}

func (a *oauth2) fetch(ctx context.Context) (token string, life time.Duration, err error) {
	body, resp, err := a.o.Client.Bytes(ctx, a.request())
	if err != nil {
		return "", 0, a.explain(err)
	}
	var answer any
	if err := json.Unmarshal(body, &answer); err != nil {
		return "", 0, a.broken(resp.Status, "the token endpoint's answer is not JSON")
	}
	token, _ = at(answer, a.o.Token).(string)
	if token == "" {
		return "", 0, a.broken(resp.Status, fmt.Sprintf("the token endpoint's answer has no text at %q", a.o.Token))
	}
	life = lifeless
	switch v := at(answer, a.o.ExpiresIn).(type) {
	case float64:
		life = time.Duration(v * float64(time.Second))
	case string:
		if seconds, err := strconv.ParseFloat(v, 64); err == nil {
			life = time.Duration(seconds * float64(time.Second))
		}
	}
	return token, max(life, time.Second), nil
}

func (a *oauth2) request() *Request {
	o := &a.o
	fields := url.Values{"grant_type": {"client_credentials"}}
	for name, value := range o.Fields {
		fields.Set(name, value)
	}
	r := &Request{Method: http.MethodPost, Path: o.TokenURL, Operation: "token", Header: http.Header{"Accept": {"application/json"}}}
	if o.Style == "basic" { // both are form-encoded first (RFC 6749, 2.3.1)
		signed := &http.Request{Header: r.Header}
		signed.SetBasicAuth(url.QueryEscape(o.ClientID), url.QueryEscape(o.ClientSecret))
	} else {
		fields.Set(o.IDField, o.ClientID)
		fields.Set(o.Secret, o.ClientSecret)
	}
	if o.Style != "json" {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.Body = []byte(fields.Encode())
		return r
	}
	object := make(map[string]string)
	for name := range fields {
		object[name] = fields.Get(name)
	}
	r.Header.Set("Content-Type", "application/json")
	r.Body, _ = json.Marshal(object) // text only: it cannot fail
	return r
}

// explain turns what the endpoint says about a wrong id or secret, which is status 400 or 401 (RFC 6749, 5.2), into a refusal.
func (a *oauth2) explain(err error) error {
	failed, ok := err.(*Error) //nolint:errorlint // Bytes returns it as it is
	if ok && failed.Kind == Permanent && failed.Status == http.StatusBadRequest &&
		(strings.Contains(failed.Excerpt, "invalid_client") || strings.Contains(failed.Excerpt, "unauthorized_client") || strings.Contains(failed.Excerpt, "invalid_grant")) {
		failed.Kind = Refused
	}
	return err
}

func (a *oauth2) broken(status int, what string) error {
	return &Error{Kind: Permanent, Call: "POST " + Redact(a.o.TokenURL), Status: status, Err: fmt.Errorf("%s: check the options token_url, token_path and expires_path", what)}
}

// at is the value at a path of keys, as "data.accessToken"; nil where there is none.
func at(value any, path string) any {
	for key := range strings.SplitSeq(path, ".") {
		object, ok := value.(map[string]any)
		if !ok {
			return nil
		}
		value = object[key]
	}
	return value
}
