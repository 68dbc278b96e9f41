package gladly

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/quarterhour/quarterhour/internal/httpcall"
)

// cutter answers with the events of the window that is asked for, and ends the first answers after so many bytes.
type cutter struct {
	lines []string
	at    []time.Time // recorded
	cuts  []int       // bytes, for each answer; what is beyond an answer cuts nothing
	ends  bool        // an answer that is cut ends as if it were whole
	asked int
}

func (c *cutter) RoundTrip(r *http.Request) (*http.Response, error) {
	from, err := time.Parse(time.RFC3339, r.URL.Query().Get("startAt"))
	if err != nil {
		return nil, err
	}
	var text strings.Builder
	for i, line := range c.lines {
		if !c.at[i].Before(from) {
			text.WriteString(line)
		}
	}
	var body io.Reader = strings.NewReader(text.String())
	if c.asked < len(c.cuts) && c.cuts[c.asked] < text.Len() {
		body = strings.NewReader(text.String()[:c.cuts[c.asked]])
		if !c.ends {
			body = io.MultiReader(body, broken{})
		}
	}
	c.asked++
	return &http.Response{StatusCode: http.StatusOK, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Header: http.Header{}, Body: io.NopCloser(body), Request: r}, nil
}

type broken struct{}

func (broken) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }

// Wherever a stream is cut, and however often, the states are those of the whole stream. A stream that ends between two lines as if it
// were whole cannot be told from a whole one: there the connection breaks.
func TestCutsAnywhere(t *testing.T) {
	kinds := []string{"AGENT_STATUS/LOGGED_IN", "AGENT_STATUS/LOGGED_OUT", "AGENT_STATUS/WENT_AWAY", "AGENT_STATUS/RETURNED_FROM_AWAY"}
	end := time.Date(2026, 3, 2, 18, 0, 0, 0, time.UTC)
	read := func(c *cutter) (told, error) {
		watch := &leap{now: end}
		calls, err := httpcall.New(httpcall.Options{Base: "http://gladly.test", Watch: watch, Transport: c})
		if err != nil {
			return nil, err
		}
		got, tr := told{}, newTracker(&standard, time.Hour.Milliseconds())
		tr.give = got.give
		s := eventStream{client: &client{http: calls, watch: watch, log: slog.New(slog.DiscardHandler)}, entities: statusEntities, progress: func(int64, int64, string) {}}
		s.bad = func(line []byte, location, problem string) error {
			return fmt.Errorf("%s: %s %q", location, problem, line)
		}
		s.each = func(e *event) error { _, err := tr.take(e); return err }
		if err := s.run(context.Background(), end.Add(-time.Hour), end); err != nil {
			return nil, err
		}
		return got, tr.flush()
	}
	rapid.Check(t, func(rt *rapid.T) {
		c := &cutter{ends: rapid.Bool().Draw(rt, "ends")}
		at, length := end.Add(-50*time.Minute), 0
		for i := range rapid.IntRange(1, 15).Draw(rt, "events") {
			at = at.Add(time.Duration(rapid.IntRange(0, 100).Draw(rt, "pause")) * time.Second)
			c.at = append(c.at, at)
			line := statusLine(fmt.Sprint("e", i), at.Add(-time.Second).Format(time.RFC3339Nano), rapid.SampledFrom(kinds).Draw(rt, "kind"), "a", "", time.Second)
			c.lines = append(c.lines, line)
			length += len(line)
		}
		whole := &cutter{lines: c.lines, at: c.at}
		want, err := read(whole)
		if err != nil {
			rt.Fatal(err)
		}
		c.cuts = rapid.SliceOfN(rapid.IntRange(0, length), 0, maxCuts-1).Draw(rt, "cuts")
		if c.ends {
			for i, n := range c.cuts { // not between two lines
				for sum, l := 0, 0; l < len(c.lines); l++ {
					if sum += len(c.lines[l]); n == sum || n == sum-1 || n == 0 {
						c.cuts[i] = length + 1
					}
				}
			}
			c.cuts = c.cuts[:min(len(c.cuts), 1)] // where the lines of a later answer end depends on the first
		}
		got, err := read(c)
		if err != nil {
			rt.Fatal(err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			rt.Fatal(diff)
		}
	})
}
