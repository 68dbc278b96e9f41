package httpcall

import (
	"encoding/base64"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"
)

func TestRedact(t *testing.T) {
	f := func(text, want string) {
		t.Helper()
		if got := Redact(text, "hunter2&x"); got != want {
			t.Errorf("Redact(%q) = %q, want %q", text, got, want)
		}
	}
	f("nothing to hide", "nothing to hide")
	f("the password hunter2&x is wrong", "the password *** is wrong")
	f("a=hunter2%26x", "a=***")
	f(base64.StdEncoding.EncodeToString([]byte("hunter2&x")), "***")
	f("Authorization: Bearer abc.def", "Authorization: ***")
	f("authorization=Basic dTpw", "authorization=***")
	f("got Bearer abc.def-ghi", "got Bearer ***")
	f(`{"access_token":"abc","n":1}`, `{"access_token":"***","n":1}`)
	f(`{"apiKey": "a\"b", "x": "y"}`, `{"apiKey": "***", "x": "y"}`)
	f("https://u:p@host/x?token=abc&a=b", "https://***@host/x?token=***&a=b")
	f("<ser:password>abc</ser:password><user>u</user>", "<ser:password>***</ser:password><user>u</user>")
	f("client_secret=abc&grant_type=x", "client_secret=***&grant_type=x")
	f("Set-Cookie: JSESSIONID=abc; Path=/", "Set-Cookie: ***; Path=/")
}

func TestRedactURL(t *testing.T) {
	f := func(text, want string) {
		t.Helper()
		u, err := url.Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		if got := RedactURL(u, "hunter2"); got != want {
			t.Errorf("RedactURL(%q) = %q, want %q", text, got, want)
		}
	}
	f("https://h/p?a=b", "https://h/p?a=b")
	f("https://u:p@h/hunter2/p?key=abc&KEY=x&api%5Fkey=1&k=v", "https://h/***/p?key=***&KEY=***&api%5Fkey=***&k=v")
	f("https://h/p?x=hunter2", "https://h/p?x=***")
}

// A secret never shows, wherever it stands and in whatever form.
func FuzzRedact(f *testing.F) {
	f.Add("before ", " after", "hunter2&x")
	f.Add(`{"a":"`, `"}`, "*****")
	f.Add("key=", "&b=c", "a b c d")
	f.Fuzz(func(t *testing.T, before, after, secret string) {
		if len(secret) < shortest || strings.Trim(secret, "*") == "" || strings.Contains(before+hidden+after, secret) {
			return
		}
		for _, form := range []string{secret, url.QueryEscape(secret), base64.StdEncoding.EncodeToString([]byte(secret))} {
			if strings.Contains(before+hidden+after, form) {
				continue
			}
			if got := Redact(before+form+after, secret); strings.Contains(got, form) {
				t.Fatalf("%q shows in %q", form, got)
			}
		}
	})
}

func TestRetryAfter(t *testing.T) {
	now := time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)
	f := func(want time.Duration, header ...string) {
		t.Helper()
		h := http.Header{}
		for i := 0; i+1 < len(header); i += 2 {
			h.Set(header[i], header[i+1])
		}
		if got := RetryAfter(h, now); got != want {
			t.Errorf("%v: %v, want %v", header, got, want)
		}
	}
	f(0)
	f(20*time.Second, "Retry-After", "20")
	f(1500*time.Millisecond, "Retry-After", "1.5")
	f(time.Second, "Retry-After", "0") // at once is not what it means
	f(0, "Retry-After", "-5")
	f(0, "Retry-After", "NaN")
	f(0, "Retry-After", "soon")
	f(365*24*time.Hour, "Retry-After", "1e300")
	f(30*time.Second, "Retry-After", "Mon, 02 Mar 2026 09:00:30 GMT")
	f(90*time.Second, "Retry-After", "Mon, 02 Mar 2026 09:00:30 GMT", "Date", "Mon, 02 Mar 2026 08:59:00 GMT") // the vendor's clock counts
	f(time.Second, "Retry-After", "Mon, 02 Mar 2020 09:00:30 GMT")
	f(30*time.Second, "Retry-After", "Monday, 02-Mar-26 09:00:30 GMT") // RFC 850
}

func FuzzRetryAfter(f *testing.F) {
	for _, s := range []string{"20", "1e9", "Mon, 02 Mar 2026 09:00:30 GMT", "-1", "0x10", "Inf"} {
		f.Add(s, "Mon, 02 Mar 2026 08:59:00 GMT")
	}
	f.Fuzz(func(t *testing.T, after, date string) {
		got := RetryAfter(http.Header{"Retry-After": {after}, "Date": {date}}, time.Unix(1e9, 0))
		if got != 0 && got < time.Second || got > 365*24*time.Hour {
			t.Errorf("%q, %q: %v", after, date, got)
		}
	})
}
