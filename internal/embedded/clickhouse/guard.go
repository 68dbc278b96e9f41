package clickhouse

import (
	"net"
	"net/http"
	"net/url"
)

// foreign gives the reason to refuse a request that a web page of another site made the user's browser send: everything that
// listens on loopback can be reached that way. Programs send no Origin, and name the address they connect to.
func foreign(r *http.Request) string {
	local, ok := r.Context().Value(http.LocalAddrContextKey).(*net.TCPAddr)
	if !ok || !local.IP.IsLoopback() {
		return ""
	}
	if !loopbackHost(r.Host) {
		return "this ClickHouse listens on loopback: call it by 127.0.0.1 or localhost, not by " + r.Host
	}
	if origin := r.Header.Get("Origin"); origin != "" {
		if u, err := url.Parse(origin); err != nil || !loopbackHost(u.Host) {
			return "this ClickHouse listens on loopback and does not answer pages of " + origin
		}
	}
	return ""
}

func loopbackHost(hostport string) bool {
	host, _, err := net.SplitHostPort(hostport)
	if err != nil {
		host = hostport
	}
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback() || host == "[::1]"
}
