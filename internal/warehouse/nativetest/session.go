package nativetest

import (
	"errors"
	"fmt"
	"net"
	"regexp"
	"strings"

	"github.com/ClickHouse/ch-go/compress"
	"github.com/ClickHouse/ch-go/proto"
)

// revision is what a server of today announces; a session speaks the lesser of it and the client's.
const revision = 54478

// session is one connection.
type session struct {
	f          *Front
	conn       net.Conn
	in         *proto.Reader
	out        proto.Buffer
	lz4        *compress.Writer
	revision   int
	database   string
	compressed bool // blocks of this query, both ways
}

func newSession(f *Front, conn net.Conn) *session {
	return &session{f: f, conn: conn, in: proto.NewReader(conn), lz4: compress.NewWriter(compress.LevelZero, compress.LZ4)}
}

// run answers until the client leaves.
func (s *session) run() error {
	welcome, err := s.hello()
	if err != nil || !welcome {
		return err
	}
	for {
		code, err := s.in.Byte()
		if err != nil {
			return err
		}
		switch proto.ClientCode(code) {
		case proto.ClientCodePing:
			proto.ServerCodePong.Encode(&s.out)
		case proto.ClientCodeQuery:
			err = s.query()
		case proto.ClientCodeCancel:
			return nil // the client closes after it
		default:
			return fmt.Errorf("packet %d where a query was due", code)
		}
		if err = errors.Join(err, s.flush()); err != nil {
			return err
		}
	}
}

func (s *session) hello() (welcome bool, err error) {
	var client proto.ClientHello
	code, err := s.in.Byte()
	if err == nil && proto.ClientCode(code) != proto.ClientCodeHello {
		err = fmt.Errorf("packet %d where a hello was due", code)
	}
	if err != nil {
		return false, err
	}
	if err := client.Decode(s.in); err != nil {
		return false, err
	}
	s.revision, s.database = min(client.ProtocolVersion, revision), client.Database
	if client.User != User || client.Password != Password {
		s.refuse(raise(516, client.User+": Authentication failed: password is incorrect, or there is no user with such name."))
		return false, s.flush()
	}
	server := proto.ServerHello{Name: "ClickHouse", Major: 25, Minor: 8, Revision: revision, Timezone: "UTC", DisplayName: "front", Patch: 1}
	server.EncodeAware(&s.out, s.revision)
	if err := s.flush(); err != nil {
		return false, err
	}
	if proto.FeatureAddendum.In(s.revision) {
		_, err = s.in.Str() // the quota key
	}
	return true, err
}

// inserts are the statements whose rows follow in blocks.
var inserts = regexp.MustCompile(`(?is)^\s*INSERT\s+INTO\s+([^\s(]+)\s*\(([^)]*)\)\s*FORMAT\s+Native\s*$`)

// query runs one query. ClickHouse's exceptions are answers; an error ends the connection.
func (s *session) query() error {
	var q proto.Query
	if err := q.DecodeAware(s.in, s.revision); err != nil {
		return fmt.Errorf("query: %w", err)
	}
	s.compressed = q.Compression == proto.CompressionEnabled
	columns, err := s.receive(&proto.Buffer{})
	if err == nil && columns+len(q.Parameters) > 0 {
		err = fmt.Errorf("%d columns of external tables and %d parameters, which the front has not", columns, len(q.Parameters))
	}
	if err != nil {
		return err
	}
	if m := inserts.FindStringSubmatch(q.Body); m != nil {
		err = s.insert(&q, m[1], strings.Split(m[2], ","))
	} else {
		err = s.answer(&q)
	}
	var x *exception
	if errors.As(err, &x) {
		s.refuse(x)
		return nil
	}
	if err == nil {
		proto.ServerCodeEndOfStream.Encode(&s.out)
	}
	return err
}

// insert asks for blocks with a header of the table's types, and stores what comes.
func (s *session) insert(q *proto.Query, table string, names []string) error {
	header, err := s.header("TABLE "+table, names)
	if err != nil {
		return err
	}
	proto.TableColumns{First: "", Second: "columns format version: 1\n"}.EncodeAware(&s.out, s.revision)
	if err := errors.Join(s.send(header), s.flush()); err != nil {
		return err
	}
	if s.f.cuts(InData) {
		_, err := s.in.Byte()
		return errors.Join(err, net.ErrClosed)
	}
	var rows proto.Buffer
	for columns := -1; columns != 0; {
		if columns, err = s.receive(&rows); err != nil {
			return err
		}
	}
	if _, err := s.f.post(s.database, q.Body, q.Settings, rows.Buf); err != nil {
		return err
	}
	if s.f.cuts(AfterInsert) {
		return net.ErrClosed
	}
	s.progress(proto.Progress{WroteRows: 1, WroteBytes: uint64(len(rows.Buf))})
	return nil
}

var reads = regexp.MustCompile(`(?i)^\s*(SELECT|WITH)\s`)

// answer sends a query's header, blocks and the empty block after them, or nothing for a statement without rows.
func (s *session) answer(q *proto.Query) error {
	body, err := s.f.post(s.database, q.Body, q.Settings, nil)
	if err != nil {
		return err
	}
	if reads.MatchString(q.Body) {
		header, err := s.header("("+q.Body+")", nil)
		if err != nil {
			return err
		}
		if err := errors.Join(s.send(header), s.sendAll(body)); err != nil {
			return err
		}
		proto.Profile{Blocks: 1, Bytes: uint64(len(body))}.EncodeAware(&s.out, s.revision)
	}
	s.progress(proto.Progress{Bytes: uint64(len(body))})
	return nil
}

func (s *session) progress(p proto.Progress) {
	proto.ServerCodeProgress.Encode(&s.out)
	p.EncodeAware(&s.out, s.revision)
}

func (s *session) refuse(x *exception) {
	proto.ServerCodeException.Encode(&s.out)
	x.EncodeAware(&s.out, s.revision)
}

func (s *session) flush() error {
	_, err := s.conn.Write(s.out.Buf)
	s.out.Reset()
	return err
}
