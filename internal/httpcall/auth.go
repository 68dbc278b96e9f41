package httpcall

import (
	"context"
	"encoding/base64"
	"net/http"
)

// fixed is an Auth whose secret does not change.
type fixed struct {
	sign    func(r *http.Request)
	secrets []string
}

func (f fixed) Sign(_ context.Context, r *http.Request) error { f.sign(r); return nil }
func (f fixed) Renew(context.Context) (bool, error)           { return false, nil }
func (f fixed) Secrets() []string                             { return f.secrets }

// Basic signs with a user name and a password (RFC 7617).
func Basic(username, password string) Auth {
	pair := base64.StdEncoding.EncodeToString([]byte(username + ":" + password))
	return fixed{func(r *http.Request) { r.Header.Set("Authorization", "Basic "+pair) }, []string{password, pair}}
}

// Bearer signs with a token that does not expire (RFC 6750).
func Bearer(token string) Auth { return Header("Authorization", "Bearer ", token) }

// Header signs with a header: its value is prefix and secret.
func Header(name, prefix, secret string) Auth {
	return fixed{func(r *http.Request) { r.Header.Set(name, prefix+secret) }, []string{secret}}
}

// Query signs with a parameter of the URL. Proxies log URLs: prefer a header where the vendor takes one.
func Query(name, secret string) Auth {
	return fixed{func(r *http.Request) {
		q := r.URL.Query()
		q.Set(name, secret)
		r.URL.RawQuery = q.Encode()
	}, []string{secret}}
}
