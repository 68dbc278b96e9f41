package httpcall

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"log/slog"
	"net/url"
	"os"

	"github.com/quarterhour/quarterhour/internal/clock"
)

// AuthOptions are how a pipeline file says who calls. Components embed them under the key auth.
type AuthOptions struct {
	Type         string            `cfg:"type" default:"none" enum:"none|basic|bearer|header|query|oauth2" help:"how requests are signed"`
	Username     string            `cfg:"username" help:"of basic"`
	Password     string            `cfg:"password,secret" help:"of basic"`
	Token        string            `cfg:"token,secret" help:"of bearer"`
	Name         string            `cfg:"name" help:"of the header or of the query parameter"`
	Value        string            `cfg:"value,secret" help:"of the header or of the query parameter"`
	TokenURL     string            `cfg:"token_url" help:"where oauth2 fetches its tokens, by the client credentials grant"`
	ClientID     string            `cfg:"client_id" help:"of oauth2"`
	ClientSecret string            `cfg:"client_secret,secret" help:"of oauth2"`
	Scope        string            `cfg:"scope" help:"of oauth2"`
	Style        string            `cfg:"style" default:"basic" enum:"basic|form|json" help:"how oauth2 shows id and secret: in the header, in the form, in a JSON object"`
	Parameters   map[string]string `cfg:"parameters" help:"further fields of the token request, such as audience"`
	IDField      string            `cfg:"id_field" default:"client_id" help:"what the token request calls the id"`
	SecretField  string            `cfg:"secret_field" default:"client_secret" help:"what the token request calls the secret"`
	TokenPath    string            `cfg:"token_path" default:"access_token" help:"where the token stands in the answer, as data.accessToken"`
	ExpiresPath  string            `cfg:"expires_path" default:"expires_in" help:"where the token's life in seconds stands in the answer"`
}

// Validate checks that what the type needs is there.
func (o *AuthOptions) Validate(problem func(path, message string)) {
	need := func(path, value string) {
		if value == "" {
			problem(path, fmt.Sprintf("is needed by type %s", o.Type))
		}
	}
	switch o.Type {
	case "basic":
		need("username", o.Username)
		need("password", o.Password)
	case "bearer":
		need("token", o.Token)
	case "header", "query":
		need("name", o.Name)
		need("value", o.Value)
	case "oauth2":
		need("client_id", o.ClientID)
		need("client_secret", o.ClientSecret)
		if u, err := url.Parse(o.TokenURL); err != nil || u.Host == "" {
			problem("token_url", "is not a URL: write it as https://host/path")
		}
	}
}

// Open makes the Auth; nil for none. TLS, watch and log are those of the calls to come.
func (o *AuthOptions) Open(name string, config *tls.Config, watch clock.Watch, log *slog.Logger) (Auth, error) {
	switch o.Type {
	case "basic":
		return Basic(o.Username, o.Password), nil
	case "bearer":
		return Bearer(o.Token), nil
	case "header":
		return Header(o.Name, "", o.Value), nil
	case "query":
		return Query(o.Name, o.Value), nil
	case "oauth2":
		return o.openOAuth2(name, config, watch, log)
	}
	return nil, nil
}

func (o *AuthOptions) openOAuth2(name string, config *tls.Config, watch clock.Watch, log *slog.Logger) (Auth, error) {
	client, err := New(Options{Name: name, TLS: config, Attempts: 3, MaxBody: 1 << 20, Watch: watch, Log: log, Secrets: []string{o.ClientSecret}})
	if err != nil {
		return nil, err
	}
	fields := make(map[string]string, len(o.Parameters)+1)
	for k, v := range o.Parameters {
		fields[k] = v
	}
	if o.Scope != "" {
		fields["scope"] = o.Scope
	}
	return NewOAuth2(OAuth2{
		TokenURL: o.TokenURL, ClientID: o.ClientID, ClientSecret: o.ClientSecret, Style: o.Style, Fields: fields,
		IDField: o.IDField, Secret: o.SecretField, Token: o.TokenPath, ExpiresIn: o.ExpiresPath, Watch: watch, Client: client,
	}), nil
}

// Secret is anything that changes when the credential does, for quota.Options.
func (o *AuthOptions) Secret() string {
	return o.Type + "\x00" + o.Username + "\x00" + o.Password + "\x00" + o.Token + "\x00" + o.Name + "\x00" + o.Value + "\x00" + o.ClientID + "\x00" + o.ClientSecret
}

// TLSOptions are how a pipeline file says which certificates are used. Components embed them under the key tls.
type TLSOptions struct {
	CA         string `cfg:"ca" help:"PEM file with the authorities that the server's certificate may be from; the machine's if left out"`
	Cert       string `cfg:"cert" help:"PEM file with the client's certificate and its chain, for mutual TLS"`
	Key        string `cfg:"key" help:"PEM file with the key of cert"`
	ServerName string `cfg:"server_name" help:"name that the server's certificate is for, where it is not the host's"`
}

// Validate checks that a certificate has its key.
func (o *TLSOptions) Validate(problem func(path, message string)) {
	if (o.Cert == "") != (o.Key == "") {
		problem("cert", "needs its key, and key its cert: give both, or neither")
	}
}

// Open reads the files; nil where none is named. The client's certificate is read again for each connection, so that a renewed one
// is used without a restart.
func (o *TLSOptions) Open() (*tls.Config, error) {
	if *o == (TLSOptions{}) {
		return nil, nil
	}
	config := &tls.Config{MinVersion: tls.VersionTLS12, ServerName: o.ServerName}
	if o.CA != "" {
		pem, err := os.ReadFile(o.CA)
		if err != nil {
			return nil, fmt.Errorf("tls.ca: %w", err)
		}
		config.RootCAs = x509.NewCertPool()
		if !config.RootCAs.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("tls.ca: %q holds no certificate in PEM", o.CA)
		}
	}
	if o.Cert == "" {
		return config, nil
	}
	load := func() (*tls.Certificate, error) {
		pair, err := tls.LoadX509KeyPair(o.Cert, o.Key)
		if err != nil {
			return nil, fmt.Errorf("tls.cert, tls.key: %w", err)
		}
		return &pair, nil
	}
	if _, err := load(); err != nil {
		return nil, err
	}
	config.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return load() }
	return config, nil
}
