package httpcall

import (
	"fmt"
	"net/http"
	"strings"
	"time"
)

// Kind says what to do about a failure.
type Kind int

// The kinds of failure.
const (
	Transient Kind = iota + 1 // not reached, 5xx, an HTML page where data was expected: another try may do
	Throttled                 // 429: another try, after RetryAfter where the vendor says so
	Refused                   // 401, 403: the credential is not accepted
	Permanent                 // any other 4xx: the request itself is wrong
)

var kinds = [...]string{"ok", "transient", "throttled", "refused", "permanent"}

// String is the kind as metrics name it.
func (k Kind) String() string {
	if k < 0 || int(k) >= len(kinds) {
		return fmt.Sprintf("kind %d", int(k))
	}
	return kinds[k]
}

// Error is a call that failed.
type Error struct {
	Kind       Kind
	Call       string        // "GET https://host/path?token=***"
	Status     int           // 0 where no answer came
	RetryAfter time.Duration // 0 where the vendor does not say
	Excerpt    string        // of the answer, without secrets, one line
	Sent       bool          // the request left: the vendor may have done what it asked
	Misplaced  bool          // nothing takes such requests at the address, whatever is in them: see Misplaced
	Err        error         // what went wrong where the status does not say it
	judged     bool          // by Request.Judge
}

func (e *Error) Error() string {
	var b strings.Builder
	if e.Call != "" {
		b.WriteString(e.Call + ": ")
	}
	if e.Status != 0 {
		fmt.Fprintf(&b, "status %d", e.Status)
		if text := http.StatusText(e.Status); text != "" {
			b.WriteString(" (" + strings.ToLower(text) + ")")
		}
	}
	if e.Err != nil {
		if e.Status != 0 {
			b.WriteString(": ")
		}
		b.WriteString(e.Err.Error())
	} else if hint := e.hint(); hint != "" {
		b.WriteString(": " + hint)
	}
	if e.Excerpt != "" {
		b.WriteString(": " + e.Excerpt)
	}
	return b.String()
}

// hint is what the reader can do.
func (e *Error) hint() string {
	switch {
	case e.Status == http.StatusForbidden:
		return "the credential lacks the right: grant it at the vendor"
	case e.Kind == Refused:
		return "the credential is not accepted: check it"
	case e.Kind == Throttled && e.RetryAfter > 0:
		return fmt.Sprintf("the vendor asks to wait %s", e.RetryAfter)
	case e.Status >= 300 && e.Status < 400:
		return "the answer leads elsewhere: check the URL"
	}
	return ""
}

func (e *Error) Unwrap() error { return e.Err }
