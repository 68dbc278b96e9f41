package rows

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/quarterhour/quarterhour/internal/expression"
)

// elements reads the values at paths of each record, and how it ended.
func elements(text, records string, captures []string, paths ...string) (got []string) {
	split := func(list []string) (paths [][]string) {
		for _, p := range list {
			paths = append(paths, Path(p))
		}
		return paths
	}
	x := NewXML(strings.NewReader(text), Path(records), split(captures), split(paths), []string{"[None]"})
	e := expression.Env{Values: make([]expression.Value, len(paths))}
	for {
		err := x.Read(&e)
		var bad *Error
		switch {
		case errors.Is(err, io.EOF):
			for i, name := range captures {
				got = append(got, name+"="+x.Captured(i))
			}
			return got
		case errors.As(err, &bad):
			got = append(got, bad.Reason)
		case err != nil:
			return append(got, "error: "+err.Error())
		default:
			row := ""
			for _, v := range e.Values {
				if !v.IsNil() {
					row += v.String()
				}
				row += "|"
			}
			got = append(got, row)
		}
	}
}

func TestXML(t *testing.T) {
	f := func(text, records, want string, captures []string, paths ...string) {
		t.Helper()
		if got := strings.Join(elements(text, records, captures, paths...), " "); got != want {
			t.Errorf("%.200s:\n got %.300s\nwant %s", text, got, want)
		}
	}
	f(`<r><c><id>1</id><q>a</q></c><c><q>b &amp; c</q><id>2</id></c></r>`, "r.c", "1|a| 2|b & c|", nil, "id", "q")
	f(`<s:r xmlns:s="urn:x"><s:c s:id="7"><s:q>a</s:q></s:c></s:r>`, "r.c", "7|a|", nil, "@id", "q")
	f(`<r><next>n</next><c><id>1</id></c><x><next>no</next></x></r>`, "r.c", "1| r.next=n", []string{"r.next"}, "id")
	f(`<r xmlns:xsi="i"><c><id xsi:nil="true"/><q>[None]</q><n/></c></r>`, "r.c", "|||", nil, "id", "q", "n")
	f(`<r><c><l>1</l><l>2</l></c></r>`, "r.c", `["1","2"]|`, nil, "l")
	f(`<r><c><a><b>1</b></a></c></r>`, "r.c", `1|{"b":"1"}|`, nil, "a.b", "a")
	f(`<r><c x="1">text</c></r>`, "r.c", "text|1|", nil, "#text", "@x")
	f(`<r><!-- no --><![CDATA[x]]></r>`, "r.c", "", nil, "id")
	f(`<r><c><id>1</id></c><c><id>`, "r.c", "1| error: not valid XML: line 1: unexpected EOF", nil, "id")
	f(`<r><c></r>`, "r.c", "error: not valid XML: line 1: element <c> closed by </r>", nil, "id")
	f(``, "r.c", "error: the document is empty, where XML was expected", nil, "id")
	f(`<r><c><id>`+strings.Repeat("x", MaxRow+1)+`</id></c><c><id>2</id></c></r>`, "r.c", "too_long 2|", nil, "id")
	f("<r><c>"+strings.Repeat("<a>", 300)+strings.Repeat("</a>", 300)+"</c></r>", "r.c", fmt.Sprintf("error: elements are nested more than %d deep", maxDepth), nil, "id")
}

func FuzzXML(f *testing.F) {
	f.Add(`<r><c id="1"><q>x</q></c><c/></r>`)
	f.Add(`<r><c>`)
	f.Fuzz(func(t *testing.T, s string) {
		elements(s, "r.c", []string{"r.next"}, "q", "@id", "a.b") // it ends, and does not panic
	})
}
