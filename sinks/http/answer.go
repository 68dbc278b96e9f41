package http

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	nethttp "net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/quarterhour/quarterhour/internal/httpcall"
	"github.com/quarterhour/quarterhour/sinks/delivery"
	"github.com/quarterhour/quarterhour/sinks/objects"
)

// longestExcerpt is how much of an answer a message repeats.
const longestExcerpt = 300

// matches says whether a status is one of those listed, such as 409 or 2xx.
func matches(list []string, status int) bool {
	text := strconv.Itoa(status)
	return slices.ContainsFunc(list, func(p string) bool {
		p = strings.ToLower(strings.TrimSpace(p))
		return p == text || len(p) == 3 && strings.HasSuffix(p, "xx") && p[0] == text[0]
	})
}

func (a *Answer) success() []string {
	if len(a.Success) == 0 {
		return []string{"2xx"}
	}
	return a.Success
}

// judge looks at the status before httpcall does. What is read of an answer that httpcall takes for a failure goes into head. single says that
// the path is a record's own, of which it may be said that it is not there.
func (a *Answer) judge(single bool, head *[]byte) func(int, nethttp.Header, []byte) *httpcall.Error {
	return func(status int, _ nethttp.Header, body []byte) *httpcall.Error {
		*head = append([]byte(nil), body...)
		switch {
		case matches(a.Retry, status):
			return &httpcall.Error{Kind: httpcall.Transient}
		case status >= 200 && status < 300 && !matches(a.success(), status) && !matches(a.Refusals.Statuses, status):
			return &httpcall.Error{Kind: httpcall.Permanent, Err: fmt.Errorf("it is none of the statuses by which the destination takes records, %s", strings.Join(a.success(), ", "))}
		case single && (status == nethttp.StatusNotFound || status == nethttp.StatusGone), matches(a.success(), status), matches(a.Refusals.Statuses, status):
			return nil
		}
		return httpcall.Misplaced(status)
	}
}

// taken says what came of a request of n records: the places of those that were refused, or why all were. status, head and err are the
// answer's; an err of a status that means success is none.
func (a *Answer) taken(body, head []byte, err error, n int, secrets []string) ([]delivery.RefusedItem, error) {
	var fault *httpcall.Error
	if errors.As(err, &fault) && fault.Status >= 300 && !matches(a.Retry, fault.Status) { // of 2xx it is the answer that is wrong
		body = head
		switch {
		case matches(a.success(), fault.Status):
			err = nil
		case matches(a.Refusals.Statuses, fault.Status):
			if refused, wrong := a.refused(body, n, secrets); wrong == nil && len(refused) > 0 {
				return refused, nil
			}
			return nil, err // it names nobody
		}
	}
	if err != nil {
		return nil, err
	}
	return a.refused(body, n, secrets)
}

func (a *Answer) refused(body []byte, n int, secrets []string) ([]delivery.RefusedItem, error) {
	if a.Failure == "" && a.Refusals.List == "" || len(bytes.TrimSpace(body)) == 0 {
		return nil, nil
	}
	answer, err := read(body)
	if err != nil {
		return nil, &httpcall.Error{Kind: httpcall.Transient, Sent: true, Err: fmt.Errorf("the answer cannot be read: %w", err), Excerpt: excerpt(body, secrets)}
	}
	if a.Refusals.List != "" {
		refused, err := a.Refusals.entries(answer, n, secrets)
		if err != nil || len(refused) > 0 {
			return refused, err
		}
	}
	if a.Failure == "" {
		return nil, nil
	}
	if said := objects.At(answer, a.Failure); objects.Says(said) {
		kind := httpcall.Permanent
		if a.Passing {
			kind = httpcall.Transient
		}
		return nil, &httpcall.Error{Kind: kind, Sent: true, Err: fmt.Errorf("the answer says at %q that it is a failure", a.Failure), Excerpt: excerpt([]byte(objects.Text(said)), secrets)}
	}
	return nil, nil
}

// entries are the refusals of an answer.
func (r *Refusals) entries(answer any, n int, secrets []string) (list []delivery.RefusedItem, err error) {
	at := objects.At(answer, r.List)
	entries, ok := at.([]any)
	if !ok && at != nil && at != "" { // XML has no list where there is one entry
		entries = []any{at}
	}
	if r.Index == "" && len(entries) > 0 && len(entries) != n {
		return nil, fmt.Errorf("the answer has %d entries at %q for %d records: say by answer.refusals.index which each is about", len(entries), r.List, n)
	}
	seen := map[int]bool{}
	for place, entry := range entries {
		if r.Status != "" && slices.Contains(r.Taken, objects.Text(objects.At(entry, r.Status))) {
			continue
		}
		if r.Index != "" {
			text := objects.Text(objects.At(entry, r.Index))
			if place, err = strconv.Atoi(text); err != nil {
				return nil, fmt.Errorf("the answer has %q at %q of an entry, which is no place of a record", text, r.Index)
			}
			place -= r.First
		}
		if place < 0 || place >= n {
			return nil, &httpcall.Error{Kind: httpcall.Permanent, Sent: true, Err: fmt.Errorf("the answer refuses record %d of %d: check answer.refusals", place+r.First, n)}
		}
		if !seen[place] {
			seen[place] = true
			list = append(list, delivery.RefusedItem{Index: place, Reason: "refused", Detail: excerpt([]byte(objects.Text(objects.At(entry, r.Reason))), secrets)})
		}
	}
	return list, nil
}

// read reads an answer of JSON or XML.
func read(body []byte) (any, error) {
	body = bytes.TrimPrefix(body, []byte("\xef\xbb\xbf"))
	if trimmed := bytes.TrimSpace(body); len(trimmed) > 0 && trimmed[0] == '<' {
		return objects.FromXML(trimmed)
	}
	var answer any
	err := json.Unmarshal(body, &answer)
	return answer, err
}

func excerpt(text []byte, secrets []string) string {
	out := strings.Join(strings.Fields(strings.ToValidUTF8(httpcall.Redact(string(text), secrets...), "\uFFFD")), " ")
	if len(out) > longestExcerpt {
		out = strings.ToValidUTF8(out[:longestExcerpt], "") + "…"
	}
	return out
}
