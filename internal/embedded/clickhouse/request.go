package clickhouse

import (
	"io"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"
)

// request is what one HTTP request asks for, wherever in it that stands.
type request struct {
	id         string // query_id, or one made up
	database   string
	format     string // of the output, where the query has no FORMAT clause
	settings   []setting
	parameters []parameter
	readonly   bool // GET changes nothing

	session        string
	sessionTimeout time.Duration
	sessionMust    bool // session_check=1: the session must exist

	revision     uint64 // client_protocol_version; 0: Native as in files
	compress     bool   // answer in ClickHouse's own compressed blocks
	method       string // and with this method: LZ4 or ZSTD
	waitForEnd   bool   // send nothing before the query has ended
	httpCompress bool
	accept       string // Accept-Encoding

	query    io.Reader // the query, and an INSERT's data after it
	tables   []external
	describe url.Values // of the tables
}

// reserved are the URL parameters that are no settings of ClickHouse.
var reserved = []string{
	"query", "decompress", "user", "password", "quota_key", "stacktrace", "role", "close_session", "buffer_size", "http_path", "add_http_cors_header",
}

// serverRevision is the newest revision of the Native format that reframe writes.
const serverRevision = 54460

// newRequest reads the URL, the headers and, where it is a form, the body. Any other body is not touched yet.
func (s *Server) newRequest(r *http.Request) (*request, error) {
	values, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return nil, raise(codeBadArguments, "the URL's parameters cannot be read: %s", err)
	}
	body, err := decode(r.Body, r.Header.Get("Content-Encoding"), truth(values.Get("decompress")))
	if err != nil {
		return nil, err
	}
	req := &request{
		id: uuid.NewString(), database: r.Header.Get("X-ClickHouse-Database"), format: "TabSeparated", method: "LZ4",
		readonly: r.Method == http.MethodGet || r.Method == http.MethodHead, accept: r.Header.Get("Accept-Encoding"),
		httpCompress: true, sessionTimeout: 60 * time.Second,
	}
	if form := multipartBody(r, body); form != nil {
		if req.tables, err = s.readForm(form, values); err != nil {
			return nil, err
		}
		req.describe, body = values, strings.NewReader("")
	}
	if err := req.parameterize(values); err != nil {
		closeTables(req.tables)
		return nil, err
	}
	if format := r.Header.Get("X-ClickHouse-Format"); format != "" {
		req.format = format
	}
	req.query = body
	if text := values.Get("query"); text != "" {
		// As in ClickHouse, the body goes on where the parameter ends.
		req.query = io.MultiReader(strings.NewReader(text+"\n"), body)
	}
	return req, nil
}

// parameterize takes the URL's parameters. Of one given twice the last counts.
func (req *request) parameterize(values url.Values) error {
	for _, name := range sortedNames(values) {
		if describesTable(req.tables, name) {
			continue
		}
		if err := req.apply(name, values[name][len(values[name])-1]); err != nil {
			return err
		}
	}
	return nil
}

func sortedNames(values url.Values) []string {
	names := make([]string, 0, len(values))
	for name := range values {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// apply takes one URL parameter.
func (req *request) apply(name, value string) (err error) {
	switch {
	case name == "query_id":
		req.id = value
	case name == "database":
		if value != "" {
			req.database = value
		}
	case name == "default_format":
		req.format = value
	case name == "compress":
		req.compress = truth(value)
	case name == "network_compression_method":
		req.method = strings.ToUpper(value)
	case name == "client_protocol_version":
		req.revision, err = number(name, value)
		req.revision = min(req.revision, serverRevision)
	case name == "wait_end_of_query":
		req.waitForEnd = truth(value)
	case name == "enable_http_compression":
		req.httpCompress = truth(value)
	case name == "session_id":
		req.session = value
	case name == "session_timeout":
		var seconds uint64
		seconds, err = number(name, value)
		req.sessionTimeout = time.Duration(min(seconds, 3600)) * time.Second
	case name == "session_check":
		req.sessionMust = truth(value)
	case strings.HasPrefix(name, "param_"):
		req.parameters = append(req.parameters, parameter{strings.TrimPrefix(name, "param_"), value})
	case asynchronous[name], slices.Contains(reserved, name):
	default:
		req.settings = append(req.settings, setting{name, value})
	}
	return err
}

// asynchronous are the settings of buffered inserts. They are not passed on: an insert here is on disk when it is
// acknowledged, which is what a client that sets any of them can only hope for.
var asynchronous = map[string]bool{
	"async_insert": true, "wait_for_async_insert": true, "wait_for_async_insert_timeout": true, "async_insert_busy_timeout_ms": true,
}

func number(name, value string) (uint64, error) {
	n, err := strconv.ParseUint(value, 10, 64)
	if err != nil {
		return 0, raise(codeCannotParseNumber, "URL parameter %s must be a number, not '%s'", name, value)
	}
	return n, nil
}

func truth(value string) bool {
	return value == "1" || strings.EqualFold(value, "true")
}
