package config

import (
	"fmt"
	"net"
	"net/url"
	"slices"

	"github.com/quarterhour/quarterhour/internal/spec"
)

// System is the whole configuration. The tags are those of spec.Component.
type System struct {
	Data       string     `cfg:"data" default:".quarterhour" help:"folder that holds everything the embedded engines keep"`
	Kafka      Kafka      `cfg:"kafka" help:"a Kafka cluster; without it, the embedded one"`
	Registry   Registry   `cfg:"registry" help:"its schema registry, with Confluent's interface"`
	ClickHouse ClickHouse `cfg:"clickhouse" help:"a ClickHouse server; without it, the embedded engine"`
	HTTP       HTTP       `cfg:"http" help:"where /metrics, /healthz and /readyz answer"`
	Log        Log        `cfg:"log" help:"what is written to standard error"`
}

// Kafka is how to reach a cluster.
type Kafka struct {
	Brokers []string `cfg:"brokers" help:"host:port of one or more brokers to start from"`
	TLS     TLS      `cfg:"tls" help:"encryption"`
	SASL    SASL     `cfg:"sasl" help:"who we are"`
}

// SASL is a user's name and password.
type SASL struct {
	Mechanism string `cfg:"mechanism" enum:"PLAIN|SCRAM-SHA-256|SCRAM-SHA-512" help:"how the password is proved"`
	Username  string `cfg:"username" help:"user"`
	Password  string `cfg:"password,secret" help:"password"`
}

// Registry is how to reach a schema registry.
type Registry struct {
	URL      string `cfg:"url" help:"http://host:port or https://host:port"`
	Username string `cfg:"username" help:"user, where it asks for one"`
	Password string `cfg:"password,secret" help:"password"`
	TLS      TLS    `cfg:"tls" help:"certificates, for https"`
}

// ClickHouse is how to reach a server.
type ClickHouse struct {
	URL string `cfg:"url,secret" help:"clickhouse://user:password@host:9000/?secure=true, or http(s)://user:password@host:8123"`
}

// HTTP is our own listener.
type HTTP struct {
	Addr string `cfg:"addr" default:"127.0.0.1:8470" help:"host:port of /metrics, /healthz and /readyz; \"off\" for none"`
}

// Log is what is logged, and how.
type Log struct {
	Level  string `cfg:"level" default:"info" enum:"debug|info|warn|error" help:"least severity that is written"`
	Format string `cfg:"format" default:"auto" enum:"auto|text|json" help:"auto: text on a terminal, JSON otherwise"`
}

// EmbeddedKafka says that Kafka and the schema registry run inside the process.
func (s System) EmbeddedKafka() bool { return len(s.Kafka.Brokers) == 0 }

// EmbeddedClickHouse says that ClickHouse's engine runs inside the process.
func (s System) EmbeddedClickHouse() bool { return s.ClickHouse.URL == "" }

// Validate checks what types do not say.
func (s *System) Validate(problem func(path, message string)) {
	if s.Data == "" {
		problem("data", "is empty: name a folder")
	}
	for i, b := range s.Kafka.Brokers {
		if !hostPort(b) {
			problem(fmt.Sprintf("kafka.brokers[%d]", i), spec.Describe(text(b))+" is not host:port, as in \"kafka-1:9092\"")
		}
	}
	switch {
	case len(s.Kafka.Brokers) > 0 && s.Registry.URL == "":
		problem("registry.url", "is missing: a Kafka cluster needs a schema registry, which keeps the ids that its records carry")
	case len(s.Kafka.Brokers) == 0 && s.Registry.URL != "":
		problem("registry.url", "is given without kafka.brokers: the embedded Kafka has a registry of its own; remove one or add the other")
	}
	checkURL(problem, "registry.url", s.Registry.URL, "http", "https")
	checkURL(problem, "clickhouse.url", s.ClickHouse.URL, "clickhouse", "http", "https", "tcp")
	if a := s.HTTP.Addr; a != "off" && !hostPort(a) {
		problem("http.addr", spec.Describe(text(a))+" is not host:port, as in \"127.0.0.1:8470\", nor \"off\"")
	}
	s.Kafka.SASL.validate(problem)
	s.Kafka.TLS.validate("kafka.tls", problem)
	s.Registry.TLS.validate("registry.tls", problem)
}

func (s SASL) validate(problem func(path, message string)) {
	switch {
	case s.Mechanism == "" && (s.Username != "" || s.Password != ""):
		problem("kafka.sasl.mechanism", "is missing: write PLAIN, SCRAM-SHA-256 or SCRAM-SHA-512")
	case s.Mechanism != "" && s.Username == "":
		problem("kafka.sasl.username", "is missing: "+s.Mechanism+" needs a user")
	case s.Mechanism != "" && s.Password == "":
		problem("kafka.sasl.password", "is missing: "+s.Mechanism+" needs a password")
	}
}

// checkURL never repeats the address, which may hold a password.
func checkURL(problem func(path, message string), path, address string, schemes ...string) {
	if address == "" {
		return
	}
	u, err := url.Parse(address)
	switch {
	case err != nil || u.Host == "":
		problem(path, "is not an address, as in \""+schemes[0]+"://host:port\"")
	case !slices.Contains(schemes, u.Scheme):
		problem(path, spec.Describe(text(u.Scheme))+" is not a way to reach it"+spec.Suggest(u.Scheme, schemes))
	}
}

func hostPort(s string) bool {
	_, port, err := net.SplitHostPort(s)
	return err == nil && port != ""
}
