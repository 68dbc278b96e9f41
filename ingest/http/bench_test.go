package http

import (
	"bytes"
	"context"
	"fmt"
	nethttp "net/http"
	"runtime"
	"testing"
	"time"

	"github.com/quarterhour/quarterhour/ingest"
	"github.com/quarterhour/quarterhour/schemas"
)

// nothing is an ingest.Out that costs nothing.
type nothing struct {
	ingest.Out
	facts, dead int
}

func (n *nothing) Contact(context.Context, *schemas.Contact) error   { n.facts++; return nil }
func (n *nothing) Reject(context.Context, *schemas.DeadLetter) error { n.dead++; return nil }
func (n *nothing) Commit(context.Context, []byte) error              { return nil }
func (n *nothing) Mark(context.Context, string, int64) error         { return nil }

func page(format string, records int) []byte {
	var b bytes.Buffer
	if format == "csv" {
		b.WriteString("id,queue,agent,queued_at,answered_at,remark\n")
	} else {
		b.WriteString(`{"meta":{"page":1},"data":{"items":[`)
	}
	for i := range records {
		at := noon.Add(-time.Hour).Add(time.Duration(i%3600) * time.Second).Format(time.RFC3339)
		if format == "csv" {
			fmt.Fprintf(&b, "call-%07d,sales,dana,%s,%s,a remark that nobody reads\n", i, at, at)
			continue
		}
		if i > 0 {
			b.WriteByte(',')
		}
		fmt.Fprintf(&b, `{"id":"call-%07d","queue":"sales","agent":"dana","queued_at":"%s","answered_at":"%s","remark":"a remark that nobody reads","tags":["a","b"]}`, i, at, at)
	}
	if format == "json" {
		b.WriteString(`],"next":null}}`)
	}
	return b.Bytes()
}

const benchStream = `
streams:
  calls:
    path: calls?from={from}
    every: 15m
    back: 1h
    records: data.items
    as: contact
    fields: {interaction_id: id, queue_id: queue, agent_id: agent, offered_at: time(queued_at), answered_at: time(answered_at)}
`

// BenchmarkPage is one page of 50,000 records, from the socket through the flow to the log's door.
func BenchmarkPage(b *testing.B) {
	const records = 50_000
	for _, format := range []string{"json", "csv"} {
		b.Run(format, func(b *testing.B) {
			body := page(format, records)
			a := serve(b, func(w nethttp.ResponseWriter, _ *nethttp.Request) {
				w.Header().Set("Content-Type", "text/"+format)
				w.Write(body)
			})
			o := parse(b, "url: "+a.url+benchStream)
			b.SetBytes(int64(len(body)))
			n := &nothing{}
			for b.Loop() {
				s, err := open(o, deps(&dozer{now: noon}))
				if err != nil {
					b.Fatal(err)
				}
				if err := s.Run(b.Context(), nil, n); err != nil {
					b.Fatal(err)
				}
			}
			if n.dead > 0 || n.facts != b.N*records {
				b.Fatalf("%+v", n)
			}
			b.ReportMetric(float64(b.N*records)/b.Elapsed().Seconds(), "records/s")
		})
	}
}

// A page is streamed: memory does not grow with it.
func TestMemoryIsFlat(t *testing.T) {
	body := page("json", 20_000) // 4 MB
	peak := func(repeat int) uint64 {
		most := uint64(0)
		a := serve(t, func(w nethttp.ResponseWriter, _ *nethttp.Request) {
			w.Header().Set("Content-Type", "application/x-jsonlines")
			for range repeat {
				w.Write(body)
				w.Write([]byte("\n"))
			}
		})
		s, err := open(parse(t, "url: "+a.url+benchStream), deps(&dozer{now: noon}))
		if err != nil {
			t.Fatal(err)
		}
		st, err := s.newStream("calls")
		if err != nil {
			t.Fatal(err)
		}
		look := &sampling{every: 20_000, sample: func() {
			var m runtime.MemStats
			runtime.GC()
			runtime.ReadMemStats(&m)
			most = max(most, m.HeapAlloc)
		}}
		v := st.values(noon.Add(-time.Hour), noon)
		got, _, err := st.once(t.Context(), look, v, "", 1)
		if err != nil || got.records != int64(repeat*20_000) {
			t.Fatalf("%v after %d records", err, got.records)
		}
		return most
	}
	small, large := peak(1), peak(5)
	if large > small+small/4+1<<20 {
		t.Errorf("%d kB for a page of 4 MB, %d kB for one of 20 MB", small>>10, large>>10)
	}
}

// sampling is a taker that looks at the memory now and then.
type sampling struct {
	looker
	n, every int
	sample   func()
}

func (s *sampling) Contact(context.Context, *schemas.Contact) error {
	if s.n++; s.n%s.every == 0 {
		s.sample()
	}
	return nil
}
