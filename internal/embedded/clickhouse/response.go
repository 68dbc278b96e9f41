package clickhouse

import (
	"crypto/rand"
	"fmt"
	"io"
	"net/http"
	"os"
	"strconv"
	"strings"
)

// heldBytes is how much of an answer is held back, as in ClickHouse: a query that fails before that gets its own HTTP
// status, and a short answer its length and the summary.
const heldBytes = 1 << 20

// response writes one answer. Output goes through the encoder, if any, into held, and from there to the client once held is
// full or the query has ended.
type response struct {
	w   http.ResponseWriter
	req *request

	encoder io.WriteCloser
	held    []byte
	spill   *os.File // holds what is too much for held, with wait_end_of_query
	spool   string   // directory of spill
	wrote   bool     // the query had output
	sent    bool
	tag     string // marks an exception inside the output
}

func newResponse(w http.ResponseWriter, req *request, spool string) (*response, error) {
	p := &response{w: w, req: req, spool: spool, tag: strings.ToLower(rand.Text()[:16])}
	switch {
	case req.compress:
		encoder, err := newFrames(writerFunc(p.hold), req.method)
		if err != nil {
			return nil, err
		}
		p.encoder = encoder
	case req.httpCompress:
		name, encoder, err := encode(writerFunc(p.hold), req.accept)
		if err != nil {
			return nil, fmt.Errorf("open compression %q: %w", name, err)
		}
		if encoder != nil {
			p.encoder = encoder
			w.Header().Set("Content-Encoding", name)
		}
	}
	return p, nil
}

type writerFunc func([]byte) (int, error)

func (f writerFunc) Write(p []byte) (int, error) { return f(p) }

// Write takes output of the query.
func (p *response) Write(output []byte) (int, error) {
	p.wrote = p.wrote || len(output) > 0
	if p.encoder != nil {
		return p.encoder.Write(output)
	}
	return p.hold(output)
}

func (p *response) hold(output []byte) (int, error) {
	switch {
	case p.sent:
		return p.w.Write(output)
	case len(p.held)+len(output) <= heldBytes && p.spill == nil:
		p.held = append(p.held, output...)
		return len(output), nil
	case p.req.waitForEnd:
		return p.spillOver(output)
	}
	p.sent = true
	p.w.Header().Set("X-ClickHouse-Exception-Tag", p.tag)
	p.w.WriteHeader(http.StatusOK)
	if _, err := p.w.Write(p.held); err != nil {
		return 0, err
	}
	p.held = nil
	return p.w.Write(output)
}

// spillOver keeps output on disk until the query has ended.
func (p *response) spillOver(output []byte) (n int, err error) {
	if p.spill == nil {
		if p.spill, err = nameless(p.spool); err != nil {
			return 0, err
		}
	}
	return p.spill.Write(output)
}

func (p *response) close() {
	if p.spill != nil {
		_ = p.spill.Close()
	}
}

// format announces the output's format.
func (p *response) format(name string) {
	p.w.Header().Set("X-ClickHouse-Format", name)
	p.w.Header().Set("Content-Type", contentType(name))
}

// succeed ends the answer.
func (p *response) succeed(s statistics) error {
	if p.encoder != nil && p.wrote {
		if err := p.encoder.Close(); err != nil {
			return err
		}
	}
	if p.sent {
		return nil
	}
	size := int64(len(p.held))
	if p.spill != nil {
		spilt, err := p.spill.Seek(0, io.SeekCurrent)
		if err != nil {
			return fmt.Errorf("read the held answer: %w", err)
		}
		size += spilt
	}
	if size == 0 {
		p.w.Header().Del("Content-Encoding")
	}
	p.w.Header().Set("X-ClickHouse-Summary", s.summary())
	p.w.Header().Set("X-ClickHouse-Exception-Tag", p.tag) // else data that looks like an exception's mark is taken for one
	p.w.Header().Set("Content-Length", strconv.FormatInt(size, 10))
	p.sent = true
	p.w.WriteHeader(http.StatusOK)
	if _, err := p.w.Write(p.held); err != nil || p.spill == nil {
		return err
	}
	if _, err := p.spill.Seek(0, io.SeekStart); err != nil {
		return fmt.Errorf("read the held answer: %w", err)
	}
	_, err := io.Copy(p.w, p.spill)
	return err
}

// fail ends the answer with the exception: as the whole answer where nothing was sent yet, else as a marked block at the end
// of the output, after which the connection breaks off so that no client takes the output for complete.
func (p *response) fail(e *exception) {
	if !p.sent {
		writeException(p.w, e)
		return
	}
	message := e.text + "\n"
	// The client may have gone; breaking off is all that is left then.
	_, _ = fmt.Fprintf(p, "\r\n__exception__\r\n%s\r\n%s%d %s\r\n__exception__\r\n", p.tag, message, len(message), p.tag)
	if p.encoder != nil {
		_ = p.encoder.Close()
	}
	_ = http.NewResponseController(p.w).Flush()
	panic(http.ErrAbortHandler) //nolint:forbidigo // how net/http is told to break a connection off
}

func writeException(w http.ResponseWriter, e *exception) {
	header := w.Header()
	header.Del("Content-Encoding")
	header.Set("Content-Type", "text/plain; charset=UTF-8")
	header.Set("X-ClickHouse-Exception-Code", strconv.Itoa(e.code))
	w.WriteHeader(e.status())
	_, _ = io.WriteString(w, e.text+"\n")
}

// summary is the value of X-ClickHouse-Summary.
func (s statistics) summary() string {
	return fmt.Sprintf(`{"read_rows":"%d","read_bytes":"%d","written_rows":"%d","written_bytes":"%d","total_rows_to_read":"0","result_rows":"%d","result_bytes":"%d","elapsed_ns":"%d"}`,
		s.readRows, s.readBytes, s.writtenRows, s.writtenBytes, s.resultRows, s.resultBytes, s.elapsedNanos)
}

// contentType is what ClickHouse announces for the format.
func contentType(format string) string {
	switch {
	case format == "JSONEachRow" || strings.HasPrefix(format, "JSONCompactEachRow") || strings.HasPrefix(format, "JSONStringsEachRow"):
		return "application/x-ndjson; charset=UTF-8"
	case strings.HasPrefix(format, "JSON"):
		return "application/json; charset=UTF-8"
	case strings.HasPrefix(format, "CSVWithNames"):
		return "text/csv; charset=UTF-8; header=present"
	case format == "CSV":
		return "text/csv; charset=UTF-8; header=absent"
	case strings.HasPrefix(format, "TabSeparated"), strings.HasPrefix(format, "TSV"):
		return "text/tab-separated-values; charset=UTF-8"
	case format == "XML":
		return "application/xml; charset=UTF-8"
	case format == "Markdown":
		return "text/markdown; charset=UTF-8"
	case strings.HasPrefix(format, "Pretty"), format == "Vertical", format == "Values", format == "SQLInsert":
		return "text/plain; charset=UTF-8"
	}
	return "application/octet-stream"
}
