package receive

import (
	"net"
	"strings"
	"testing"

	"github.com/quarterhour/quarterhour/ingest"
)

func TestCheck(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	f := func(o Options, want ...string) {
		t.Helper()
		var got []string
		o.Check(func(x ingest.Finding) { got = append(got, x.What+": "+string(x.Outcome)+": "+x.Detail) })
		text := strings.Join(got, "\n")
		for _, w := range want {
			if !strings.Contains(text, w) {
				t.Errorf("%+v: no %q in\n%s", o, w, text)
			}
		}
		if len(got) < len(want) {
			t.Errorf("%s", text)
		}
	}
	long := Auth{Tokens: []string{strings.Repeat("x", 32)}}
	f(Options{Listen: "127.0.0.1:0", Auth: long}, "address 127.0.0.1:0: ok: free", "secrets: ok")
	f(Options{Listen: taken.Addr().String(), Auth: long}, ": warning: in use")
	f(Options{Listen: ":99999", Auth: Auth{Tokens: []string{"short"}}}, "address :99999: failed: ", "encryption: warning", "secrets: warning")
	f(Options{Listen: "127.0.0.1:0", TLS: TLS{Cert: "nowhere.crt", Key: "nowhere.key"}}, "certificate: failed: open nowhere.crt")
}
