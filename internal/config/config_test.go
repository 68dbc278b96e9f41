package config_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/spf13/pflag"

	"github.com/quarterhour/quarterhour/internal/config"
	"github.com/quarterhour/quarterhour/internal/spec"
)

func load(t *testing.T, yaml string, environ, args []string) (config.System, error) {
	t.Helper()
	file := ""
	if yaml != "" {
		t.Chdir(t.TempDir())
		file = "system.yaml"
		if err := os.WriteFile(file, []byte(yaml), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	flags := pflag.NewFlagSet("quarterhour", pflag.ContinueOnError)
	config.Flags(flags)
	if err := flags.Parse(args); err != nil {
		t.Fatal(err)
	}
	return config.Load(file, environ, flags)
}

func TestWithoutAnythingAllIsEmbedded(t *testing.T) {
	s, err := load(t, "", nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	if !s.EmbeddedKafka() || !s.EmbeddedClickHouse() {
		t.Error("something is not embedded")
	}
	want := config.System{Data: ".quarterhour", HTTP: config.HTTP{Addr: "127.0.0.1:8470"}, Log: config.Log{Level: "info", Format: "auto"}}
	if diff := cmp.Diff(want, s); diff != "" {
		t.Errorf("defaults (-want +got):\n%s", diff)
	}
	if tls, err := s.Kafka.TLS.Config(); tls != nil || err != nil {
		t.Errorf("TLS %v, %v; want none", tls, err)
	}
}

func TestLaterLayersWin(t *testing.T) {
	s, err := load(t, `
data: /from/file
kafka:
  brokers: [a:9092, b:9092]
  sasl: {mechanism: PLAIN, username: me, password: "${PASSWORD}"}
registry: {url: "http://r:8081"}
log: {level: warn, format: json}
`,
		[]string{"QUARTERHOUR_DATA=/from/environment", "QUARTERHOUR_LOG_LEVEL=error", "PASSWORD=s3cret", "QUARTERHOUR_CACHE=/c",
			"QUARTERHOUR_KAFKA_BROKERS=c:9092, d:9092", "QUARTERHOUR_REGISTRY_PASSWORD=${NOT_EXPANDED}"},
		[]string{"--log-level", "debug", "--kafka-brokers=e:9092,f:9092"})
	if err != nil {
		t.Fatal(err)
	}
	want := config.System{
		Data: "/from/environment",
		Kafka: config.Kafka{
			Brokers: []string{"e:9092", "f:9092"},
			SASL:    config.SASL{Mechanism: "PLAIN", Username: "me", Password: "s3cret"},
		},
		Registry: config.Registry{URL: "http://r:8081", Password: "${NOT_EXPANDED}"},
		HTTP:     config.HTTP{Addr: "127.0.0.1:8470"},
		Log:      config.Log{Level: "debug", Format: "json"},
	}
	if diff := cmp.Diff(want, s); diff != "" {
		t.Errorf("layers (-want +got):\n%s", diff)
	}
}

func TestEnvironmentAlone(t *testing.T) {
	s, err := load(t, "", []string{"QUARTERHOUR_KAFKA_BROKERS=a:1,b:2", "QUARTERHOUR_REGISTRY_URL=http://r", "QUARTERHOUR_KAFKA_TLS_ENABLED=true"}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"a:1", "b:2"}, s.Kafka.Brokers); diff != "" {
		t.Error(diff)
	}
	if tls, err := s.Kafka.TLS.Config(); tls == nil || err != nil {
		t.Errorf("TLS %v, %v; want some", tls, err)
	}
}

func TestProblemsAreAtTheirPlace(t *testing.T) {
	f := func(yaml string, environ, args []string, want ...string) {
		t.Helper()
		_, err := load(t, yaml, environ, args)
		if err == nil {
			t.Fatalf("no error, want %q", want)
		}
		if !spec.IsInvalid(err) {
			t.Errorf("%v is not of the kind that a user can correct", err)
		}
		for _, w := range want {
			if !strings.Contains(err.Error(), w) {
				t.Errorf("error\n%v\nlacks\n%s", err, w)
			}
		}
	}

	// a mistyped key, and a wrong word, each at its line
	f("log:\n  levell: info\n  format: xml\n", nil, nil,
		`system.yaml:2: unknown option "levell" in log: did you mean "level"?`, `system.yaml:3: log.format is "xml"`)
	// a wrong type
	f("data: [a]\n", nil, nil, `system.yaml:1: data is a list`)
	// not YAML
	f("data: {\n", nil, nil, `system.yaml:`)
	// a missing variable
	f("data: ${HOEM}\n", []string{"HOME=/root"}, nil, `system.yaml:1: data: variable HOEM is not set: did you mean "HOME"?`)
	// options that need each other
	f("kafka:\n  brokers: [a:9092]\n", nil, nil, `registry.url is missing`)
	f("kafka:\n  brokers:\n    - a:9092\n    - nine\nregistry: {url: 'http://r'}\n", nil, nil, `system.yaml:4: kafka.brokers[1]: "nine" is not host:port`)
	f("kafka: {sasl: {mechanism: PLAIN, username: me}}\n", nil, nil, `system.yaml:1: kafka.sasl.password is missing`)
	f("kafka: {sasl: {username: me}}\n", nil, nil, `kafka.sasl.mechanism is missing`)
	f("kafka: {tls: {certificate: me.pem}}\n", nil, nil, `kafka.tls.key is missing`)
	f("registry: {url: r}\n", nil, nil, `registry.url is not an address`)
	f("clickhouse: {url: 'clickhuose://h:9000'}\n", nil, nil, `did you mean "clickhouse"?`)
	// the environment and flags, by their names
	f("", []string{"QUARTERHOUR_LOG_LEVEL=inof"}, nil, `QUARTERHOUR_LOG_LEVEL: log.level is "inof"`, `did you mean "info"?`)
	f("", []string{"QUARTERHOUR_LOG_LEVELL=info"}, nil, `QUARTERHOUR_LOG_LEVELL: unknown variable: did you mean "QUARTERHOUR_LOG_LEVEL"?`)
	f("", nil, []string{"--log-format=xml"}, `--log-format: log.format is "xml"`)
	f("", nil, []string{"--http-addr=here"}, `--http-addr: http.addr: "here" is not host:port`)
}

func TestSecretsAreNotRepeated(t *testing.T) {
	_, err := load(t, "clickhouse: {url: 'mysql://me:s3cret@h'}\n", nil, nil)
	if err == nil || strings.Contains(err.Error(), "s3cret") {
		t.Errorf("error %v, want one without the password", err)
	}
	flags := pflag.NewFlagSet("quarterhour", pflag.ContinueOnError)
	config.Flags(flags)
	flags.VisitAll(func(f *pflag.Flag) {
		if strings.Contains(f.Name, "password") {
			t.Errorf("--%s shows a secret to everybody on the machine", f.Name)
		}
	})
}

func TestFilesThatCannotBeRead(t *testing.T) {
	if _, err := config.Load(filepath.Join(t.TempDir(), "none.yaml"), nil, nil); err == nil {
		t.Error("a missing file passes")
	}
	missing := filepath.Join(t.TempDir(), "none.pem")
	empty := filepath.Join(t.TempDir(), "empty.pem")
	if err := os.WriteFile(empty, []byte("nothing"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []config.TLS{{CA: missing}, {CA: empty}, {Certificate: missing, Key: missing}} {
		if _, err := c.Config(); err == nil || !strings.Contains(err.Error(), "tls.") {
			t.Errorf("%+v: error %v, want one that names the option", c, err)
		}
	}
}
