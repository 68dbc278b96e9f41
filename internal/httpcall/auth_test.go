package httpcall

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/quarterhour/quarterhour/internal/clock"
	"github.com/quarterhour/quarterhour/internal/quota"
)

func TestSigning(t *testing.T) {
	for _, c := range []struct {
		options AuthOptions
		want    func(r *http.Request) string
		value   string
	}{
		{AuthOptions{Type: "basic", Username: "u", Password: "pä:ss"}, func(r *http.Request) string { u, p, _ := r.BasicAuth(); return u + " " + p }, "u pä:ss"},
		{AuthOptions{Type: "bearer", Token: "t0ken"}, func(r *http.Request) string { return r.Header.Get("Authorization") }, "Bearer t0ken"},
		{AuthOptions{Type: "header", Name: "X-Api-Key", Value: "k"}, func(r *http.Request) string { return r.Header.Get("x-api-key") }, "k"},
		{AuthOptions{Type: "query", Name: "key", Value: "k&1"}, func(r *http.Request) string { return r.URL.Query().Get("key") + r.URL.Query().Get("a") }, "k&1b"},
	} {
		auth, err := c.options.Open("acme", nil, nil, nil)
		if err != nil {
			t.Fatal(err)
		}
		client, v, _ := serve(t, func(o *Options) { o.Auth = auth }, says("text/plain", "x"))
		if _, _, err := client.Bytes(t.Context(), &Request{Path: "?a=b"}); err != nil {
			t.Fatal(err)
		}
		if got := c.want(v.got[0]); got != c.value {
			t.Errorf("%s: signed with %q, want %q", c.options.Type, got, c.value)
		}
	}
	if auth, err := (&AuthOptions{Type: "none"}).Open("acme", nil, nil, nil); auth != nil || err != nil {
		t.Errorf("none: %v, %v", auth, err)
	}
}

// tokens is a token endpoint, and an API that takes its newest token.
type tokens struct {
	mu     sync.Mutex
	issued int
	asked  []string // the bodies
	refuse int      // status of the next answer of the endpoint, 0: none
	body   string
}

func (s *tokens) token() string { return fmt.Sprintf("token-%d", s.issued) }

func (s *tokens) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	w.Header().Set("Content-Type", "application/json")
	if r.URL.Path == "/token" {
		body, _ := io.ReadAll(r.Body)
		s.asked = append(s.asked, strings.TrimSpace(r.Header.Get("Authorization")+" "+string(body)))
		if s.refuse != 0 {
			w.WriteHeader(s.refuse)
			fmt.Fprint(w, s.body)
			return
		}
		s.issued++
		fmt.Fprintf(w, s.body, s.token())
		return
	}
	if r.Header.Get("Authorization") != "Bearer "+s.token() {
		w.WriteHeader(http.StatusUnauthorized)
		return
	}
	fmt.Fprint(w, "{}")
}

func (s *tokens) start(t *testing.T, change func(*AuthOptions), also func(*Options)) (*Client, *dozer) {
	t.Helper()
	server := httptest.NewServer(s)
	t.Cleanup(server.Close)
	watch := &dozer{now: start}
	o := AuthOptions{
		Type: "oauth2", TokenURL: server.URL + "/token", ClientID: "me", ClientSecret: "s3cr&t", Style: "basic",
		IDField: "client_id", SecretField: "client_secret", TokenPath: "access_token", ExpiresPath: "expires_in",
	}
	if change != nil {
		change(&o)
	}
	auth, err := o.Open("acme", nil, watch, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	options := Options{Name: "acme", Base: server.URL, Auth: auth, Watch: watch}
	if also != nil {
		also(&options)
	}
	c, err := New(options)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c, watch
}

const rfcToken = `{"access_token":"%s","token_type":"Bearer","expires_in":3600}`

func TestTokenRequests(t *testing.T) {
	for _, c := range []struct {
		change func(*AuthOptions)
		body   string
		want   string
	}{
		{nil, rfcToken, "Basic bWU6czNjciUyNnQ= grant_type=client_credentials"},
		{func(o *AuthOptions) { o.Style, o.Scope = "form", "a b" }, rfcToken, "client_id=me&client_secret=s3cr%26t&grant_type=client_credentials&scope=a+b"},
		{func(o *AuthOptions) {
			o.Style, o.TokenPath, o.ExpiresPath, o.IDField, o.SecretField = "json", "data.accessToken", "data.expiresIn", "clientId", "clientSecret"
			o.Parameters = map[string]string{"tenant": "t"}
		}, `{"data":{"accessToken":"%s","expiresIn":"3600"}}`, `{"clientId":"me","clientSecret":"s3cr\u0026t","grant_type":"client_credentials","tenant":"t"}`},
	} {
		s := &tokens{body: c.body}
		client, _ := s.start(t, c.change, nil)
		if _, _, err := client.Bytes(t.Context(), &Request{Path: "x"}); err != nil {
			t.Error(err)
		}
		if len(s.asked) != 1 || s.asked[0] != c.want {
			t.Errorf("asked %q, want %q", s.asked, c.want)
		}
	}
}

func TestTokenIsRenewed(t *testing.T) {
	s := &tokens{body: rfcToken}
	client, watch := s.start(t, nil, nil)
	call := func(want int) {
		t.Helper()
		if _, _, err := client.Bytes(t.Context(), &Request{Path: "x"}); err != nil || s.issued != want {
			t.Errorf("%v after %d tokens, want %d", err, s.issued, want)
		}
	}
	call(1)
	watch.Sleep(t.Context(), 58*time.Minute)
	call(1)
	watch.Sleep(t.Context(), 70*time.Second) // 52 s before it expires
	call(2)
	s.mu.Lock()
	s.issued++ // the vendor forgot it
	s.mu.Unlock()
	call(4)
	var group sync.WaitGroup
	s.mu.Lock()
	s.issued++
	s.mu.Unlock()
	for range 20 { // one of them fetches a token for all
		group.Go(func() {
			if _, _, err := client.Bytes(t.Context(), &Request{Path: "x"}); err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
	if s.issued != 6 {
		t.Errorf("%d tokens, want 6", s.issued)
	}
}

func TestTokenIsRefused(t *testing.T) {
	for _, c := range []struct {
		status int
		body   string
		kind   Kind
		says   string
	}{
		{401, `{"error":"invalid_client"}`, Refused, "not accepted"},
		{400, `{"error":"invalid_client","client_secret":"s3cr&t"}`, Refused, "not accepted"},
		{400, `{"error":"invalid_scope"}`, Permanent, "invalid_scope"},
		{503, "", Transient, "503"},
		{200, `{"token":"x"}`, Permanent, `no text at "access_token"`},
		{200, `<x>`, Permanent, "not JSON"},
	} {
		keyring := &quota.Keyring{Watch: &dozer{now: start}}
		credential := keyring.Open("acme", quota.Options{Secret: "s"})
		s := &tokens{refuse: c.status, body: c.body}
		client, _ := s.start(t, nil, func(o *Options) { o.Credential, o.Attempts = credential, 1 })
		_, _, err := client.Bytes(t.Context(), &Request{Path: "x"})
		var e *Error
		if !errors.As(err, &e) || e.Kind != c.kind || !strings.Contains(err.Error(), c.says) || strings.Contains(err.Error(), "s3cr") {
			t.Errorf("%d %s: error %v", c.status, c.body, err)
		}
		_, _, err = client.Bytes(t.Context(), &Request{Path: "x"})
		if locked := errors.Is(err, quota.ErrLocked); locked != (c.kind == Refused) {
			t.Errorf("%d %s: then %v", c.status, c.body, err)
		}
	}
}

func TestRefusals(t *testing.T) {
	for _, c := range []struct {
		name   string
		status int
		lock   bool // LockOnForbidden
		locked bool
	}{{"401", 401, false, true}, {"403", 403, false, false}, {"403 that locks", 403, true, true}, {"404", 404, true, false}} {
		credential := (&quota.Keyring{Watch: &dozer{now: start}}).Open("acme", quota.Options{Secret: "s"})
		client, v, _ := serve(t, func(o *Options) { o.Credential, o.LockOnForbidden = credential, c.lock }, status(c.status))
		for range 2 {
			if _, err := client.Do(t.Context(), &Request{}); err == nil {
				t.Errorf("%s: no error", c.name)
			}
		}
		if locked := v.calls() == 1; locked != c.locked {
			t.Errorf("%s: %d calls", c.name, v.calls())
		}
	}
}

// Where the vendor takes one request at a time, the next one waits until the answer has been read.
func TestHold(t *testing.T) {
	credential := (&quota.Keyring{Watch: clock.Wall}).Open("acme", quota.Options{Exclusive: true})
	client, v, _ := serve(t, func(o *Options) { o.Credential, o.Hold, o.Watch = credential, true, clock.Wall }, says("text/plain", strings.Repeat("x", 100)))
	first, err := client.Do(t.Context(), &Request{})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Millisecond)
	defer cancel()
	if _, err := client.Do(ctx, &Request{}); !errors.Is(err, context.DeadlineExceeded) || v.calls() != 1 {
		t.Errorf("error %v after %d calls", err, v.calls())
	}
	if _, err := io.ReadAll(first.Body); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if _, _, err := client.Bytes(t.Context(), &Request{}); err != nil {
			t.Error(err)
		}
	}
	first.Body.Close()
}

// A 429 keeps everybody who shares the credential waiting.
func TestThrottleIsShared(t *testing.T) {
	watch := &dozer{now: start}
	credential := (&quota.Keyring{Watch: watch}).Open("acme", quota.Options{})
	client, _, _ := serve(t, func(o *Options) { o.Credential, o.Watch, o.Attempts = credential, watch, 1 }, status(429, "Retry-After", "600"), says("text/plain", "x"))
	if _, err := client.Do(t.Context(), &Request{Operation: "report"}); err == nil {
		t.Error("no error")
	}
	var spent *quota.Exhausted
	if _, err := client.Do(t.Context(), &Request{Operation: "report"}); !errors.As(err, &spent) || spent.Until.Before(start.Add(10*time.Minute)) {
		t.Errorf("error %v", err)
	}
	if _, err := client.Do(t.Context(), &Request{Operation: "other"}); err != nil {
		t.Error(err)
	}
}

// certificate writes a certificate and its key as PEM files, signed by itself.
func certificate(t *testing.T, dir, name string) (cert, key string) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &private.PublicKey, private)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := x509.MarshalECPrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	cert, key = filepath.Join(dir, name+".crt"), filepath.Join(dir, name+".key")
	os.WriteFile(cert, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o600)
	os.WriteFile(key, pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: raw}), 0o600)
	return cert, key
}

func TestMutualTLS(t *testing.T) {
	dir := t.TempDir()
	serverCert, serverKey := certificate(t, dir, "server")
	clientCert, clientKey := certificate(t, dir, "client")
	pair, err := tls.LoadX509KeyPair(serverCert, serverKey)
	if err != nil {
		t.Fatal(err)
	}
	clients := x509.NewCertPool()
	text, _ := os.ReadFile(clientCert)
	clients.AppendCertsFromPEM(text)
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprint(w, r.TLS.PeerCertificates[0].Subject.CommonName)
	}))
	server.TLS = &tls.Config{Certificates: []tls.Certificate{pair}, ClientCAs: clients, ClientAuth: tls.RequireAndVerifyClientCert}
	server.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelInfo)
	server.StartTLS()
	defer server.Close()
	call := func(o TLSOptions) (string, error) {
		config, err := o.Open()
		if err != nil {
			return "", err
		}
		c, err := New(Options{Base: server.URL, TLS: config, Attempts: 1})
		if err != nil {
			return "", err
		}
		defer c.Close()
		body, _, err := c.Bytes(t.Context(), &Request{})
		return string(body), err
	}
	if got, err := call(TLSOptions{CA: serverCert, Cert: clientCert, Key: clientKey}); got != "client" || err != nil {
		t.Errorf("%q, %v", got, err)
	}
	for _, o := range []TLSOptions{{}, {CA: serverCert}, {CA: clientCert, Cert: clientCert, Key: clientKey}, {CA: serverKey}, {CA: filepath.Join(dir, "none")}, {Cert: clientCert, Key: serverKey}} {
		if _, err := call(o); err == nil {
			t.Errorf("%+v: no error", o)
		}
	}
}

func TestAuthValidate(t *testing.T) {
	for _, c := range []struct {
		o    AuthOptions
		want string
	}{
		{AuthOptions{Type: "none"}, ""},
		{AuthOptions{Type: "basic", Username: "u"}, "password"},
		{AuthOptions{Type: "bearer"}, "token"},
		{AuthOptions{Type: "header", Name: "X"}, "value"},
		{AuthOptions{Type: "query", Value: "X"}, "name"},
		{AuthOptions{Type: "oauth2", ClientID: "i", ClientSecret: "s", TokenURL: "/token"}, "token_url"},
	} {
		var got []string
		c.o.Validate(func(path, _ string) { got = append(got, path) })
		if strings.Join(got, " ") != c.want {
			t.Errorf("%+v: problems %q, want %q", c.o, got, c.want)
		}
	}
}
