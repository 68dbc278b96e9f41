package broker

import (
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/segmentio/kafka-go/sasl"
	"github.com/segmentio/kafka-go/sasl/plain"
	"github.com/segmentio/kafka-go/sasl/scram"
)

// Config says how to reach a cluster.
type Config struct {
	Brokers  []string    // host:port each; at least one
	ClientID string      // how the brokers' logs name us; default "quarterhour"
	TLS      *tls.Config // nil: no TLS
	SASL     SASL
	// Patience is how long a request that may succeed later is tried again before its error is handed out; default 1 m.
	Patience time.Duration
	Log      *slog.Logger // default: none
}

// SASL is a user's credentials. Without a mechanism there are none.
type SASL struct {
	Mechanism      string // PLAIN, SCRAM-SHA-256 or SCRAM-SHA-512
	User, Password string
}

func (o *Config) complete() error {
	if len(o.Brokers) == 0 {
		return errors.New("no Kafka brokers are configured: give at least one host:port")
	}
	if o.ClientID == "" {
		o.ClientID = "quarterhour"
	}
	if o.Patience <= 0 {
		o.Patience = time.Minute
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	return nil
}

func (o *Config) mechanism() (sasl.Mechanism, error) {
	switch strings.ToUpper(o.SASL.Mechanism) {
	case "":
		return nil, nil
	case "PLAIN":
		return plain.Mechanism{Username: o.SASL.User, Password: o.SASL.Password}, nil
	case "SCRAM-SHA-256":
		return scram.Mechanism(scram.SHA256, o.SASL.User, o.SASL.Password)
	case "SCRAM-SHA-512":
		return scram.Mechanism(scram.SHA512, o.SASL.User, o.SASL.Password)
	}
	return nil, fmt.Errorf("unknown SASL mechanism %q: use PLAIN, SCRAM-SHA-256 or SCRAM-SHA-512", o.SASL.Mechanism)
}
