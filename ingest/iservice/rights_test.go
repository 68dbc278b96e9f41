package iservice

import (
	"strings"
	"testing"
	"unicode/utf8"
)

// What is not published may come in any form, and is told in words all the same.
func TestRightsInWords(t *testing.T) {
	f := func(answer, want string) {
		t.Helper()
		if got := rights([]byte(answer)); got != want {
			t.Errorf("%s\n%q, not\n%q", answer, got, want)
		}
	}
	f(`{"loggedin":true,"contactID":"109","email":"wfm@x.com","rights":["Search","ManageMessages","Reports"],"errors":[],"errorDetails":[]}`,
		"Search, ManageMessages, Reports; contact id 109; email wfm@x.com; loggedin yes")
	f(`{"id":5045,"rights":["agent"]}`, "agent; id 5045")
	f(`{"rights":{"search":true,"manage_messages":false,"Reports":true,"admin":false,"level":3}}`, "reports, search, not admin, not manage messages, level 3")
	f(`{"user":{"displayName":"Ann\n Lee","active":true},"segments":[{"id":1,"name":"EU"},{"id":2},{}],"roles":[]}`, "roles: none; segments: EU, 2; user: active, display name Ann Lee")
	f(`{"sessionID":"4f1b2c3d","csrfToken":"x","user":{"password":"p","name":"Ann"},"rights":null}`, "user: name Ann")
	f(`{}`, "")
	f(`["x"]`, "")
	f(`<html>`, "")
	got := rights([]byte(`{"rights":["` + strings.Repeat(`Größe","`, 200) + `"]}`))
	if n := utf8.RuneCountInString(got); n > longestRights+2 || !strings.HasSuffix(got, "Größe …") {
		t.Errorf("%d characters: %q", n, got)
	}
}

func TestNobody(t *testing.T) {
	for body, want := range map[string]bool{`{"loggedin":false}`: true, `{"loggedin":true}`: false, `{"loggedin":"no"}`: false, `{}`: false, `x`: false} {
		if nobody([]byte(body)) != want {
			t.Error(body)
		}
	}
}

func FuzzRights(f *testing.F) {
	f.Add([]byte(`{"a":{"b":[1,{"name":null}]},"rights":true,"x":"` + strings.Repeat("é", 400) + `"}`))
	f.Add([]byte(`{"rights":[[],{}]}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		got := rights(body)
		if utf8.RuneCountInString(got) > longestRights+2 || strings.ContainsAny(got, "\n") && !strings.Contains(string(body), `\`) {
			t.Errorf("%q", got)
		}
	})
}
