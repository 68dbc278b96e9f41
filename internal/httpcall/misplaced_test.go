package httpcall

import (
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/quarterhour/quarterhour/internal/quota"
)

func TestMisplaced(t *testing.T) {
	for _, status := range []int{301, 302, 307, 308, 404, 405, 407, 410, 415, 501} {
		if e := Misplaced(status); e == nil || !e.Misplaced || e.Kind != Permanent {
			t.Errorf("%d: %v, want an address that takes nothing", status, e)
		}
	}
	for _, status := range []int{200, 204, 400, 401, 403, 409, 413, 422, 429, 500, 503} {
		if e := Misplaced(status); e != nil {
			t.Errorf("%d: %v", status, e)
		}
	}
}

// Where there is nothing at the address of the service, or at that of its tokens, no credential is locked, and no token renewed.
func TestNothingAtTheAddress(t *testing.T) {
	f := func(name string, auth func(c *Client, url string) Auth, answer http.HandlerFunc, calls int) {
		t.Helper()
		t.Run(name, func(t *testing.T) {
			tokens, _, _ := serve(t, func(o *Options) { o.Attempts = 1 }, answer)
			var credential *quota.Credential
			c, v, _ := serve(t, func(o *Options) {
				credential = (&quota.Keyring{Watch: o.Watch}).Open("acme", quota.Options{})
				o.Attempts, o.Credential, o.Auth = 1, credential, auth(tokens, tokens.o.Base+"/token")
			}, status(404))
			_, _, err := c.Bytes(t.Context(), &Request{Judge: func(status int, _ http.Header, _ []byte) *Error { return Misplaced(status) }})
			var failed *Error
			if !errors.As(err, &failed) || !failed.Misplaced || !strings.Contains(err.Error(), "404") {
				t.Errorf("the error is %v", err)
			}
			if since, why := credential.Locked(); !since.IsZero() {
				t.Errorf("the credential is locked: %s", why)
			}
			if v.calls() != calls {
				t.Errorf("%d calls, want %d", v.calls(), calls)
			}
		})
	}
	oauth := func(c *Client, url string) Auth {
		return NewOAuth2(OAuth2{TokenURL: url, ClientID: "me", ClientSecret: "s3cret", Client: c})
	}
	f("the service", oauth, says("application/json", `{"access_token":"t","expires_in":60}`), 1)
	f("its tokens", oauth, status(404), 0)
}
