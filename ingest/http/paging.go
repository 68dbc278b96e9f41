package http

import (
	"bytes"
	"encoding/json"
	"fmt"
	nethttp "net/http"
	"net/url"
	"strings"
)

// Paging is how one page leads to the next.
type Paging struct {
	By           string `cfg:"by" default:"none" enum:"none|page|offset|cursor|link|next" help:"page: by number; offset: by the number of records before; cursor: by a token in the answer; link: by the header Link (rel=next); next: by a URL in the answer"`
	Parameter    string `cfg:"parameter" help:"of the URL that holds page, offset or cursor; left out where a placeholder stands in the request"`
	SizePar      string `cfg:"size_parameter" help:"of the URL that holds the number of records of a page"`
	Size         int    `cfg:"size" default:"0" help:"records of a page; a shorter one is the last. 0: an empty one is"`
	First        int    `cfg:"first" default:"1" help:"number of the first page"`
	Cursor       string `cfg:"cursor" help:"where the answer holds the token, as meta.next; the last page has none"`
	CursorHeader string `cfg:"cursor_header" help:"header that holds the token, in place of cursor"`
	Next         string `cfg:"next" help:"where the answer holds the URL of the next page; the last page has none"`
	More         string `cfg:"more" help:"where the answer says whether there are more pages: true or false"`
	MaxPages     int    `cfg:"max_pages" default:"10000" help:"pages of one window, after which something is wrong"`
}

func (p *Paging) validate(s *Stream, path string, problem func(path, message string)) {
	need := func(name string, given bool) {
		if !given {
			problem(path+name, fmt.Sprintf("is needed by paging by %s", p.By))
		}
	}
	switch p.By {
	case "page", "offset":
		need("parameter", p.Parameter != "" || s.uses(p.By))
	case "cursor":
		need("parameter", p.Parameter != "" || s.uses("cursor"))
		need("cursor", p.Cursor != "" || p.CursorHeader != "")
	case "next":
		need("next", p.Next != "")
	}
	if p.Size < 0 {
		problem(path+"size", fmt.Sprintf("is %d: not negative", p.Size))
	}
	if p.MaxPages < 1 {
		problem(path+"max_pages", fmt.Sprintf("is %d: at least 1", p.MaxPages))
	}
	if (p.Next != "" || p.More != "" || p.Cursor != "") && (s.Format == "csv" || s.Format == "tsv") {
		problem(path+"by", "needs an answer in JSON or XML: take link, cursor_header, page or offset for CSV")
	}
}

// The captures of an answer, by their place in Items.
const (
	captureCursor = iota
	captureNext
	captureMore
	captureError
	captures
)

// answer is what a page says besides its records.
type answer struct {
	header   nethttp.Header
	url      *url.URL // that was asked
	records  int64
	captured [captures]string // texts; "" where absent
}

// captured is a captured JSON value as a text: what means nothing is empty.
func captured(raw []byte) string {
	raw = bytes.TrimSpace(raw)
	switch string(raw) {
	case "", "null", "false", "[]", "{}", `""`, "0":
		return ""
	}
	if raw[0] == '"' {
		var text string
		if json.Unmarshal(raw, &text) == nil {
			return text
		}
	}
	return string(raw)
}

// turn goes on to the next page: it changes the values and returns its URL where the answer gives one. more is false on the last page.
func (p *Paging) turn(v *values, a *answer) (next string, more bool, err error) {
	if p.By == "none" || p.More != "" && (a.captured[captureMore] == "" || strings.EqualFold(a.captured[captureMore], "false")) {
		return "", false, nil
	}
	switch p.By {
	case "page", "offset":
		v.page++
		v.offset += int(a.records)
		return "", p.More != "" || a.records > 0 && a.records >= int64(p.Size), nil
	case "cursor":
		cursor := a.captured[captureCursor]
		if p.CursorHeader != "" {
			cursor = a.header.Get(p.CursorHeader)
		}
		if cursor != "" && cursor == v.cursor {
			return "", false, fmt.Errorf("the answer names the page that it is as the next one: check paging.cursor and paging.parameter")
		}
		v.cursor = cursor
		return "", cursor != "", nil
	case "link":
		next = linkNext(a.header.Values("Link"))
	case "next":
		next = a.captured[captureNext]
	}
	if next == "" {
		return "", false, nil
	}
	u, err := a.url.Parse(next)
	if err != nil || u.Host != a.url.Host {
		return "", false, fmt.Errorf("the next page is not at the host %q of the API: nothing is asked there", a.url.Host)
	}
	if u.String() == a.url.String() {
		return "", false, fmt.Errorf("the answer names the page that it is as the next one: check paging.next")
	}
	return u.String(), true, nil
}

// linkNext is the target of rel=next in headers Link (RFC 8288).
func linkNext(headers []string) string {
	for _, h := range headers {
		for h != "" {
			from := strings.IndexByte(h, '<')
			if from < 0 {
				break
			}
			to := strings.IndexByte(h[from:], '>')
			if to < 0 {
				break
			}
			target := h[from+1 : from+to]
			var parameters string
			parameters, h = untilComma(h[from+to+1:])
			for _, parameter := range strings.Split(parameters, ";") {
				name, value, _ := strings.Cut(parameter, "=")
				if !strings.EqualFold(strings.TrimSpace(name), "rel") {
					continue
				}
				for _, rel := range strings.Fields(strings.Trim(strings.TrimSpace(value), `"`)) {
					if strings.EqualFold(rel, "next") {
						return target
					}
				}
			}
		}
	}
	return ""
}

// untilComma cuts at the first comma outside quotes.
func untilComma(text string) (before, after string) {
	quoted := false
	for i, c := range text {
		switch {
		case c == '"':
			quoted = !quoted
		case c == ',' && !quoted:
			return text[:i], text[i+1:]
		}
	}
	return text, ""
}
