package iservice

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/quarterhour/quarterhour/internal/httpcall"
	"github.com/quarterhour/quarterhour/internal/quota"
)

// session is the login that all streams share. It signs requests with the cookie of the session, and logs in where there is none, where
// it has been idle for too long, and where an answer says that it is over.
type session struct {
	s          *source
	login      *httpcall.Client // without the credential's budget: a login happens inside the turn of the call that needs it
	credential *quota.Credential

	mu      sync.Mutex
	cookies []*http.Cookie
	used    time.Time
}

// Sign adds the cookie.
func (s *session) Sign(ctx context.Context, r *http.Request) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.s.watch.Now()
	if s.cookies == nil || now.Sub(s.used) >= s.s.o.Login.Session {
		if err := s.enter(ctx); err != nil {
			return err
		}
	}
	for _, c := range s.cookies {
		r.AddCookie(&http.Cookie{Name: c.Name, Value: c.Value})
	}
	s.used = s.s.watch.Now()
	return nil
}

// Renew forgets the session, so that the next call logs in.
func (s *session) Renew(context.Context) (bool, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.cookies = nil
	return true, nil
}

// RenewAfter forgets the session that a request was signed with, unless another has taken its place meanwhile.
func (s *session) RenewAfter(_ context.Context, signed *http.Request) (bool, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, c := range s.cookies {
		if sent, err := signed.Cookie(c.Name); err == nil && sent.Value == c.Value {
			s.cookies = nil
			break
		}
	}
	return true, nil
}

// Secrets are what never to show.
func (s *session) Secrets() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	secrets := []string{s.s.o.Password}
	for _, c := range s.cookies {
		secrets = append(secrets, c.Value)
	}
	return secrets
}

// enter logs in. A login that the vendor refuses is of kind Refused, and locks the credential.
func (s *session) enter(ctx context.Context) error {
	o := &s.s.o.Login
	body, kind := s.form()
	resp, err := s.login.Do(ctx, &httpcall.Request{
		Method: http.MethodPost, Path: path(o.Call), Body: body, Header: http.Header{"Content-Type": {kind}, "Accept": {"application/json"}},
		Judge: func(_ int, _ http.Header, head []byte) *httpcall.Error {
			said := complaints(head)
			if len(said) == 0 {
				return nil
			}
			f := &Failure{Call: o.Call, Messages: said, Class: classify(said, never)}
			if f.Class == Busy {
				return &httpcall.Error{Kind: httpcall.Transient, Err: f, Excerpt: " "}
			}
			f.Class = Wrong
			return &httpcall.Error{Kind: httpcall.Refused, Err: f, Excerpt: " "}
		},
	})
	if err != nil {
		var failed *httpcall.Error
		if errors.As(err, &failed) && failed.Kind == httpcall.Refused {
			// Still in the turn of the call: the next in line must not try the password again.
			if err := s.credential.Refused(ctx, failed.Error()); err != nil {
				s.s.deps.Log.Error("the refusal of a login could not be stored", "err", err)
			}
		}
		return fmt.Errorf("log in: %w", err)
	}
	defer func() { _ = resp.Body.Close() }()
	cookies := (&http.Response{Header: resp.Header}).Cookies()
	if len(cookies) == 0 {
		return &httpcall.Error{Kind: httpcall.Permanent, Call: o.Call, Err: errors.New("the login has no errors and no cookie either: check login.call and the names of its fields")}
	}
	s.cookies = cookies
	s.s.deps.Log.Debug("logged in", "user", s.s.o.Username)
	return nil
}

// form is the body of the login.
func (s *session) form() (body []byte, contentType string) {
	o := &s.s.o.Login
	fields := map[string]string{}
	for name, value := range o.Fields {
		fields[name] = value
	}
	fields[o.Username], fields[o.Password] = s.s.o.Username, s.s.o.Password
	if o.Encoding == "form" {
		values := url.Values{}
		for name, value := range fields {
			values.Set(name, value)
		}
		return []byte(values.Encode()), "application/x-www-form-urlencoded"
	}
	body, _ = json.Marshal(fields) // texts: it cannot fail
	return body, "application/json"
}

// path is where a form's endpoint is: "webapp-api-login?api=login" below /f/. What begins with a slash is taken as it is.
func path(call string) string {
	if strings.HasPrefix(call, "/") {
		return call
	}
	return "/f/" + call
}
