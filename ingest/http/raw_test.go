package http

import (
	"bytes"
	"context"
	"fmt"
	"io"
	nethttp "net/http"
	"strings"
	"testing"

	"github.com/quarterhour/quarterhour/ingest"
)

// What came is kept to its last byte, whatever of it could be read: an answer that is no CSV, one whose end nobody needs, one of several
// blocks. One that was cut off has no end.
func TestKeepRaw(t *testing.T) {
	var long strings.Builder
	long.WriteString("id,q,at\n")
	for n := range 20_000 {
		fmt.Fprintf(&long, "%d,Sales and service,2026-03-02T11:%02d:00Z\n", n, n%60)
	}
	f := func(options, body string, fails, whole bool) {
		t.Helper()
		a := serve(t, func(w nethttp.ResponseWriter, _ *nethttp.Request) {
			w.Header().Set("Content-Type", "text/csv")
			if !whole {
				w.Header().Set("Content-Length", fmt.Sprint(len(body)+1))
			}
			_, _ = io.WriteString(w, body)
		})
		byAnswer, ended := map[string]*bytes.Buffer{}, map[string]bool{}
		d := deps(&dozer{now: noon})
		d.Raw = func(_ context.Context, r ingest.Raw) error {
			if byAnswer[r.Answer] == nil {
				byAnswer[r.Answer] = &bytes.Buffer{}
			}
			byAnswer[r.Answer].Write(r.Payload)
			ended[r.Answer] = r.Last
			return nil
		}
		s, err := open(parse(t, "url: "+a.url+"\nattempts: 1\nkeep_raw: 24h\n"+calls("path: /calls\n"+options)), d)
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Run(t.Context(), nil, &log{}); (err != nil) != fails {
			t.Errorf("error %v", err)
		}
		if len(byAnswer) == 0 {
			t.Error("nothing was kept")
		}
		for name, got := range byAnswer {
			if got.String() != body || ended[name] != whole {
				t.Errorf("%d of %d bytes, to their end: %t", got.Len(), len(body), ended[name])
			}
		}
	}
	f("", long.String(), false, true)
	f("", "nothing,that,is,known\n1,2,3,4\n", true, true)
	f("format: json\nrecords: items", `{"items":[{"id":"1"}]}`+strings.Repeat(" ", 600_000), false, true)
	f("format: json\nrecords: items", `{"items":[{"id":"1"`, true, false)
}
