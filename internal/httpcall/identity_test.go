package httpcall

import (
	"strings"
	"testing"
)

func TestIdentity(t *testing.T) {
	basic := AuthOptions{Type: "basic", Username: "wfm-api", Password: "p4ssword"}
	same := basic
	distinct := map[string]string{}
	f := func(o *AuthOptions, host, begins string) {
		t.Helper()
		name := o.Identity(host)
		if !strings.HasPrefix(name, begins) || !strings.HasSuffix(name, "@"+host) {
			t.Errorf("%s at %s is called %q, want %s…@%s", o.Type, host, name, begins, host)
		}
		for _, secret := range []string{o.Password, o.Token, o.Value, o.ClientSecret} {
			if secret != "" && strings.Contains(name, secret) {
				t.Errorf("%q says the secret", name)
			}
		}
		middle := strings.TrimSuffix(strings.TrimPrefix(name, begins), "@"+host) // nor do the parts of two names say that the secrets are the same
		for other, place := range distinct {
			if other == name || middle != "" && strings.Contains(other, middle) {
				t.Errorf("%q is like %q of %s", name, other, place)
			}
		}
		distinct[name] = o.Type + " at " + host
	}
	f(&basic, "a.example.com", "wfm-api~")
	f(&basic, "b.example.com", "wfm-api~")
	f(&AuthOptions{Type: "basic", Username: "wfm-api", Password: "other"}, "a.example.com", "wfm-api~")
	f(&AuthOptions{Type: "bearer", Token: "one"}, "a.example.com", "bearer~")
	f(&AuthOptions{Type: "bearer", Token: "two"}, "a.example.com", "bearer~")
	f(&AuthOptions{Type: "header", Name: "X-Key", Value: "one"}, "a.example.com", "header~")
	f(&AuthOptions{Type: "query", Name: "key", Value: "one"}, "a.example.com", "query~")
	f(&AuthOptions{Type: "oauth2", ClientID: "id", ClientSecret: "one"}, "a.example.com", "id~")
	f(&AuthOptions{Type: "none"}, "a.example.com", "none")
	if a, b := basic.Identity("a.example.com"), same.Identity("A.example.com"); a != b {
		t.Errorf("the same secret at the same host has the names %q and %q", a, b)
	}
}
