package httpcall

import (
	"encoding/base64"
	"errors"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"
)

// hidden stands where a secret stood.
const hidden = "***"

// shortest is the length from which a secret is looked for as it is: a shorter one would blacken half of every text.
const shortest = 4

var (
	// secretName matches names of headers, parameters, JSON keys and XML elements whose values are secrets.
	secretName = `[\w.-]*(?:token|secret|passw(?:or)?d|passphrase|pwd|api-?_?key|access-?_?key|private-?_?key|signature|authorization|cookie|session-?_?id|credentials?)[\w.-]*`
	pairs      = regexp.MustCompile(`(?i)("` + secretName + `"\s*:\s*)("(?:[^"\\]|\\.)*"?|[^\s,}\]]+)`)
	assigned   = regexp.MustCompile(`(?i)(\b` + secretName + `\s*[=:]\s*)(?:(?:bearer|basic)\s+)?("[^"]*"?|'[^']*'?|[^\s&;,"'<>]+)`)
	elements   = regexp.MustCompile(`(?i)(<(?:[\w.-]+:)?` + secretName + `(?:\s[^>]*)?>)[^<]+`)
	schemes    = regexp.MustCompile(`(?i)\b(bearer|basic)\s+[\w.~+/=-]{6,}`)
	isSecret   = regexp.MustCompile(`(?i)^(?:` + secretName + `|key|sig|code|auth)$`)
	userinfo   = regexp.MustCompile(`(://)[^/\s@]+@`)
)

// Redact takes the secrets out of a text: the literal ones, in the forms in which they travel, and whatever a name gives away.
func Redact(text string, secrets ...string) string {
	for _, s := range secrets {
		if len(s) < shortest {
			continue
		}
		for _, form := range [...]string{s, url.QueryEscape(s), url.PathEscape(s), base64.StdEncoding.EncodeToString([]byte(s))} {
			text = strings.ReplaceAll(text, form, hidden)
		}
	}
	text = userinfo.ReplaceAllString(text, "${1}"+hidden+"@")
	text = pairs.ReplaceAllString(text, `${1}"`+hidden+`"`)
	text = assigned.ReplaceAllString(text, "${1}"+hidden)
	text = elements.ReplaceAllString(text, "${1}"+hidden)
	return schemes.ReplaceAllString(text, "${1} "+hidden)
}

// RedactURL is the URL without secrets in its query and without user and password.
func RedactURL(u *url.URL, secrets ...string) string {
	shown := *u
	shown.User = nil
	query := ""
	for i, pair := range strings.Split(u.RawQuery, "&") {
		if i > 0 {
			query += "&"
		}
		name, _, valued := strings.Cut(pair, "=")
		if plain, err := url.QueryUnescape(name); err == nil && valued && isSecret.MatchString(plain) {
			pair = name + "=" + hidden
		}
		query += pair
	}
	shown.RawQuery = query
	return Redact(shown.String(), secrets...)
}

func (c *Client) secrets() []string {
	if a, ok := c.o.Auth.(interface{ Secrets() []string }); ok {
		return append(a.Secrets(), c.o.Secrets...)
	}
	return c.o.Secrets
}

// Secrets are what is never to be shown, as of now: tokens are renewed.
func (c *Client) Secrets() []string { return c.secrets() }

// Excerpt is the beginning of what a vendor said, on one line and without secrets, as errors have it: for what goes into logs and dead letters.
func (c *Client) Excerpt(text string) string { return Excerpt(text, c.secrets()...) }

// Excerpt is the beginning of a text, on one line and without secrets.
func Excerpt(text string, secrets ...string) string { return excerpt(Redact(text, secrets...), false) }

func (c *Client) redact(text string) string { return Redact(text, c.secrets()...) }

// name is the call as errors show it.
func (c *Client) name(r *http.Request) string {
	if r == nil {
		return ""
	}
	return r.Method + " " + RedactURL(r.URL, c.secrets()...)
}

// cleaned is the error, as it is where it says no secret.
func (c *Client) cleaned(err error) error {
	if err == nil {
		return nil
	}
	if text := c.redact(err.Error()); text != err.Error() {
		return errors.New(text)
	}
	return err
}

var tags = regexp.MustCompile(`(?is)<(script|style|head)\b.*?</(script|style|head)>|<[^>]*>`)

// excerpt is the beginning of a text on one line.
func excerpt(text string, html bool) string {
	const longest = 300
	if html {
		text = tags.ReplaceAllString(text, " ")
	}
	text = strings.Join(strings.FieldsFunc(text, func(r rune) bool {
		return unicode.IsSpace(r) || !unicode.IsPrint(r) || r == utf8.RuneError
	}), " ")
	if len(text) > longest {
		cut := longest
		for !utf8.RuneStart(text[cut]) {
			cut--
		}
		text = text[:cut] + "…"
	}
	return text
}

func isHTML(h http.Header) bool {
	return strings.Contains(strings.ToLower(h.Get("Content-Type")), "html")
}
