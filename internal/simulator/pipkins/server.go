package pipkins

import (
	"fmt"
	"io"
	"maps"
	"net/http"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"github.com/quarterhour/quarterhour/internal/clock"
)

// Server is one site. Safe for concurrent use.
type Server struct {
	o     Options
	watch clock.Watch

	mu         sync.Mutex
	rows       map[string]map[string]string // by scope
	violations []string
	imported   int
	files      map[string][]byte // those that came by HTTPS and stay
}

// New makes a site.
func New(w clock.Watch, o Options) *Server {
	o.complete()
	return &Server{o: o, watch: w, rows: map[string]map[string]string{}, files: map[string][]byte{}}
}

// Holds is what the site has: the values of each row, by set, interval and key.
func (s *Server) Holds() map[string]string {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := map[string]string{}
	for _, rows := range s.rows {
		maps.Copy(all, rows)
	}
	return all
}

// Violations are what the files did that none may.
func (s *Server) Violations() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.violations)
}

// Imported is how many files the site read.
func (s *Server) Imported() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.imported
}

func (s *Server) violation(format string, args ...any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.violations = append(s.violations, s.watch.Now().UTC().Format("15:04:05 ")+fmt.Sprintf(format, args...))
}

// Import reads a file. What is wrong with it is a violation, and the file changes nothing.
func (s *Server) Import(name string, content []byte) error {
	sheet, err := s.o.read(name, content)
	if err != nil {
		s.violation("%s: %v", name, err)
		return err
	}
	for key := range sheet.rows {
		if slices.ContainsFunc(strings.Split(key, "/"), func(part string) bool { return slices.Contains(s.o.Unknown, part) }) {
			return fmt.Errorf("%s is not known here", key) // a site's matter, not the file's
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.imported++
	if sheet.scope != "" {
		s.rows[sheet.scope] = sheet.rows
	}
	return nil
}

// Scan imports the files of a folder and takes them away, as an import that runs every minute does. Hidden ones and folders are not its own.
func (s *Server) Scan(dir string) error {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if e.IsDir() || strings.HasPrefix(e.Name(), ".") {
			continue
		}
		at := filepath.Join(dir, e.Name())
		content, err := os.ReadFile(at)
		if err != nil {
			return err
		}
		if !s.o.Keeps {
			if err := os.Remove(at); err != nil {
				return err
			}
		}
		if err := s.Import(e.Name(), content); err != nil {
			return fmt.Errorf("%s: %w", e.Name(), err)
		}
	}
	return nil
}

// ServeHTTP takes files: the body of a PUT or POST whose path ends in the name, or a form's field. Where files stay, a GET reads them.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if user, password, _ := r.BasicAuth(); user != s.o.Username || password != s.o.Password {
		w.Header().Set("WWW-Authenticate", "Basic")
		http.Error(w, "who are you?", http.StatusUnauthorized)
		return
	}
	if r.Method == http.MethodGet && s.o.Keeps {
		s.mu.Lock()
		content, there := s.files[path.Base(r.URL.Path)]
		s.mu.Unlock()
		if !there {
			http.NotFound(w, r)
			return
		}
		_, _ = w.Write(content)
		return
	}
	if r.Method != http.MethodPut && r.Method != http.MethodPost {
		http.Error(w, "PUT or POST a file", http.StatusMethodNotAllowed)
		return
	}
	name, content, err := s.body(r)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	if err := s.Import(name, content); err != nil {
		http.Error(w, err.Error(), http.StatusUnprocessableEntity)
		return
	}
	if s.o.Keeps {
		s.mu.Lock()
		s.files[name] = content
		s.mu.Unlock()
	}
	w.WriteHeader(http.StatusCreated)
}

func (s *Server) body(r *http.Request) (name string, content []byte, err error) {
	if s.o.Field == "" {
		content, err = io.ReadAll(r.Body)
		return path.Base(r.URL.Path), content, err
	}
	f, header, err := r.FormFile(s.o.Field)
	if err != nil {
		return "", nil, err
	}
	content, err = io.ReadAll(f)
	return header.Filename, content, err
}
