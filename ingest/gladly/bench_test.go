package gladly

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"runtime"
	"strconv"
	"testing"
	"time"

	"github.com/quarterhour/quarterhour/internal/httpcall"
)

// writeEvents writes about size bytes of a stream of 23 hours that ends now, of so many agents.
func writeEvents(to io.Writer, size int64, agents int, end time.Time) (events int64) {
	kinds := []string{"AGENT_STATUS/WENT_AWAY", "AGENT_STATUS/RETURNED_FROM_AWAY", "AGENT_AVAILABILITY/UPDATED", "AGENT_AVAILABILITY/UPDATED", "AGENT_AVAILABILITY/FOCUS_ENTERED"}
	w := bufio.NewWriterSize(to, 1<<20)
	start, span := end.Add(-23*time.Hour).UnixMilli(), 23*time.Hour.Milliseconds()
	var line []byte
	for written := int64(0); written < size; events++ {
		at := start + span*written/size
		kind := kinds[events%int64(len(kinds))]
		line = fmt.Appendf(line[:0], `{"id":"q1Yt0b5nQeK3l7m%07d","type":"%s","timestamp":"%s","initiator":{"id":"XeEJwrnuTfabHMK5%06d","type":"AGENT"},"content":{"agentId":"XeEJwrnuTfabHMK5%06d","availableFor":["MESSAGING","VOICE"],"awayReason":{"id":"aGaHXjD4li-moMR8LbULZb","name":"Lunch"},"occurredAt":"%s"}}`+"\n",
			events, kind, stamp(at), events%int64(agents), events%int64(agents), stamp(at-7))
		if _, err := w.Write(line); err != nil {
			return events
		}
		written += int64(len(line))
	}
	_ = w.Flush()
	return events
}

// transport answers requests out of the process's own memory.
type transport func(w io.Writer)

func (t transport) RoundTrip(r *http.Request) (*http.Response, error) {
	body, to := io.Pipe()
	go func() {
		t(to)
		_ = to.Close()
	}()
	return &http.Response{StatusCode: http.StatusOK, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Header: http.Header{"Content-Type": {"application/x-jsonlines"}}, Body: body, Request: r}, nil
}

// readStream reads a stream of about so many bytes into a tracker, and reports what the heap was at intervals.
func readStream(t testing.TB, size int64, agents int) (events, facts int64, heap []uint64) {
	end := time.Date(2026, 3, 2, 18, 0, 0, 0, time.UTC)
	watch := &leap{now: end}
	calls, err := httpcall.New(httpcall.Options{Base: "http://gladly.test", Watch: watch, Transport: transport(func(w io.Writer) { writeEvents(w, size, agents, end) })})
	if err != nil {
		t.Fatal(err)
	}
	tr := newTracker(&standard, time.Hour.Milliseconds())
	tr.give = func(string, derived) error { facts++; return nil }
	s := eventStream{client: &client{http: calls, watch: watch}, entities: statusEntities, progress: func(int64, int64, string) {}}
	s.bad = func(line []byte, location, problem string) error {
		return fmt.Errorf("%s %s: %s", location, problem, line)
	}
	every := max(size/330/40, 1)
	s.each = func(e *event) error {
		if events++; events%every == 0 {
			var m runtime.MemStats
			runtime.GC()
			runtime.ReadMemStats(&m)
			heap = append(heap, m.HeapAlloc)
		}
		_, err := tr.take(e)
		return err
	}
	if err := s.run(context.Background(), end.Add(-23*time.Hour), end); err != nil {
		t.Fatal(err)
	}
	if _, err := tr.save(); err != nil {
		t.Fatal(err)
	}
	return events, facts, heap
}

// The memory that a stream takes does not depend on its length: it is that of the last hour's events. QUARTERHOUR_STREAM_MB makes the
// stream longer, as 1024.
func TestMemoryStaysFlat(t *testing.T) {
	size := int64(24)
	if mb := os.Getenv("QUARTERHOUR_STREAM_MB"); mb != "" {
		var err error
		if size, err = strconv.ParseInt(mb, 10, 64); err != nil {
			t.Fatal(err)
		}
	}
	events, facts, heap := readStream(t, size<<20, 500)
	if len(heap) < 20 || facts < events/2 {
		t.Fatalf("%d events, %d facts, %d looks at the heap", events, facts, len(heap))
	}
	settled := heap[len(heap)/5:] // after the first hours
	least, most := settled[0], settled[0]
	for _, h := range settled {
		least, most = min(least, h), max(most, h)
	}
	t.Logf("%d MB, %d events: heap from %.1f to %.1f MB", size, events, float64(least)/(1<<20), float64(most)/(1<<20))
	if float64(most-least) > 0.2*float64(least) { // ± 10 %
		t.Errorf("the heap is from %d to %d bytes", least, most)
	}
}

func BenchmarkEventStream(b *testing.B) {
	size := int64(64 << 20)
	b.SetBytes(size)
	for b.Loop() {
		readBenchStream(b, size)
	}
}

// readBenchStream leaves the making of the stream out of the time, as far as it can be: it is made once.
func readBenchStream(b *testing.B, size int64) {
	b.StopTimer()
	if madeStream == nil {
		var buffer sliceWriter
		writeEvents(&buffer, size, 500, time.Date(2026, 3, 2, 18, 0, 0, 0, time.UTC))
		madeStream = buffer
	}
	tr := newTracker(&standard, time.Hour.Milliseconds())
	tr.give = func(string, derived) error { return nil }
	b.StartTimer()
	lines := newLines(&sliceReader{madeStream})
	var e event
	for {
		line, _, _, err := lines.next()
		if err != nil {
			break
		}
		if problem := e.parse(line); problem != "" {
			b.Fatal(problem)
		}
		if _, err := tr.take(&e); err != nil {
			b.Fatal(err)
		}
	}
}

var madeStream []byte

type sliceWriter []byte

func (s *sliceWriter) Write(p []byte) (int, error) { *s = append(*s, p...); return len(p), nil }

type sliceReader struct{ left []byte }

func (s *sliceReader) Read(p []byte) (int, error) {
	n := copy(p, s.left)
	if s.left = s.left[n:]; n == 0 {
		return 0, io.EOF
	}
	return n, nil
}

func BenchmarkParseEvent(b *testing.B) {
	line := []byte(`{"id":"q1Yt0b5nQeK3l7mPzR2sUw","type":"AGENT_STATUS/WENT_AWAY","timestamp":"2026-03-02T17:03:10.412Z","initiator":{"id":"XeEJwrnuTfabHMK5ZW1fGg","type":"AGENT"},"content":{"agentId":"XeEJwrnuTfabHMK5ZW1fGg","awayReason":{"id":"aGaHXjD4li-moMR8LbULZb","name":"Lunch"},"occurredAt":"2026-03-02T17:03:10.405Z"}}`)
	b.SetBytes(int64(len(line)))
	b.ReportAllocs()
	var e event
	for b.Loop() {
		if problem := e.parse(line); problem != "" {
			b.Fatal(problem)
		}
	}
}

// A report of 50,000 rows, from its bytes to its facts.
func BenchmarkWorkSessions(b *testing.B) {
	var text sliceWriter
	text = append(text, sessionHeader...)
	const rows = 50_000
	for i := range rows {
		text = fmt.Appendf(text, "1JrKq3l7mPzR2sUw%06d,dzweSumI4bFxjl%08d,2026-03-02T17:04:12.070Z,594wMEbZSx-RmYSkUMeCPw,mTs0fj5qSo63Sg4RRuulPQ,0tvvSDnvQVGchp-Gax%04d,CHAT,INBOUND,2026-03-02T17:04:40.000Z,2026-03-02T17:04:13.000Z,XeEJwrnuTfabHMK5%06d,2026-03-02T17:05:01.000Z,2026-03-02T17:19:30.000Z,ANSWERED,true,890.5,42,0,0tvvSDnvQVGchp-Gax%04d\n",
			i, i, i%20, i%500, i%20)
	}
	o := &Options{Queue: "inbox_id", OfferedAt: "contact_session_routed_at"}
	book := newBook(o, &directory{})
	b.SetBytes(int64(len(text)))
	b.ReportAllocs()
	for b.Loop() {
		t, err := openTable(workSessions, &sliceReader{text}, sessionColumns...)
		if err != nil {
			b.Fatal(err)
		}
		facts := 0
		for {
			problem, err := t.next()
			if err != nil {
				break
			}
			s, wrong := o.session(t)
			if problem+wrong != "" {
				b.Fatal(problem, wrong)
			}
			for _, p := range o.parts([]session{s}) {
				if book.fact(s.contact, &p).Segment != "" {
					facts++
				}
			}
		}
		if facts != rows {
			b.Fatal(facts)
		}
	}
	b.ReportMetric(float64(rows)*float64(b.N)/b.Elapsed().Seconds(), "rows/s")
}
