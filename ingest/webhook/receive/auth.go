package receive

import (
	"crypto/hmac"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"crypto/subtle"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"hash"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// Auth are the secrets of senders. Of each kind several may be given, so that one can replace another without a gap; where several
// kinds are given, a request must satisfy each.
type Auth struct {
	Tokens    []string `cfg:"tokens,secret" help:"bearer tokens, of which a sender shows one in the header Authorization"`
	Username  string   `cfg:"username" help:"of HTTP Basic"`
	Passwords []string `cfg:"passwords,secret" help:"of HTTP Basic"`
	Header    string   `cfg:"header" help:"name of a header that holds a secret, as X-Api-Key"`
	Values    []string `cfg:"values,secret" help:"secrets for header"`
	HMAC      HMAC     `cfg:"hmac" help:"signature over the body"`
	Open      bool     `cfg:"open" default:"false" help:"take requests from anybody: only where something else keeps strangers out"`
}

// HMAC is how a sender signs what it sends.
type HMAC struct {
	Secrets   []string      `cfg:"secrets,secret" help:"keys of the signature; left out, there is none"`
	Header    string        `cfg:"header" default:"X-Signature" help:"that holds the signature"`
	Prefix    string        `cfg:"prefix" help:"before the signature in the header, as sha256="`
	Algorithm string        `cfg:"algorithm" default:"sha256" enum:"sha256|sha512|sha1" help:"hash under the signature"`
	Encoding  string        `cfg:"encoding" default:"hex" enum:"hex|base64" help:"of the signature"`
	Timestamp string        `cfg:"timestamp_header" help:"header that holds the time of sending (Unix seconds or milliseconds, or RFC 3339), which must be part of what is signed"`
	Tolerance time.Duration `cfg:"tolerance" default:"5m" help:"how far that time may be from ours, against requests that are sent again by others"`
	Signed    string        `cfg:"signed" help:"what is signed, with {body} and {timestamp} in it; the body, or {timestamp}.{body} with a timestamp, if left out"`
}

// Weak says whether a secret is so short that it can be guessed.
func (a *Auth) Weak() bool {
	const long = 16
	if a.Open {
		return true
	}
	for _, list := range [][]string{a.Tokens, a.Passwords, a.Values, a.HMAC.Secrets} {
		for _, s := range list {
			if len(s) < long {
				return true
			}
		}
	}
	return false
}

// Validate reports what is wrong with the options under their paths.
func (o *Options) Validate(problem func(path, message string)) {
	if !strings.HasPrefix(o.Path, "/") {
		problem("path", fmt.Sprintf("is %q: it begins with a slash", o.Path))
	}
	for path, value := range map[string]int{"max_body_bytes": o.MaxBody, "max_concurrent": o.Concurrent} {
		if value < 1 {
			problem(path, fmt.Sprintf("is %d: at least 1", value))
		}
	}
	if o.Rate < 0 {
		problem("max_requests_per_second", fmt.Sprintf("is %g: not negative", o.Rate))
	}
	if o.Within < time.Second {
		problem("answer_within", fmt.Sprintf("is %s: at least 1s", o.Within))
	}
	if o.ReadTimeout < time.Second {
		problem("read_timeout", fmt.Sprintf("is %s: at least 1s", o.ReadTimeout))
	}
	if (o.TLS.Cert == "") != (o.TLS.Key == "") {
		problem("tls.cert", "needs its key, and key its cert: give both, or neither")
	}
	if o.TLS.ClientCA != "" && o.TLS.Cert == "" {
		problem("tls.client_ca", "needs a certificate of the listener: give cert and key")
	}
	if _, err := newChecks(&o.Auth); err != nil {
		problem("auth", err.Error())
	}
}

// checks are the secrets as they are compared.
type checks struct {
	header []check
	hmac   *HMAC
}

// check is one header that must hold one of several values. Their hashes are compared, so that neither content nor length shows in the
// time it takes.
type check struct {
	name   string
	digest [][sha256.Size]byte
	asks   string // what WWW-Authenticate says
}

func newChecks(a *Auth) (*checks, error) {
	c := &checks{}
	add := func(name, asks, prefix string, encode func(string) string, secrets []string) error {
		k := check{name: name, asks: asks}
		for _, s := range secrets {
			if s == "" {
				return fmt.Errorf("has an empty secret for %s: anybody could guess it", name)
			}
			k.digest = append(k.digest, sha256.Sum256([]byte(prefix+encode(s))))
		}
		if len(secrets) > 0 {
			c.header = append(c.header, k)
		}
		return nil
	}
	plain := func(s string) string { return s }
	if err := add("Authorization", "Bearer", "Bearer ", plain, a.Tokens); err != nil {
		return nil, err
	}
	basic := func(password string) string {
		return base64.StdEncoding.EncodeToString([]byte(a.Username + ":" + password))
	}
	if err := add("Authorization", `Basic realm="quarterhour"`, "Basic ", basic, a.Passwords); err != nil {
		return nil, err
	}
	if err := add(a.Header, "", "", plain, a.Values); err != nil {
		return nil, err
	}
	switch {
	case (a.Username == "") != (len(a.Passwords) == 0):
		return nil, fmt.Errorf("has one of username and passwords: give both")
	case (a.Header == "") != (len(a.Values) == 0):
		return nil, fmt.Errorf("has one of header and values: give both")
	case len(a.Tokens) > 0 && len(a.Passwords) > 0:
		return nil, fmt.Errorf("has tokens and passwords, which stand in the same header: give one of them")
	}
	return c, c.sign(a)
}

func (c *checks) sign(a *Auth) error {
	h := a.HMAC
	switch {
	case len(h.Secrets) == 0:
		if len(c.header) == 0 && !a.Open {
			return fmt.Errorf("has no secret, so that anybody could post: give tokens, passwords, values or hmac, or open: true")
		}
		return nil
	case h.Signed == "" && h.Timestamp == "":
		h.Signed = "{body}"
	case h.Signed == "":
		h.Signed = "{timestamp}.{body}"
	}
	if strings.Count(h.Signed, "{body}") != 1 {
		return fmt.Errorf("has hmac.signed %q: it holds {body} once", h.Signed)
	}
	if strings.Contains(h.Signed, "{timestamp}") != (h.Timestamp != "") {
		return fmt.Errorf("has one of hmac.timestamp_header and {timestamp} in hmac.signed: an unsigned time protects from nothing")
	}
	for _, s := range h.Secrets {
		if s == "" {
			return fmt.Errorf("has an empty secret for hmac: anybody could guess it")
		}
	}
	c.hmac = &h
	return nil
}

// headers says whether the secrets in the headers are right; if not, what WWW-Authenticate says.
func (c *checks) headers(h http.Header) (ok bool, asks string) {
	ok = true
	for _, k := range c.header {
		value := h.Get(k.name)
		if scheme, rest, found := strings.Cut(value, " "); found && k.asks != "" { // the scheme's case does not matter (RFC 9110, 11.1)
			word, _, _ := strings.Cut(k.asks, " ")
			if strings.EqualFold(scheme, word) {
				value = word + " " + rest
			}
		}
		got, match := sha256.Sum256([]byte(value)), 0
		for _, want := range k.digest {
			match |= subtle.ConstantTimeCompare(got[:], want[:])
		}
		if match == 0 {
			ok, asks = false, k.asks
		}
	}
	return ok, asks
}

var hashes = map[string]func() hash.Hash{"sha256": sha256.New, "sha512": sha512.New, "sha1": sha1.New}

// signature says what is wrong with the signature of a body, for the log; "" where it is right.
func (c *checks) signature(h http.Header, body []byte, now time.Time) string {
	s := c.hmac
	if s == nil {
		return ""
	}
	stamp := ""
	if s.Timestamp != "" {
		stamp = h.Get(s.Timestamp)
		at, ok := instant(stamp)
		if !ok {
			return "no time in header " + s.Timestamp
		}
		if off := now.Sub(at).Abs(); off > s.Tolerance {
			return fmt.Sprintf("sent %s from now", off.Round(time.Second))
		}
	}
	given, ok := strings.CutPrefix(h.Get(s.Header), s.Prefix)
	if !ok || given == "" {
		return "no signature in header " + s.Header
	}
	var mac []byte
	var err error
	if s.Encoding == "base64" {
		mac, err = base64.StdEncoding.DecodeString(given)
	} else {
		mac, err = hex.DecodeString(given)
	}
	if err != nil {
		return "the signature is not " + s.Encoding
	}
	before, after, _ := strings.Cut(strings.ReplaceAll(s.Signed, "{timestamp}", stamp), "{body}")
	match := 0
	for _, secret := range s.Secrets {
		m := hmac.New(hashes[s.Algorithm], []byte(secret))
		_, _ = m.Write([]byte(before)) // a hash takes everything
		_, _ = m.Write(body)
		_, _ = m.Write([]byte(after))
		match |= subtle.ConstantTimeCompare(mac, m.Sum(nil))
	}
	if match == 0 {
		return "the signature is wrong"
	}
	return ""
}

// instant reads a time of sending.
func instant(text string) (time.Time, bool) {
	if n, err := strconv.ParseInt(text, 10, 64); err == nil {
		if n > 1e11 || n < -1e11 { // seconds would be the year 5138
			return time.UnixMilli(n), true
		}
		return time.Unix(n, 0), true
	}
	at, err := time.Parse(time.RFC3339, text)
	return at, err == nil
}
