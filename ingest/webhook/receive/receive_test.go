package receive

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"crypto/sha512"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"io"
	"log/slog"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/quarterhour/quarterhour/internal/clock"
)

func options(auth Auth) *Options {
	return &Options{Listen: "127.0.0.1:0", Path: "/hook", Auth: auth, MaxBody: 100, Concurrent: 4, Within: 5 * time.Second, ReadTimeout: 5 * time.Second}
}

// start serves until the test ends. stop makes it end sooner, and waits for it.
func start(t *testing.T, o *Options, handler Handler) (url string, stop func()) {
	t.Helper()
	l, err := Open(o, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- l.Serve(ctx, handler) }()
	stopped := false
	stop = func() {
		if stopped {
			return
		}
		stopped = true
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
	t.Cleanup(stop)
	return "http://" + l.Addr() + o.Path, stop
}

func echo(_ context.Context, r *Request) error {
	r.Answer.Body = bytes.Clone(r.Body)
	return nil
}

// post sends a body with headers given as name, value, name, value.
func post(t *testing.T, url, body string, header ...string) (status int, text string, h http.Header) {
	t.Helper()
	r, err := http.NewRequest(http.MethodPost, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	answer, _ := io.ReadAll(resp.Body)
	return resp.StatusCode, string(answer), resp.Header
}

func basic(user, password string) string {
	return "Basic " + base64.StdEncoding.EncodeToString([]byte(user+":"+password))
}

func sign(key, text string) string {
	m := hmac.New(sha256.New, []byte(key))
	m.Write([]byte(text))
	return hex.EncodeToString(m.Sum(nil))
}

func TestSecrets(t *testing.T) {
	now := clock.Now()
	seconds := strconv.FormatInt(now.Unix(), 10)
	old := strconv.FormatInt(now.Add(-time.Hour).Unix(), 10)
	tokens := Auth{Tokens: []string{"new-token", "old-token"}}
	users := Auth{Username: "gladly", Passwords: []string{"p1", "p2"}, Header: "X-Key", Values: []string{"k"}}
	signed := Auth{HMAC: HMAC{Secrets: []string{"k1", "k2"}, Header: "X-Hub-Signature-256", Prefix: "sha256=", Algorithm: "sha256", Encoding: "hex"}}
	stamped := Auth{HMAC: HMAC{Secrets: []string{"k1"}, Header: "X-Sig", Algorithm: "sha256", Encoding: "hex", Timestamp: "X-At", Tolerance: time.Minute, Signed: "v0:{timestamp}:{body}"}}
	wide := Auth{HMAC: HMAC{Secrets: []string{"k1"}, Header: "X-Sig", Algorithm: "sha512", Encoding: "base64"}}
	m := hmac.New(sha512.New, []byte("k1"))
	m.Write([]byte("hello"))
	for _, c := range []struct {
		name   string
		auth   Auth
		header []string
		status int
	}{
		{"nothing asked", Auth{Open: true}, nil, 200},
		{"token", tokens, []string{"Authorization", "Bearer new-token"}, 200},
		{"token being replaced", tokens, []string{"Authorization", "bearer old-token"}, 200},
		{"wrong token", tokens, []string{"Authorization", "Bearer new-tokem"}, 401},
		{"beginning of the token", tokens, []string{"Authorization", "Bearer new"}, 401},
		{"no token", tokens, nil, 401},
		{"password and header", users, []string{"Authorization", basic("gladly", "p2"), "X-Key", "k"}, 200},
		{"password without header", users, []string{"Authorization", basic("gladly", "p2")}, 401},
		{"header without password", users, []string{"X-Key", "k"}, 401},
		{"wrong user", users, []string{"Authorization", basic("sadly", "p2"), "X-Key", "k"}, 401},
		{"signature", signed, []string{"X-Hub-Signature-256", "sha256=" + sign("k2", "hello")}, 200},
		{"signature in capitals", signed, []string{"X-Hub-Signature-256", "sha256=" + strings.ToUpper(sign("k1", "hello"))}, 200},
		{"signature without prefix", signed, []string{"X-Hub-Signature-256", sign("k2", "hello")}, 401},
		{"signature of another body", signed, []string{"X-Hub-Signature-256", "sha256=" + sign("k1", "hell")}, 401},
		{"signature with another key", signed, []string{"X-Hub-Signature-256", "sha256=" + sign("k3", "hello")}, 401},
		{"signature that is none", signed, []string{"X-Hub-Signature-256", "sha256=zz"}, 401},
		{"stamped", stamped, []string{"X-At", seconds, "X-Sig", sign("k1", "v0:"+seconds+":hello")}, 200},
		{"sent again", stamped, []string{"X-At", old, "X-Sig", sign("k1", "v0:"+old+":hello")}, 401},
		{"another stamp", stamped, []string{"X-At", seconds, "X-Sig", sign("k1", "v0:"+old+":hello")}, 401},
		{"no stamp", stamped, []string{"X-Sig", sign("k1", "v0::hello")}, 401},
		{"SHA-512, base64", wide, []string{"X-Sig", base64.StdEncoding.EncodeToString(m.Sum(nil))}, 200},
	} {
		t.Run(c.name, func(t *testing.T) {
			url, _ := start(t, options(c.auth), echo)
			status, text, h := post(t, url, "hello", c.header...)
			if status != c.status || status == 200 && text != "hello" {
				t.Errorf("status %d, %q", status, text)
			}
			if status == 401 && len(c.auth.Tokens) > 0 && h.Get("WWW-Authenticate") != "Bearer" {
				t.Errorf("WWW-Authenticate is %q", h.Get("WWW-Authenticate"))
			}
		})
	}
}

func TestLimits(t *testing.T) {
	o := options(Auth{Open: true})
	o.Rate = 0.5
	url, _ := start(t, o, echo)
	if status, _, _ := post(t, url, "one"); status != 200 {
		t.Errorf("first: status %d", status)
	}
	if status, text, h := post(t, url, "two"); status != 429 || h.Get("Retry-After") != "1" || !strings.Contains(text, `{"error":"more than 0.5 requests a second"}`) {
		t.Errorf("second: status %d, %q, %v", status, text, h)
	}
	url, _ = start(t, options(Auth{Open: true}), echo)
	if status, _, _ := post(t, url, strings.Repeat("x", 101)); status != 413 {
		t.Errorf("large: status %d", status)
	}
	packed := func(n int) string {
		var b bytes.Buffer
		z := gzip.NewWriter(&b)
		io.WriteString(z, strings.Repeat("x", n))
		z.Close()
		return b.String()
	}
	for _, c := range []struct {
		body, encoding string
		status         int
	}{
		{packed(100), "gzip", 200},
		{packed(100_000), "gzip", 413},
		{"no gzip", "gzip", 400},
		{"x", "br", 415},
	} {
		if status, text, _ := post(t, url, c.body, "Content-Encoding", c.encoding); status != c.status || status == 200 && len(text) != 100 {
			t.Errorf("%q: status %d, %q; want %d", c.encoding, status, text, c.status)
		}
	}
	resp, err := http.Get(url)
	if err != nil || resp.StatusCode != 405 || resp.Header.Get("Allow") != "POST, PUT" {
		t.Errorf("GET: %v, %v", resp, err)
	}
	if status, _, _ := post(t, strings.TrimSuffix(url, "/hook")+"/other", "x"); status != 404 {
		t.Errorf("other path: status %d", status)
	}
}

func TestConcurrent(t *testing.T) {
	o := options(Auth{Open: true})
	o.Concurrent = 1
	in, out := make(chan struct{}), make(chan struct{})
	url, _ := start(t, o, func(context.Context, *Request) error { in <- struct{}{}; <-out; return nil })
	first := make(chan int)
	go func() {
		status, _, _ := post(t, url, "x")
		first <- status
	}()
	<-in
	if status, _, h := post(t, url, "y"); status != 503 || h.Get("Retry-After") == "" {
		t.Errorf("second: status %d", status)
	}
	close(out)
	if status := <-first; status != 200 {
		t.Errorf("first: status %d", status)
	}
}

func TestHandlersErrors(t *testing.T) {
	var err error
	url, _ := start(t, options(Auth{Open: true}), func(context.Context, *Request) error { return err })
	err = &Refusal{Status: 400, Detail: `no "agent"`}
	if status, text, _ := post(t, url, ""); status != 400 || text != `{"error":"no \"agent\""}`+"\n" {
		t.Errorf("status %d, %q", status, text)
	}
	err = errors.New("the log is away")
	if status, text, h := post(t, url, ""); status != 503 || h.Get("Retry-After") != "5" || strings.Contains(text, "log") {
		t.Errorf("status %d, %q", status, text)
	}
}

func TestOneAddressForSeveral(t *testing.T) {
	probe, _ := start(t, options(Auth{Open: true}), echo)
	_ = probe
	l, err := Open(options(Auth{Open: true}), slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	address := l.Addr()
	l.Close()
	say := func(what string) Handler {
		return func(_ context.Context, r *Request) error { r.Answer.Body = []byte(what); return nil }
	}
	a, b := options(Auth{Open: true}), options(Auth{Tokens: []string{"t"}})
	a.Listen, b.Listen, b.Path = address, address, "/b"
	urlA, stopA := start(t, a, say("a"))
	urlB, stopB := start(t, b, say("b"))
	if _, err := Open(a, slog.New(slog.DiscardHandler)); err == nil || !strings.Contains(err.Error(), `path "/hook"`) {
		t.Errorf("the same path again: %v", err)
	}
	if _, text, _ := post(t, urlA, ""); text != "a" {
		t.Errorf("a says %q", text)
	}
	stopA()
	if _, text, _ := post(t, urlB, "", "Authorization", "Bearer t"); text != "b" {
		t.Errorf("b says %q", text)
	}
	if status, _, _ := post(t, urlA, ""); status != 404 {
		t.Errorf("a is gone: status %d", status)
	}
	stopB()
	_, stop := start(t, a, say("a"))
	stop()
}

// A request between Open and Serve waits.
func TestOpenBeforeServe(t *testing.T) {
	l, err := Open(options(Auth{Open: true}), slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	status := make(chan int)
	go func() {
		s, _, _ := post(t, "http://"+l.Addr()+"/hook", "x")
		status <- s
	}()
	time.Sleep(20 * time.Millisecond)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error)
	go func() { done <- l.Serve(ctx, echo) }()
	if s := <-status; s != 200 {
		t.Errorf("status %d", s)
	}
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
}

func TestTLS(t *testing.T) {
	dir := t.TempDir()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &private.PublicKey, private)
	if err != nil {
		t.Fatal(err)
	}
	raw, _ := x509.MarshalECPrivateKey(private)
	o := options(Auth{Open: true})
	o.TLS = TLS{Cert: filepath.Join(dir, "crt"), Key: filepath.Join(dir, "key")}
	cert := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	os.WriteFile(o.TLS.Cert, cert, 0o600)
	os.WriteFile(o.TLS.Key, pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: raw}), 0o600)
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(cert)
	pair, err := tls.X509KeyPair(cert, pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: raw}))
	if err != nil {
		t.Fatal(err)
	}
	call := func(url string, config *tls.Config) (int, error) {
		client := &http.Client{Transport: &http.Transport{TLSClientConfig: config}}
		defer client.CloseIdleConnections()
		resp, err := client.Post(strings.Replace(url, "http:", "https:", 1), "", strings.NewReader("x"))
		if err != nil {
			return 0, err
		}
		resp.Body.Close()
		return resp.StatusCode, nil
	}
	url, _ := start(t, o, echo)
	if status, err := call(url, &tls.Config{RootCAs: pool}); status != 200 || err != nil {
		t.Errorf("%d, %v", status, err)
	}
	mutual := *o
	mutual.TLS.ClientCA = o.TLS.Cert
	url, _ = start(t, &mutual, echo)
	if _, err := call(url, &tls.Config{RootCAs: pool}); err == nil {
		t.Error("a stranger's certificate was not asked for")
	}
	if status, err := call(url, &tls.Config{RootCAs: pool, Certificates: []tls.Certificate{pair}}); status != 200 || err != nil {
		t.Errorf("%d, %v", status, err)
	}
	o.TLS.Key = o.TLS.Cert
	if _, err := Open(o, slog.New(slog.DiscardHandler)); err == nil {
		t.Error("a certificate without its key is taken")
	}
}

func TestStopAnswersWhatWasTaken(t *testing.T) {
	in, out := make(chan struct{}), make(chan struct{})
	url, stop := start(t, options(Auth{Open: true}), func(context.Context, *Request) error { close(in); <-out; return nil })
	status := make(chan int)
	go func() {
		s, _, _ := post(t, url, "x")
		status <- s
	}()
	<-in
	stopped := make(chan struct{})
	go func() { stop(); close(stopped) }()
	select {
	case <-stopped:
		t.Error("stopped before the request was answered")
	case <-time.After(20 * time.Millisecond):
	}
	close(out)
	if s := <-status; s != 200 {
		t.Errorf("status %d", s)
	}
	<-stopped
}

func TestValidate(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(o *Options)
		path   string
		says   string
	}{
		{"no secret", func(o *Options) {}, "auth", "anybody could post"},
		{"empty secret", func(o *Options) { o.Auth.Tokens = []string{"a", ""} }, "auth", "empty secret"},
		{"user without password", func(o *Options) { o.Auth.Open, o.Auth.Username = true, "u" }, "auth", "username and passwords"},
		{"values without header", func(o *Options) { o.Auth.Values = []string{"u"} }, "auth", "header and values"},
		{"two in one header", func(o *Options) {
			o.Auth = Auth{Tokens: []string{"t"}, Username: "u", Passwords: []string{"p"}}
		}, "auth", "same header"},
		{"unsigned time", func(o *Options) {
			o.Auth.HMAC = HMAC{Secrets: []string{"k"}, Timestamp: "X-At", Signed: "{body}"}
		}, "auth", "unsigned time"},
		{"nothing signed", func(o *Options) { o.Auth.HMAC = HMAC{Secrets: []string{"k"}, Signed: "x"} }, "auth", "{body} once"},
		{"path", func(o *Options) { o.Auth.Open, o.Path = true, "hook" }, "path", "slash"},
		{"sizes", func(o *Options) { o.Auth.Open, o.MaxBody = true, 0 }, "max_body_bytes", "at least 1"},
		{"half a certificate", func(o *Options) { o.Auth.Open, o.TLS.Cert = true, "c" }, "tls.cert", "needs its key"},
	} {
		t.Run(c.name, func(t *testing.T) {
			o := options(Auth{})
			c.change(o)
			var got []string
			o.Validate(func(path, message string) { got = append(got, path+": "+message) })
			if len(got) != 1 || !strings.HasPrefix(got[0], c.path+": ") || !strings.Contains(got[0], c.says) {
				t.Errorf("problems %q", got)
			}
		})
	}
}
