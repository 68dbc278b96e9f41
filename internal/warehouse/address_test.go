package warehouse

import (
	"crypto/tls"
	"fmt"
	"strings"
	"testing"

	"github.com/ClickHouse/clickhouse-go/v2"
)

func TestAddress(t *testing.T) {
	f := func(c Config, want string) {
		t.Helper()
		a, err := parseAddress(c)
		if err != nil {
			t.Errorf("%+v: %v", c, err)
			return
		}
		describe := func(o *clickhouse.Options) string {
			s := fmt.Sprintf("%s %v", o.Protocol, o.Addr)
			if o.Auth.Username != "" {
				s += " " + o.Auth.Username
			}
			if o.TLS != nil {
				s += strings.TrimRight(" tls "+o.TLS.ServerName, " ")
			}
			if o.Compression != nil {
				s += " " + o.Compression.Method.String()
			}
			return s
		}
		if got := fmt.Sprintf("%s: %s; ask %s", a.database, describe(a.insert), describe(a.query)); got != want {
			t.Errorf("%+v:\ngot  %s\nwant %s", c, got, want)
		}
		if a.insert.Auth.Database != "" || a.query.Auth.Database != a.database {
			t.Errorf("%+v: sessions in %q and %q", c, a.insert.Auth.Database, a.query.Auth.Database)
		}
	}
	f(Config{URL: "http://127.0.0.1:8123"}, "quarterhour: http [127.0.0.1:8123]; ask http [127.0.0.1:8123]")
	f(Config{URL: "http://127.0.0.1:9?compress=lz4"}, "quarterhour: http [127.0.0.1:9] lz4; ask http [127.0.0.1:9] lz4")
	f(Config{URL: "http://ch/wfm"}, "wfm: http [ch:8123] lz4; ask http [ch:8123] lz4")
	f(Config{URL: "https://u:p@ch"}, "quarterhour: http [ch:8443] u tls lz4; ask http [ch:8443] u tls lz4")
	f(Config{URL: "clickhouse://u:p@ch/wfm", Database: "other"}, "other: native [ch:9000] u lz4; ask http [ch:8123] u")
	f(Config{URL: "clickhouse://u:p@ch?secure=true", TLS: &tls.Config{ServerName: "own"}}, "quarterhour: native [ch:9440] u tls own lz4; ask http [ch:8443] u tls own")
	f(Config{URL: "tcp://a:1", QueryURL: "https://b:2"}, "quarterhour: native [a:1] lz4; ask http [b:2] tls lz4")
}

func TestAddressErrors(t *testing.T) {
	f := func(c Config, want string) {
		t.Helper()
		_, err := parseAddress(c)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%+v: %v, want %q in it", c, err, want)
		}
		if err != nil && strings.Contains(err.Error(), "s3cret") {
			t.Errorf("the message shows the password: %v", err)
		}
	}
	f(Config{}, "write clickhouse://user:password@host:9000/quarterhour")
	f(Config{URL: "ch:9000"}, "write clickhouse://")
	f(Config{URL: "kafka://u:s3cret@ch"}, `"kafka" is no protocol of ClickHouse`)
	f(Config{URL: "clickhouse://u:s3cret@ch:port"}, "not a URL")
	f(Config{URL: "http://u:s3cret@ch?dial_timeout=long"}, "dial timeout")
	f(Config{URL: "http://ch", Database: "a`b"}, "letters, digits and _ only")
	f(Config{URL: "http://ch", QueryURL: "clickhouse://u:s3cret@ch"}, "use http:// or https://")
}
