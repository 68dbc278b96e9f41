package calabrio

import (
	"encoding/xml"
	"errors"
	"flag"
	"fmt"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/quarterhour/quarterhour/internal/httpcall"
)

var update = flag.Bool("update", false, "write the golden files anew")

// golden compares with a file of testdata.
func golden(t *testing.T, name, got string) {
	t.Helper()
	path := "testdata/" + name
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s\n%s", name, diff)
	}
}

type xmlNode struct {
	XMLName  xml.Name
	Text     string    `xml:",chardata"`
	Children []xmlNode `xml:",any"`
}

// fits checks an element against the structure of the service's description.
func fits(t *testing.T, n xmlNode) {
	t.Helper()
	text, err := os.ReadFile("testdata/structure.txt")
	if err != nil {
		t.Fatal(err)
	}
	space, want := "", []string{"?"}
	for line := range strings.Lines(string(text)) {
		name, list, is := strings.Cut(strings.TrimSpace(line), ": ")
		switch {
		case strings.HasPrefix(line, "http://"):
			space = strings.TrimSpace(line)
		case is && space == n.XMLName.Space && name == n.XMLName.Local:
			want = strings.Split(list, ", ")
		}
	}
	var got []string
	for k, c := range n.Children {
		if c.XMLName.Space != n.XMLName.Space {
			t.Errorf("%s is in %q", c.XMLName.Local, c.XMLName.Space)
		}
		kind := ""
		if k < len(want) {
			_, kind, _ = strings.Cut(want[k], " ")
		}
		var err error
		switch kind {
		case "boolean":
			_, err = strconv.ParseBool(c.Text)
		case "int":
			_, err = strconv.ParseInt(c.Text, 10, 32)
		case "dateTime":
			if _, err = time.Parse(time.RFC3339, c.Text); err == nil && !strings.HasSuffix(c.Text, "Z") {
				err = errors.New("it is not in UTC")
			}
		case "guid":
			if !guid.MatchString(c.Text) {
				err = errors.New("it is no GUID")
			}
		case "list":
			for _, state := range c.Children {
				fits(t, state)
			}
		}
		if err != nil {
			t.Errorf("%s is %q: %v", c.XMLName.Local, c.Text, err)
		}
		got = append(got, c.XMLName.Local+" "+kind)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%s\n%s", n.XMLName.Local, diff)
	}
}

func TestRequestsHaveTheStructureOfTheService(t *testing.T) {
	a := &adherence{o: &Adherence{AuthenticationKey: "k<&>", SourceID: "1", PlatformTypeID: "00000000-0000-0000-0000-000000000000"}}
	states := []userState{
		{"2001", "NOT_READY", "Lunch & more", true, first.UnixMilli() + 250},
		{"Zoë \"z\"", "logged_out", "logged out", false, first.Add(time.Minute).UnixMilli()},
	}
	for name, body := range map[string][]byte{
		"batch.xml": a.batch(states, first.Add(time.Hour), false), "snapshot.xml": a.batch(states[:1], first.Add(time.Hour), true), "closing.xml": a.closing(first.Add(time.Hour)),
	} {
		golden(t, name, strings.ReplaceAll(string(body), "><", ">\n<")+"\n")
		var envelope struct {
			XMLName xml.Name `xml:"http://schemas.xmlsoap.org/soap/envelope/ Envelope"`
			Body    struct {
				Operations []xmlNode `xml:",any"`
			} `xml:"http://schemas.xmlsoap.org/soap/envelope/ Body"`
		}
		if err := xml.Unmarshal(body, &envelope); err != nil || len(envelope.Body.Operations) != 1 {
			t.Fatalf("%s: %v", name, err)
		}
		fits(t, envelope.Body.Operations[0])
	}
}

const answered = `<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body>%s</s:Body></s:Envelope>`

func TestResults(t *testing.T) {
	f := func(body string, want int, wrong string) {
		t.Helper()
		n, err := result([]byte(body))
		if wrong == "" && (err != nil || n != want) || wrong != "" && (err == nil || !strings.Contains(err.Error(), wrong)) {
			t.Errorf("%s: %d, %v", body, n, err)
		}
	}
	f(fmt.Sprintf(answered, `<SaveBatchExternalUserStateResponse xmlns="http://tempuri.org/"><SaveBatchExternalUserStateResult>1</SaveBatchExternalUserStateResult></SaveBatchExternalUserStateResponse>`), 1, "")
	f(fmt.Sprintf(answered, `<SaveExternalUserStateResponse xmlns="http://tempuri.org/"><SaveExternalUserStateResult> -100 </SaveExternalUserStateResult></SaveExternalUserStateResponse>`), -100, "")
	f(fmt.Sprintf(answered, `<SaveExternalUserStateResponse xmlns="http://tempuri.org/"><SaveExternalUserStateResult>x</SaveExternalUserStateResult></SaveExternalUserStateResponse>`), 0, "not a number")
	f(fmt.Sprintf(answered, ""), 0, "no result")
	f("{}", 0, "cannot be read")
	f("", 0, "cannot be read")
}

func FuzzResult(f *testing.F) {
	f.Add([]byte(fmt.Sprintf(answered, `<SaveBatchExternalUserStateResponse xmlns="http://tempuri.org/"><SaveBatchExternalUserStateResult>1</SaveBatchExternalUserStateResult></SaveBatchExternalUserStateResponse>`)))
	f.Add([]byte(fmt.Sprintf(answered, `<s:Fault><faultcode>x</faultcode><faultstring>y</faultstring></s:Fault>`)))
	f.Fuzz(func(t *testing.T, text []byte) {
		n, err := result(text)
		var fault *httpcall.Error
		if err != nil && (n != 0 || !errors.As(err, &fault)) {
			t.Errorf("%q: %d, %v", text, n, err)
		}
	})
}
