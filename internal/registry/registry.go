package registry

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/sr"
)

// ErrUnknown is what an id that the registry does not have ends in. Other errors say that the registry is away, and may pass.
var ErrUnknown = errors.New("no such schema")

// timeout of one request.
const timeout = 10 * time.Second

// Option is a setting of Open.
type Option func(*options)

type options struct {
	username, password string
	tls                *tls.Config
}

// BasicAuth signs every request with a user's name and password.
func BasicAuth(username, password string) Option {
	return func(o *options) { o.username, o.password = username, password }
}

// TLS sets certificates and keys for https addresses.
func TLS(c *tls.Config) Option { return func(o *options) { o.tls = c } }

// Client asks a registry, once for each question. Safe for concurrent use.
type Client struct {
	url  string
	from *sr.Client

	mu      sync.RWMutex
	ids     map[registration]int
	schemas map[int]string
}

type registration struct{ subject, schema string }

// Open makes a client; nothing is asked yet.
func Open(address string, opts ...Option) (*Client, error) {
	u, err := url.Parse(address)
	if err != nil || u.Host == "" || (u.Scheme != "http" && u.Scheme != "https") {
		return nil, fmt.Errorf("schema registry address %q is not a URL: write http://host:port", address)
	}
	var o options
	for _, set := range opts {
		set(&o)
	}
	transport := http.DefaultTransport.(*http.Transport).Clone()
	if o.tls != nil {
		transport.TLSClientConfig = o.tls
	}
	settings := []sr.ClientOpt{
		sr.URLs(address), sr.UserAgent("quarterhour"),
		sr.HTTPClient(&http.Client{Timeout: timeout, Transport: transport}),
	}
	if o.username != "" {
		settings = append(settings, sr.BasicAuth(o.username, o.password))
	}
	from, err := sr.NewClient(settings...)
	if err != nil {
		return nil, fmt.Errorf("schema registry %q: %w", address, err)
	}
	return &Client{url: address, from: from, ids: map[registration]int{}, schemas: map[int]string{}}, nil
}

// Register gives the id of an Avro schema under the subject, entering it where it is not there.
func (c *Client) Register(ctx context.Context, subject, schemaJSON string) (int, error) {
	key := registration{subject, schemaJSON}
	c.mu.RLock()
	id, ok := c.ids[key]
	c.mu.RUnlock()
	if ok {
		return id, nil
	}
	id, err := c.from.RegisterSchema(ctx, subject, sr.Schema{Schema: schemaJSON, Type: sr.TypeAvro}, -1, -1)
	if err != nil {
		return 0, c.explain(fmt.Sprintf("register %q", subject), err)
	}
	c.mu.Lock()
	c.ids[key] = id
	c.mu.Unlock()
	return id, nil
}

// Schema gives the schema that stands behind an id, as its writer registered it.
func (c *Client) Schema(ctx context.Context, id int) (string, error) {
	c.mu.RLock()
	text, ok := c.schemas[id]
	c.mu.RUnlock()
	if ok {
		return text, nil
	}
	s, err := c.from.SchemaByID(ctx, id)
	if err != nil {
		return "", c.explain(fmt.Sprintf("schema %d", id), err)
	}
	if s.Type != sr.TypeAvro {
		return "", fmt.Errorf("schema registry %s: schema %d is %s, and only Avro is read", c.url, id, s.Type)
	}
	if len(s.References) > 0 {
		return "", fmt.Errorf("schema registry %s: schema %d refers to other schemas, which is not supported: register it in one piece", c.url, id)
	}
	c.mu.Lock()
	c.schemas[id] = s.Schema
	c.mu.Unlock()
	return s.Schema, nil
}

// Ping asks the registry anything, to see that it answers.
func (c *Client) Ping(ctx context.Context) error {
	if _, err := c.from.SupportedTypes(ctx); err != nil {
		return c.explain("ping", err)
	}
	return nil
}

// explain adds what the reader can do. The registry's own message is kept, with its code.
func (c *Client) explain(doing string, err error) error {
	var answer *sr.ResponseError
	if !errors.As(err, &answer) {
		return fmt.Errorf("schema registry %s: %s: %w", c.url, doing, err)
	}
	hint := ""
	if answer.StatusCode == http.StatusNotFound {
		err = fmt.Errorf("%w: %w", ErrUnknown, err)
	}
	switch answer.StatusCode {
	case http.StatusUnauthorized, http.StatusForbidden:
		hint = ": check registry.username and registry.password"
	case http.StatusConflict:
		hint = ": the registry refuses an incompatible schema: set the subject's compatibility to BACKWARD, or use a registry of its own"
	case http.StatusNotFound:
		hint = ": is this the registry that the topics were written with?"
	}
	return fmt.Errorf("schema registry %s: %s: %w (status %d, code %d)%s", c.url, doing, err, answer.StatusCode, answer.ErrorCode, hint)
}
