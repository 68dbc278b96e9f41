package rows

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"
)

// items reads a document, in one piece or byte by byte. The last element says how it ended.
func items(text, path string, oneByOne bool, captures ...string) (got []string) {
	var r io.Reader = strings.NewReader(text)
	if oneByOne {
		r = iotest.OneByteReader(r)
	}
	var paths [][]string
	for _, c := range captures {
		paths = append(paths, Path(c))
	}
	t := NewItems(NewWindow(r), Path(path), paths, nil)
	for {
		row, err := t.Next()
		var bad *Error
		switch {
		case errors.Is(err, io.EOF):
			for i := range captures {
				if c := t.Captured(i); c != nil {
					got = append(got, captures[i]+"="+string(c))
				}
			}
			return got
		case errors.As(err, &bad):
			got = append(got, bad.Reason)
		case err != nil:
			return append(got, "error: "+err.Error())
		default:
			got = append(got, string(row))
		}
	}
}

func TestItems(t *testing.T) {
	f := func(text, path string, want string, captures ...string) {
		t.Helper()
		for _, oneByOne := range []bool{false, true} {
			if got := strings.Join(items(text, path, oneByOne, captures...), " "); got != want {
				t.Errorf("%.80s at %q (byte by byte: %v):\n got %.200s\nwant %s", text, path, oneByOne, got, want)
			}
		}
	}
	f(`[{"a":1},{"a":2}]`, "", `{"a":1} {"a":2}`)                                  // a list
	f(`{"a":1}`, "", `{"a":1}`)                                                    // one object
	f("{\"a\":1}\n{\"a\":2}\n", "", `{"a":1} {"a":2}`)                             // JSON Lines
	f("[{\"a\":1}]\n[{\"a\":2}]\n", "", `{"a":1} {"a":2}`)                         // lists, one after the other
	f("", "", "")                                                                  // nothing
	f(" [ ] ", "", "")                                                             // an empty list
	f(`{"data":{"items":[{"a":"]}"}, 1 ,"x"]}}`, "data.items", `{"a":"]}"} 1 "x"`) // what an element is, is for others to say
	f(`{"data":{"items":{"a":1}}}`, "data.items", `{"a":1}`)                       // one object in place of a list of one
	f(`{"data":{"items":null}}`, "data.items", "")
	f(`{"data":null,"x":[[1],{"y":"\"}"}]}`, "data.items", "")
	f(`{"next":"n\"1","items":[{}],"meta":{"more":true,"x":2}}`, "items", `{} next="n\"1" meta.more=true`, "next", "meta.more", "meta.none")
	f(`{"items":[1],"next":null}`, "items", "1 next=null", "next")
	f("{\"a\":1,\"next\":\"x\"}\n{\"a\":2}", "", `{"a":1,"next":"x"} {"a":2} next="x"`, "next")
	f(`{"agents":[{"shifts":[1,2]},{"shifts":[3]},{}]}`, "agents.shifts", "1 2 3") // a list on the way
	f(`{"\u0061":[1]}`, "a", "1")                                                  // a name with escapes
	f(`{"a":[1}`, "a", "1 error: not valid JSON: '}' at character 8, where , or ] is needed")
	f(`{"a":[{"b":1`, "a", "error: the document ends too early")
	f(`{"a":[1],`, "a", "1 error: the document ends too early")
	f(`{a:1}`, "b", "error: not valid JSON: 'a' at character 2, where a name is needed")
	f(`{"a" 1}`, "b", "error: not valid JSON: '1' at character 6, where : is needed")
	f(`{"a":}`, "b", "error: not valid JSON: '}' at character 6, where a value is needed")
	f(`}`, "b", "error: not valid JSON: '}' at character 1, where a value is needed")
	f(`<html>`, "", "error: not valid JSON: '<' at character 1, where an object or a list is needed")
	f(`"text"`, "items", "")
	f(`[{"a":"`+strings.Repeat("x", MaxRow+10)+`"},{"a":2}]`, "", `too_long {"a":2}`)
	f(`{"other":"`+strings.Repeat("x", 3*MaxRow)+`","a":[7]}`, "a", "7")
	f(strings.Repeat(`{"a":`, 300), "a"+strings.Repeat(".a", 299), "error: objects and lists are nested more than 200 deep")
}

// The elements of any list that encoding/json takes are found, however it is cut into reads.
func FuzzItems(f *testing.F) {
	for _, s := range []string{`[{"a":1},"x,]",[1,{"b":"\\\""}],null]`, `{"items":[1,2],"next":"x"}`, `[`, `{"items":{}}`, "{}\n{}", `{"items":[[[[]]]]}`} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		for _, path := range []string{"", "items"} {
			got, again := items(s, path, false, "next"), items(s, path, true, "next")
			if diff := cmp.Diff(got, again); diff != "" {
				t.Fatalf("%q: read byte by byte: %s", s, diff)
			}
		}
		var want []json.RawMessage
		if json.Unmarshal([]byte(s), &want) != nil || want == nil {
			return
		}
		list := make([]string, len(want))
		for i, v := range want {
			list[i] = strings.TrimSpace(string(v))
		}
		if diff := cmp.Diff(fmt.Sprintf("%q", list), fmt.Sprintf("%q", append([]string{}, items(s, "", false)...))); diff != "" {
			t.Fatalf("%q: %s", s, diff)
		}
	})
}
