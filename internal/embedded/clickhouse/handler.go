package clickhouse

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/quarterhour/quarterhour/internal/crash"
)

// ServeHTTP answers as ClickHouse's HTTP interface does: /ping, and queries at /.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if reason := foreign(r); reason != "" {
		http.Error(w, reason, http.StatusForbidden)
		return
	}
	switch {
	case r.URL.Path == "/ping" || r.URL.Path == "/replicas_status",
		r.URL.Path == "/" && r.URL.RawQuery == "" && (r.Method == http.MethodGet || r.Method == http.MethodHead):
		w.Header().Set("Content-Type", "text/html; charset=UTF-8")
		_, _ = io.WriteString(w, "Ok.\n")
	case r.URL.Path != "/" && r.URL.Path != "/query":
		http.Error(w, "There is no handle "+r.URL.Path+"\n\nUse / or /ping for health checks.\nSend queries from your program with POST method or GET /?query=...", http.StatusNotFound)
	case r.Method == http.MethodOptions:
		w.Header().Set("Allow", "GET, HEAD, POST, OPTIONS")
		w.WriteHeader(http.StatusNoContent)
	default:
		s.serveQuery(w, r)
	}
}

func (s *Server) serveQuery(w http.ResponseWriter, r *http.Request) {
	header := w.Header()
	header.Set("X-ClickHouse-Server-Display-Name", "quarterhour")
	header.Set("X-ClickHouse-Timezone", "UTC")
	req, err := s.newRequest(r)
	if err != nil {
		writeException(w, asException(err))
		return
	}
	defer closeTables(req.tables)
	header.Set("X-ClickHouse-Query-Id", req.id)
	answer, err := newResponse(w, req, s.spool)
	if err != nil {
		writeException(w, asException(err))
		return
	}
	defer answer.close()
	stats, err := s.execute(r.Context(), req, answer)
	if err == nil {
		err = answer.succeed(stats)
	}
	if err != nil {
		e := asException(err)
		s.log.Debug("query failed", "query_id", req.id, "error", e)
		answer.fail(e)
	}
}

const (
	// headBytes of a request are read to find out what it is: ClickHouse's own limit of a query's length.
	headBytes = 256 << 10
	// queryBytes bounds the longest query, apart from an INSERT's data. ClickHouse's max_query_size usually is smaller.
	queryBytes = 64 << 20
)

// execute runs the request's query and writes its output.
func (s *Server) execute(ctx context.Context, req *request, answer *response) (statistics, error) {
	head, err := io.ReadAll(io.LimitReader(req.query, headBytes))
	if err != nil {
		return statistics{}, unreadable(err)
	}
	query, err := parse(string(head))
	if err != nil {
		return statistics{}, err
	}
	whole := len(head) < headBytes
	if !whole && query.data < 0 {
		rest, err := io.ReadAll(io.LimitReader(req.query, queryBytes))
		if err != nil {
			return statistics{}, unreadable(err)
		}
		head = append(head, rest...)
		if query, err = parse(string(head)); err != nil {
			return statistics{}, err
		}
		whole = true
	}
	if req.readonly && !query.reads() {
		return statistics{}, raise(codeReadonly, "Cannot execute query in readonly mode. For queries over HTTP, method GET implies readonly. You should use method POST for modifying queries")
	}
	job := &job{server: s, req: req, query: query, text: string(head), answer: answer}
	if query.data >= 0 && !(query.values && whole) {
		job.data, err = s.spoolFile(io.MultiReader(strings.NewReader(job.text[query.data:]), req.query))
		if err != nil {
			return statistics{}, err
		}
		defer func() { _ = job.data.Close() }()
		crash.Point(crash.InsertSpooled)
	}
	return job.run(ctx)
}

// unreadable says that the request's body did not come through.
func unreadable(err error) error {
	return raise(codeCannotRead, "the request's body ended too early or is damaged, nothing was done: %s", err)
}

// prepareConnection gives the connection the request's database and settings.
func (j *job) prepareConnection(conn *connection) error {
	database := j.req.database
	if database == "" && j.req.session == "" {
		database = "default"
	}
	if database != "" {
		if err := conn.use(database); err != nil {
			return err
		}
	}
	return conn.set(append(j.req.settings, setting{tagSetting, j.tag}))
}

// killEvery is how often a query is asked to stop until it does: the first request may come before it has started.
const killEvery = 50 * time.Millisecond

// killWhenDone kills the tagged query once ctx ends. The function it gives stops watching.
func (e *engine) killWhenDone(ctx context.Context, tag string) (stop func()) {
	ended := make(chan struct{})
	watched := make(chan struct{})
	go func() {
		defer close(watched)
		select {
		case <-ended:
			return
		case <-ctx.Done():
		}
		ticker := time.NewTicker(killEvery)
		defer ticker.Stop()
		for {
			e.kill(tag)
			select {
			case <-ended:
				return
			case <-ticker.C:
			}
		}
	}()
	return func() {
		close(ended)
		<-watched
	}
}

// cancelled replaces the engine's error by the reason it was cancelled for.
func cancelled(ctx context.Context, err error) error {
	if ctx.Err() != nil && !errors.Is(err, io.ErrUnexpectedEOF) {
		return raise(codeQueryCancelled, "the query was cancelled: %s", context.Cause(ctx))
	}
	return err
}
