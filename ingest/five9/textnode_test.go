package five9

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"runtime"
	"strings"
	"testing"
	"testing/iotest"

	"pgregory.net/rapid"
)

func readNode(r io.Reader) (string, error) {
	text, err := io.ReadAll(newTextNode(r, "return"))
	return string(text), err
}

func TestTextNode(t *testing.T) {
	f := func(body, want string, fault error) {
		t.Helper()
		for _, r := range []io.Reader{strings.NewReader(body), iotest.OneByteReader(strings.NewReader(body)), iotest.DataErrReader(strings.NewReader(body))} {
			got, err := readNode(r)
			if got != want || !errors.Is(err, fault) {
				t.Errorf("%s:\n got %q, %v\nwant %q, %v", body, got, err, want, fault)
			}
		}
	}
	wrap := func(inside string) string {
		return `<?xml version='1.0'?><!DOCTYPE x><e:Envelope xmlns:e="a>b"><e:Header/><!-- <return>no</return> --><e:Body><n:r xmlns:n='/>'>` + inside + `</n:r></e:Body></e:Envelope>`
	}
	f(wrap("<return>a,b\nc</return>"), "a,b\nc", nil)
	f(wrap("<x:return a='>'>a &lt;b&gt; &amp;amp; &quot;&apos;&#65;&#x42;&#x1F600;</x:return>"), "a <b> &amp; \"'AB😀", nil)
	f(wrap("<return><![CDATA[a &lt; ]] <b> ]>]]></return>"), "a &lt; ]] <b> ]>", nil)
	f(wrap("<return>a<![CDATA[b]]>c<!-- d -->e<?f g?>h<![CDATA[]]>i</return>"), "abcehi", nil)
	f(wrap("<return><i>a</i><j/>b</return>"), "ab", nil)
	f(wrap("<return/>"), "", nil)
	f(wrap("<return />"), "", nil)
	f(wrap("<return></return>"), "", nil)
	f(wrap("<other>a</other>"), "", errNoText)
	f(strings.TrimSuffix(wrap("<return>a"), "</n:r></e:Body></e:Envelope>"), "a", io.ErrUnexpectedEOF)
	f("<e><b><return>abc", "abc", io.ErrUnexpectedEOF)
	f("<e><b><return>a&lt", "a", io.ErrUnexpectedEOF)
	f("<e><b><return><![CDATA[a]", "a", io.ErrUnexpectedEOF)
	f("no xml at all", "", errNoText)
}

func TestTextNodeRefuses(t *testing.T) {
	f := func(body string) {
		t.Helper()
		if text, err := readNode(strings.NewReader(body)); err == nil {
			t.Errorf("%.60q passed as %q", body, text)
		}
	}
	f("<r><return>&nbsp;</return></r>")
	f("<r><return>&#xD800;</return></r>")
	f("<r><return>&#99999999;</return></r>")
	f("<r><return>&unterminated and on</return></r>")
	f("<r><return>a<![XDATA[b]]></return></r>")
	f("<r><" + strings.Repeat("x", maxTag+1))
}

// What XML's own writer escapes, or a CDATA section holds, comes back, however the stream is cut into pieces.
func TestTextNodeProperty(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want := rapid.StringOf(rapid.SampledFrom([]rune("ab,\"\n<>&'];é😀]]>"))).Draw(t, "text")
		var b bytes.Buffer
		b.WriteString("<e><return>")
		if rapid.Bool().Draw(t, "cdata") {
			b.WriteString(cdata(strings.ReplaceAll(want, "]]>", "]]]]><![CDATA[>")))
		} else if err := xml.EscapeText(&b, []byte(want)); err != nil {
			t.Fatal(err)
		}
		b.WriteString("</return></e>")
		got, err := readNode(iotest.HalfReader(&b))
		if err != nil || got != want {
			t.Fatalf("got %q, %v, want %q", got, err, want)
		}
	})
}

// The reader agrees with XML's own parser, or refuses.
func FuzzTextNode(f *testing.F) {
	f.Add([]byte("<e><return>a&lt;<![CDATA[b]]></return></e>"))
	f.Add([]byte("<e><!-- x --><n:return a='b'>&#65;</n:return></e>"))
	f.Fuzz(func(t *testing.T, body []byte) {
		got, err := readNode(bytes.NewReader(body))
		again, err2 := readNode(iotest.OneByteReader(bytes.NewReader(body)))
		if got != again || (err == nil) != (err2 == nil) {
			t.Fatalf("%q and %q, %v and %v", got, again, err, err2)
		}
		var want struct {
			Return []struct {
				Text string `xml:",chardata"`
				Any  []struct {
					XMLName xml.Name
				} `xml:",any"`
			} `xml:"return"`
		}
		d := xml.NewDecoder(bytes.NewReader(body))
		if err != nil || bytes.ContainsRune(body, '\r') || d.Decode(&want) != nil || len(want.Return) == 0 || len(want.Return[0].Any) > 0 {
			return
		}
		if got != want.Return[0].Text {
			t.Fatalf("got %q, XML's parser says %q", got, want.Return[0].Text)
		}
	})
}

// endless gives a body of so many rows.
type endless struct {
	head, row, foot string
	rows            int
	rest            string
	began, ended    bool
}

func (e *endless) Read(p []byte) (int, error) {
	for e.rest == "" {
		switch {
		case !e.began:
			e.began, e.rest = true, e.head
		case e.rows > 0:
			e.rows--
			e.rest = e.row
		case !e.ended:
			e.ended, e.rest = true, e.foot
		default:
			return 0, io.EOF
		}
	}
	n := copy(p, e.rest)
	e.rest = e.rest[n:]
	return n, nil
}

// A million rows take no more memory than a thousand.
func TestTextNodeMemory(t *testing.T) {
	most := func(rows int) uint64 {
		e := &endless{head: "<e><return>" + escaped(callHeader), row: escaped(oneCall), foot: "</return></e>", rows: rows}
		sheet := newCSVSheet(newTextNode(e, "return"))
		var peak uint64
		for n := 0; ; n++ {
			if _, err := sheet.next(); err != nil {
				if !errors.Is(err, io.EOF) || n != rows+1 {
					t.Fatalf("%d rows, %v", n, err)
				}
				return peak
			}
			if n%(rows/4) == 0 {
				runtime.GC()
				var m runtime.MemStats
				runtime.ReadMemStats(&m)
				peak = max(peak, m.HeapAlloc)
			}
		}
	}
	small, large := most(1_000), most(200_000)
	if large > small+small/10 {
		t.Errorf("%d bytes for 200,000 rows, %d for 1,000", large, small)
	}
}
