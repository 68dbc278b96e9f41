package iservice

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"regexp"
	"strings"

	"github.com/quarterhour/quarterhour/internal/httpcall"
)

// Failure is what an answer says in errors, errorDetails or errorsDetails, whatever its status.
type Failure struct {
	Call     string // form and endpoint
	Messages []string
	Class    Class
}

// never matches nothing: a login has no session that could be over.
var never = regexp.MustCompile(`\z.`)

// Class says what a failure is about.
type Class string

// The classes of failure.
const (
	Wrong   Class = "login"     // the login is refused
	Expired Class = "session"   // the session is over: log in again
	Denied  Class = "rights"    // the user may not do it
	Missing Class = "missing"   // what is asked about is not there
	Invalid Class = "request"   // the request is wrong: its fields are options
	Busy    Class = "transient" // another try may do
	Unknown Class = "unknown"
)

func (f *Failure) Error() string {
	hint := map[Class]string{
		Wrong:  ": check the user name and the password, and the names of the login's fields",
		Denied: ": give the user the right, by its type and segments", Invalid: ": check the names of fields in the source's options",
	}[f.Class]
	return fmt.Sprintf("%s answers %q%s", f.Call, strings.Join(f.Messages, "; "), hint)
}

var classes = []struct {
	class Class
	words *regexp.Regexp
}{
	{Busy, regexp.MustCompile(`(?i)time[d -]?out|try again|unavailable|busy|maintenance|deadlock`)},
	{Denied, regexp.MustCompile(`(?i)permission|denied|not allowed|not authori[sz]ed|unauthori[sz]ed|forbidden|\brights?\b|segment`)},
	{Missing, regexp.MustCompile(`(?i)not found|does not exist|was deleted`)},
	{Invalid, regexp.MustCompile(`(?i)invalid|unknown|required|missing|must be|cannot be|no such`)},
}

// classify says what messages are about. expired are the words of a session that is over.
func classify(messages []string, expired *regexp.Regexp) Class {
	text := strings.Join(messages, "\n")
	if expired.MatchString(text) {
		return Expired
	}
	for _, c := range classes {
		if c.words.MatchString(text) {
			return c.class
		}
	}
	return Unknown
}

// complaints are the messages of an answer; both spellings of the details occur. What is no JSON object complains of nothing.
// An answer of which only the head is known complains of what the head has.
func complaints(head []byte) []string {
	d := json.NewDecoder(bytes.NewReader(head))
	if token, err := d.Token(); err != nil || token != json.Delim('{') {
		return nil
	}
	var all []string
	seen := map[string]bool{}
	for d.More() {
		key, err := d.Token()
		if err != nil {
			break
		}
		var value any
		if err := d.Decode(&value); err != nil {
			break // cut off, or no JSON: whoever reads the whole answer will say so
		}
		switch key {
		case "errors", "errorDetails", "errorsDetails":
			for _, m := range messages(value) {
				if !seen[m] {
					seen[m] = true
					all = append(all, m)
				}
			}
		}
	}
	return all
}

// messages are the texts in a list, an object or a text; blank ones say nothing.
func messages(v any) (all []string) {
	switch v := v.(type) {
	case string:
		if v = strings.TrimSpace(v); v != "" {
			all = append(all, v)
		}
	case []any:
		for _, item := range v {
			all = append(all, messages(item)...)
		}
	case map[string]any:
		for _, key := range []string{"message", "error", "detail", "text", "description"} {
			if found := messages(v[key]); len(found) > 0 {
				return found
			}
		}
		if len(v) > 0 {
			text, _ := json.Marshal(v)
			all = append(all, string(text))
		}
	}
	return all
}

// judge makes failures of answers, for one call: of a session that is over for the first time one that is renewed.
func (s *source) judge(call string) func(int, http.Header, []byte) *httpcall.Error {
	expired := 0
	return func(status int, _ http.Header, head []byte) *httpcall.Error {
		said := complaints(head)
		if len(said) == 0 {
			return nil
		}
		f := &Failure{Call: call, Messages: said, Class: classify(said, s.expired)}
		kind := httpcall.Permanent
		switch f.Class {
		case Expired:
			// Once: a session that is over at once is no refused password, and must not lock the credential.
			if expired++; expired == 1 {
				kind = httpcall.Refused
			}
		case Busy:
			kind = httpcall.Transient
		case Unknown:
			if status >= 500 {
				kind = httpcall.Transient
			}
		}
		return &httpcall.Error{Kind: kind, Err: f, Excerpt: " "}
	}
}
