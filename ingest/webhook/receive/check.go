package receive

import (
	"errors"
	"fmt"
	"net"
	"syscall"

	"github.com/quarterhour/quarterhour/ingest"
)

// Check tries the address and the certificate, and says what is wrong or risky.
func (o *Options) Check(report func(ingest.Finding)) {
	say := func(what string, outcome ingest.Outcome, format string, args ...any) {
		report(ingest.Finding{What: what, Outcome: outcome, Detail: fmt.Sprintf(format, args...)})
	}
	socket, err := net.Listen("tcp", o.Listen)
	switch address := "address " + o.Listen; {
	case errors.Is(err, syscall.EADDRINUSE):
		say(address, ingest.Doubt, "in use: fine if this pipeline is running already")
	case err != nil:
		say(address, ingest.Failure, "%v: set listen to host and port of this machine, as :8443", err)
	default:
		_ = socket.Close()
		say(address, ingest.Fine, "free")
	}
	host, _, _ := net.SplitHostPort(o.Listen)
	ip := net.ParseIP(host)
	switch _, err := o.TLS.open(); {
	case err != nil:
		say("certificate", ingest.Failure, "%v", err)
	case o.TLS.Cert != "":
		say("certificate", ingest.Fine, "can be read")
	case host != "localhost" && (ip == nil || !ip.IsLoopback()):
		say("encryption", ingest.Doubt, "without tls the secrets of senders travel in the open, unless a proxy encrypts before")
	}
	if o.Auth.Weak() {
		say("secrets", ingest.Doubt, "one is shorter than 16 characters, or there is none: give longer ones, as from openssl rand -hex 32")
	} else {
		say("secrets", ingest.Fine, "long enough")
	}
}
