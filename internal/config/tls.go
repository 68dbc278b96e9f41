package config

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"os"
)

// TLS is how a connection is encrypted. Certificates are PEM files.
type TLS struct {
	Enabled     bool   `cfg:"enabled" help:"encrypt; implied by the options below"`
	CA          string `cfg:"ca" help:"file of the authorities to trust; otherwise those of the operating system"`
	Certificate string `cfg:"certificate" help:"file of our own certificate, where the other side asks for one"`
	Key         string `cfg:"key" help:"file of its private key"`
	ServerName  string `cfg:"server_name" help:"name in the server's certificate, where it is not the host's"`
}

func (t TLS) on() bool { return t != TLS{} }

func (t TLS) validate(path string, problem func(path, message string)) {
	switch {
	case t.Certificate != "" && t.Key == "":
		problem(path+".key", "is missing: a certificate is of no use without its key")
	case t.Certificate == "" && t.Key != "":
		problem(path+".certificate", "is missing: a key is of no use without its certificate")
	}
}

// Config reads the files; it is nil where nothing is set.
func (t TLS) Config() (*tls.Config, error) {
	if !t.on() {
		return nil, nil //nolint:nilnil // nil is how a connection without encryption is asked for
	}
	c := &tls.Config{MinVersion: tls.VersionTLS12, ServerName: t.ServerName}
	if t.CA != "" {
		pem, err := os.ReadFile(t.CA)
		if err != nil {
			return nil, fmt.Errorf("tls.ca: %w", err)
		}
		c.RootCAs = x509.NewCertPool()
		if !c.RootCAs.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("tls.ca: %q holds no certificate in PEM form", t.CA)
		}
	}
	if t.Certificate != "" {
		own, err := tls.LoadX509KeyPair(t.Certificate, t.Key)
		if err != nil {
			return nil, fmt.Errorf("tls.certificate: %w", err)
		}
		c.Certificates = []tls.Certificate{own}
	}
	return c, nil
}
