package warehouse

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"strings"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"
)

const defaultDatabase = "quarterhour"

// address is a Config made into the driver's options: one set for inserts and statements, one for Query.
type address struct {
	database      string
	insert, query *clickhouse.Options
}

func parseAddress(c Config) (address, error) {
	insert, err := parseURL(c.URL, c)
	if err != nil {
		return address{}, err
	}
	a := address{database: defaultDatabase, insert: insert}
	if insert.Auth.Database != "" {
		a.database = insert.Auth.Database
	}
	if c.Database != "" {
		a.database = c.Database
	}
	if strings.ContainsAny(a.database, "`\"'\\\n") {
		return address{}, fmt.Errorf("database %q: a name has letters, digits and _ only", a.database)
	}
	// The database may not exist yet, and a server refuses a session in one that does not: all names are written in full.
	insert.Auth.Database = ""
	query := *insert
	switch {
	case c.QueryURL != "":
		q, err := parseURL(c.QueryURL, c)
		if err != nil {
			return address{}, err
		}
		if q.Protocol != clickhouse.HTTP {
			return address{}, fmt.Errorf("query address %q: only ClickHouse's HTTP interface answers in every format: use http:// or https://", redact(c.QueryURL))
		}
		query = *q
	case insert.Protocol == clickhouse.Native:
		query.Protocol, query.Addr = clickhouse.HTTP, httpPorts(insert.Addr, insert.TLS != nil)
		query.Compression = nil
	}
	query.Auth.Database = a.database
	a.query = &query
	return a, nil
}

func parseURL(raw string, c Config) (*clickhouse.Options, error) {
	u, err := url.Parse(raw)
	if err != nil || u.Host == "" {
		return nil, fmt.Errorf("ClickHouse address %q: write clickhouse://user:password@host:9000/quarterhour or http://host:8123", redact(raw))
	}
	switch u.Scheme {
	case "clickhouse", "tcp", "http":
	case "https": // the driver wants to be told twice
		q := u.Query()
		q.Set("secure", "true")
		u.RawQuery = q.Encode()
	default:
		return nil, fmt.Errorf("ClickHouse address %q: %q is no protocol of ClickHouse: use clickhouse://, http:// or https://", redact(raw), u.Scheme)
	}
	if u.Port() == "" {
		u.Host = net.JoinHostPort(u.Hostname(), defaultPort(u))
	}
	o, err := clickhouse.ParseDSN(u.String())
	if err != nil {
		return nil, fmt.Errorf("ClickHouse address %q: %w", redact(raw), err)
	}
	if c.TLS != nil && o.TLS != nil {
		o.TLS = c.TLS.Clone()
	}
	// lz4 costs less than it saves on a network; on this machine it only costs.
	if o.Compression == nil && !loopback(u.Hostname()) {
		o.Compression = &clickhouse.Compression{Method: clickhouse.CompressionLZ4}
	}
	if c.Product != "" {
		o.ClientInfo.Products = append(o.ClientInfo.Products, struct{ Name, Version string }{c.Product, c.Version})
	}
	if o.MaxOpenConns == 0 {
		o.MaxOpenConns, o.MaxIdleConns = 32, 8
	}
	if o.DialTimeout == 0 {
		o.DialTimeout = 10 * time.Second
	}
	return o, nil
}

func defaultPort(u *url.URL) string {
	secure := u.Query().Get("secure") == "true"
	switch {
	case u.Scheme == "http":
		return "8123"
	case u.Scheme == "https":
		return "8443"
	case secure:
		return "9440"
	}
	return "9000"
}

// httpPorts are the same hosts at the ports where servers have their HTTP interface.
func httpPorts(native []string, secure bool) []string {
	port := "8123"
	if secure {
		port = "8443"
	}
	var all []string
	for _, a := range native {
		if host, _, err := net.SplitHostPort(a); err == nil {
			a = host
		}
		all = append(all, net.JoinHostPort(a, port))
	}
	return all
}

func loopback(host string) bool {
	ip, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && ip.IsLoopback()
}

// redact takes the password out of an address for a message.
func redact(raw string) string {
	u, err := url.Parse(raw)
	if err != nil {
		var e *url.Error
		if errors.As(err, &e) {
			return "(not a URL: " + e.Err.Error() + ")"
		}
		return "(not a URL)"
	}
	return u.Redacted()
}
