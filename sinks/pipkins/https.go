package pipkins

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"mime/multipart"
	"net/http"
	"net/textproto"
	"net/url"
	"strings"
	"time"

	"github.com/quarterhour/quarterhour/internal/httpcall"
	"github.com/quarterhour/quarterhour/sinks"
	"github.com/quarterhour/quarterhour/sinks/delivery"
)

// HTTPS is an address that takes files.
type HTTPS struct {
	URL         string               `cfg:"url,required" help:"such as https://host/inbound"`
	Path        string               `cfg:"path" default:"{name}" help:"below url; {name} is the file's name. Leave {name} out where the body names it"`
	Read        string               `cfg:"read" help:"path below url from which GET reads a file back, to verify it; {name} is the file's name. Left out: nothing is read back"`
	Method      string               `cfg:"method" default:"PUT" enum:"PUT|POST" help:"of the request"`
	Body        string               `cfg:"body" default:"raw" enum:"raw|multipart" help:"raw: the body is the file; multipart: it is a form with the file in it"`
	Field       string               `cfg:"field" default:"file" help:"name of the file's field in the form"`
	Fields      map[string]string    `cfg:"fields" help:"further fields of the form"`
	ContentType string               `cfg:"content_type" default:"text/csv" help:"of the file"`
	Headers     map[string]string    `cfg:"headers" help:"further headers, without secrets: those belong into auth"`
	Auth        httpcall.AuthOptions `cfg:"auth" help:"who sends"`
	TLS         httpcall.TLSOptions  `cfg:"tls" help:"certificates"`
	Timeout     time.Duration        `cfg:"timeout" default:"60s" help:"how long an answer may take"`
}

func (o *HTTPS) validate(problem func(path, message string)) {
	if u, err := url.Parse(o.URL); err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" {
		problem("url", "is not a URL: write it as https://host/path")
	}
	if o.Body == "raw" && !strings.Contains(o.Path, "{name}") {
		problem("path", "has no {name}: a raw body does not say which file it is")
	}
	if o.Read != "" && !strings.Contains(o.Read, "{name}") {
		problem("read", "has no {name}, so that it does not say which file is read")
	}
	o.Auth.Validate(func(path, message string) { problem("auth."+path, message) })
	o.TLS.Validate(func(path, message string) { problem("tls."+path, message) })
}

type https struct {
	o      *HTTPS
	client *httpcall.Client
}

// readable is an address that files can be read back from.
type readable struct {
	*https
	reader *httpcall.Client // takes longer answers
}

func (o *HTTPS) open(d sinks.Deps) (drop, error) {
	config, err := o.TLS.Open()
	if err != nil {
		return nil, err
	}
	auth, err := o.Auth.Open(d.Name, config, d.Watch, d.Log)
	if err != nil {
		return nil, err
	}
	options := httpcall.Options{
		Name: d.Name, Base: o.URL, Auth: auth, TLS: config, Timeout: o.Timeout, Attempts: 1, MaxBody: 1 << 20, Watch: d.Watch, Log: d.Log,
	}
	client, err := httpcall.New(options)
	if err != nil {
		return nil, fmt.Errorf("https.url: %w", err)
	}
	to := &https{o, client}
	if o.Read == "" {
		return to, nil
	}
	options.MaxBody = largestFile
	reader, err := httpcall.New(options)
	if err != nil {
		return nil, fmt.Errorf("https.url: %w", err)
	}
	return &readable{to, reader}, nil
}

// get reads a file back.
func (r *readable) get(ctx context.Context, name string) (content []byte, there bool, err error) {
	content, _, err = r.reader.Bytes(ctx, &httpcall.Request{Path: strings.ReplaceAll(r.o.Read, "{name}", url.PathEscape(name))})
	var fault *httpcall.Error
	if errors.As(err, &fault) && (fault.Status == http.StatusNotFound || fault.Status == http.StatusGone) {
		return nil, false, nil
	}
	return content, err == nil, err
}

func (r *readable) close() error { r.reader.Close(); return r.https.close() }

func (h *https) put(ctx context.Context, name string, content []byte) error {
	r := &httpcall.Request{
		Method: h.o.Method, Path: strings.ReplaceAll(h.o.Path, "{name}", url.PathEscape(name)), Body: content, Header: http.Header{"Content-Type": {h.o.ContentType}},
		Judge: func(status int, _ http.Header, _ []byte) *httpcall.Error { return httpcall.Misplaced(status) }, // a file's name is new to the other side
	}
	for k, v := range h.o.Headers {
		r.Header.Set(k, v)
	}
	if h.o.Body == "multipart" {
		if err := h.form(r, name, content); err != nil {
			return err
		}
	}
	_, answer, err := h.client.Bytes(ctx, r)
	delivery.Answered(ctx, answer, err)
	return err
}

var quotes = strings.NewReplacer(`\`, `\\`, `"`, `\"`)

// form makes the body a form.
func (h *https) form(r *httpcall.Request, name string, content []byte) error {
	var b bytes.Buffer
	w := multipart.NewWriter(&b)
	for k, v := range h.o.Fields {
		if err := w.WriteField(k, v); err != nil {
			return err
		}
	}
	part, err := w.CreatePart(textproto.MIMEHeader{
		"Content-Disposition": {fmt.Sprintf(`form-data; name="%s"; filename="%s"`, quotes.Replace(h.o.Field), quotes.Replace(name))},
		"Content-Type":        {h.o.ContentType},
	})
	if err == nil {
		_, err = part.Write(content)
	}
	if err == nil {
		err = w.Close()
	}
	r.Body = b.Bytes()
	r.Header.Set("Content-Type", w.FormDataContentType())
	return err
}

func (h *https) close() error { h.client.Close(); return nil }
