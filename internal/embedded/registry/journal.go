package registry

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"github.com/quarterhour/quarterhour/internal/crash"
)

// maxRequestBytes bounds one request: far above any schema.
const maxRequestBytes = 8 << 20

// entry is one line of the journal: a request that changed something, and the schema id it was answered with (0: none).
type entry struct {
	Method string `json:"method"`
	Path   string `json:"path"` // with its query
	Body   string `json:"body,omitempty"`
	ID     int    `json:"id,omitempty"`
}

// journal stands in front of the registry in memory: requests that change something go through one at a time and are on
// disk before they are answered; at the next start they are repeated in the same order, which gives the same ids.
type journal struct {
	memory http.Handler
	log    *slog.Logger

	mu      sync.Mutex
	file    *os.File
	seen    map[entry]bool // since the last deletion; a client registers all its schemas at each start
	refused *refusal       // of every change, once the file cannot be written
}

// openJournal repeats what is in the file. A last line without its end was never answered and is cut off.
func openJournal(path string, memory http.Handler, log *slog.Logger) (*journal, error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return nil, fmt.Errorf("cannot create the folder of the embedded schema registry: %w", err)
	}
	file, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o644)
	if err != nil {
		return nil, fmt.Errorf("cannot open the journal of the schema registry: %w", err)
	}
	j := &journal{memory: memory, log: log, file: file, seen: map[entry]bool{}}
	if err := j.replay(); err != nil {
		return nil, errors.Join(fmt.Errorf("%s: %w", path, err), file.Close())
	}
	if err := syncFolder(filepath.Dir(path)); err != nil {
		return nil, errors.Join(err, file.Close())
	}
	return j, nil
}

func (j *journal) replay() error {
	text, err := io.ReadAll(j.file)
	if err != nil {
		return err
	}
	whole := bytes.LastIndexByte(text, '\n') + 1
	for n, line := range bytes.Split(text[:whole], []byte("\n")) {
		if len(line) == 0 {
			continue
		}
		var e entry
		if err := json.Unmarshal(line, &e); err != nil {
			return fmt.Errorf("line %d is damaged (%w): restore the file from a copy", n+1, err)
		}
		answer := j.ask(e)
		if answer.Code >= 300 || idOf(e, answer) != e.ID {
			return fmt.Errorf("line %d: %s %s gave id %d, now status %d, id %d: restore the file from a copy",
				n+1, e.Method, e.Path, e.ID, answer.Code, idOf(e, answer))
		}
		j.remember(e)
	}
	if whole < len(text) && j.log != nil {
		j.log.Warn("schema registry: cut off an unfinished last line of the journal", "bytes", len(text)-whole)
	}
	if err := j.file.Truncate(int64(whole)); err != nil {
		return err
	}
	_, err = j.file.Seek(int64(whole), io.SeekStart)
	return err
}

// ServeHTTP answers a request, after the journal has it where it changes something.
func (j *journal) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method == http.MethodGet && r.URL.Path == "/schemas/types" {
		answer(w, http.StatusOK, []string{"AVRO"})
		return
	}
	asks := r.Method == http.MethodPost && strings.HasPrefix(r.URL.Path, "/compatibility/")
	if !asks && !changes(r) {
		j.memory.ServeHTTP(w, r)
		return
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxRequestBytes))
	if err != nil {
		(&refusal{http.StatusRequestEntityTooLarge, codeInvalidSchema, "cannot read the request: " + err.Error()}).write(w)
		return
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	if asks {
		j.compatibility(w, r.URL.EscapedPath(), body, r.URL.Query().Get("verbose") == "true")
		return
	}
	j.change(w, entry{Method: r.Method, Path: r.URL.RequestURI(), Body: string(body)})
}

// change carries out a request that changes something. The lock is held.
func (j *journal) change(w http.ResponseWriter, e entry) {
	refused := j.refused
	if refused == nil && e.Method == http.MethodPost {
		refused = j.permit(e)
	}
	if refused != nil {
		refused.write(w)
		return
	}
	done := j.ask(e)
	if done.Code < 300 {
		e.ID = idOf(e, done)
		if err := j.append(e); err != nil {
			// The registry in memory is ahead of the file now: an id given out from here on could be given out again.
			j.refused = &refusal{http.StatusInternalServerError, codeInternal,
				fmt.Sprintf("the journal of the schema registry cannot be written (%v): restart when that is solved", err)}
			j.refused.write(w)
			return
		}
		crash.Point(crash.SchemaJournalled)
	}
	for name, values := range done.Header() {
		w.Header()[name] = values
	}
	w.WriteHeader(done.Code)
	_, _ = w.Write(done.Body.Bytes()) // a client that went away asks again
}

func (j *journal) append(e entry) error {
	if j.seen[e] {
		return nil
	}
	line, err := json.Marshal(e)
	if err != nil {
		return err
	}
	if _, err := j.file.Write(append(line, '\n')); err != nil {
		return err
	}
	if err := j.file.Sync(); err != nil {
		return err
	}
	j.remember(e)
	return nil
}

// remember keeps what need not be written again. After any other change than a registration it might.
func (j *journal) remember(e entry) {
	if e.Method != http.MethodPost {
		clear(j.seen)
		return
	}
	j.seen[e] = true
}

func (j *journal) ask(e entry) *httptest.ResponseRecorder {
	r := httptest.NewRequest(e.Method, e.Path, strings.NewReader(e.Body))
	answer := httptest.NewRecorder()
	j.memory.ServeHTTP(answer, r)
	return answer
}

// Close closes the file; every line is on disk already.
func (j *journal) Close() error {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.refused = &refusal{http.StatusServiceUnavailable, codeInternal, "the schema registry is closed"}
	return j.file.Close()
}

// changes tells registrations, settings and deletions from questions; a POST to /subjects/{s} or /compatibility only asks.
func changes(r *http.Request) bool {
	switch r.Method {
	case http.MethodPut, http.MethodDelete:
		return true
	case http.MethodPost:
		return strings.Contains(r.URL.Path, "/subjects/") && strings.HasSuffix(strings.TrimSuffix(r.URL.Path, "/"), "/versions") &&
			!strings.Contains(r.URL.Path, "/compatibility/")
	}
	return false
}

// idOf is the id a registration was answered with.
func idOf(e entry, answer *httptest.ResponseRecorder) int {
	if e.Method != http.MethodPost {
		return 0
	}
	var body struct {
		ID int `json:"id"`
	}
	if err := json.Unmarshal(answer.Body.Bytes(), &body); err != nil {
		return 0
	}
	return body.ID
}

// syncFolder makes a file just created in the folder survive a power cut.
func syncFolder(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
