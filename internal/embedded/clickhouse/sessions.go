package clickhouse

import (
	"context"
	"sync"
	"time"
)

// sessions keep a connection for each session_id: its settings, database and temporary tables last from one request to the
// next, until none has come for the session's timeout.
type sessions struct {
	engine *engine

	mu     sync.Mutex
	byID   map[string]*session
	closed bool
}

type session struct {
	conn   *connection
	busy   bool
	expire *time.Timer
}

func newSessions(engine *engine) *sessions {
	return &sessions{engine: engine, byID: map[string]*session{}}
}

// acquire takes the connection of the request's session, or one of the pool where it names none. The release must be told
// whether the connection's state was changed beyond undoing.
func (s *sessions) acquire(ctx context.Context, req *request) (*connection, func(spoiled bool), error) {
	if req.session == "" {
		conn, err := s.engine.acquire(ctx)
		if err != nil {
			return nil, nil, err
		}
		return conn, func(spoiled bool) { s.engine.release(conn, spoiled) }, nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	current, ok := s.byID[req.session]
	switch {
	case ok && current.busy:
		return nil, nil, raise(codeSessionIsLocked, "Session %s is locked by a concurrent client", req.session)
	case !ok && req.sessionMust:
		return nil, nil, raise(codeSessionNotFound, "Session %s not found", req.session)
	case !ok:
		conn, err := s.engine.connect()
		if err != nil {
			return nil, nil, err
		}
		current = &session{conn: conn}
		s.byID[req.session] = current
	default:
		current.expire.Stop()
	}
	current.busy = true
	return current.conn, func(bool) { s.release(req, current) }, nil
}

func (s *sessions) release(req *request, current *session) {
	s.mu.Lock()
	defer s.mu.Unlock()
	current.busy = false
	current.expire = time.AfterFunc(req.sessionTimeout, func() { s.drop(req.session, current) })
}

// drop closes a session that nobody used in time.
func (s *sessions) drop(id string, current *session) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed || current.busy || s.byID[id] != current {
		return
	}
	delete(s.byID, id)
	current.conn.close()
}

// close ends every session. None may be busy.
func (s *sessions) close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
	for _, current := range s.byID {
		current.expire.Stop()
		current.conn.close()
	}
	s.byID = nil
}
