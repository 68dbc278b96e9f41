package pipkins

import (
	"bytes"
	"crypto/ed25519"
	"crypto/rand"
	"errors"
	"io"
	"maps"
	"net"
	"os"
	"path"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/pkg/sftp"
	"golang.org/x/crypto/ssh"
)

// SFTP is the site's SFTP server. A file is imported, and taken away unless files stay, as soon as it has a name that is not hidden.
type SFTP struct {
	Addr        string
	Fingerprint string // of its key
	Key         ssh.PublicKey

	site     *Server
	listener net.Listener

	mu    sync.Mutex
	files map[string][]byte
	conns map[net.Conn]bool
	count int
	fault func(op, path string) error
}

// ServeSFTP starts the server on loopback, until Close.
func (s *Server) ServeSFTP() (*SFTP, error) {
	public, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return nil, err
	}
	signer, err := ssh.NewSignerFromKey(private)
	if err != nil {
		return nil, err
	}
	key, err := ssh.NewPublicKey(public)
	if err != nil {
		return nil, err
	}
	config := &ssh.ServerConfig{PasswordCallback: func(c ssh.ConnMetadata, password []byte) (*ssh.Permissions, error) {
		if c.User() != s.o.Username || string(password) != s.o.Password {
			return nil, errors.New("who are you?")
		}
		return nil, nil
	}}
	if s.o.UserKey != nil {
		config.PublicKeyCallback = func(c ssh.ConnMetadata, key ssh.PublicKey) (*ssh.Permissions, error) {
			if c.User() != s.o.Username || !bytes.Equal(key.Marshal(), s.o.UserKey.Marshal()) {
				return nil, errors.New("who are you?")
			}
			return nil, nil
		}
	}
	config.AddHostKey(signer)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	f := &SFTP{
		Addr: l.Addr().String(), Fingerprint: ssh.FingerprintSHA256(key), Key: key, site: s, listener: l, files: map[string][]byte{}, conns: map[net.Conn]bool{},
	}
	go f.accept(config)
	return f, nil
}

// Fault makes operations fail: open, write, rename, close, read. The error it returns is the answer; net.ErrClosed cuts the connection.
func (f *SFTP) Fault(fault func(op, path string) error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.fault = fault
}

// Logins is how many connections there were.
func (f *SFTP) Logins() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.count
}

// Names are the files that are there, hidden ones too.
func (f *SFTP) Names() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Sorted(maps.Keys(f.files))
}

// Close ends it.
func (f *SFTP) Close() error {
	err := f.listener.Close()
	f.cut()
	return err
}

func (f *SFTP) cut() {
	f.mu.Lock()
	defer f.mu.Unlock()
	for c := range f.conns {
		_ = c.Close()
	}
}

func (f *SFTP) accept(config *ssh.ServerConfig) {
	for {
		conn, err := f.listener.Accept()
		if err != nil {
			return
		}
		f.mu.Lock()
		f.conns[conn] = true
		f.count++
		f.mu.Unlock()
		go func() {
			f.serve(conn, config)
			_ = conn.Close()
			f.mu.Lock()
			delete(f.conns, conn)
			f.mu.Unlock()
		}()
	}
}

func (f *SFTP) serve(conn net.Conn, config *ssh.ServerConfig) {
	_, channels, requests, err := ssh.NewServerConn(conn, config)
	if err != nil {
		return
	}
	go ssh.DiscardRequests(requests)
	for c := range channels {
		if c.ChannelType() != "session" {
			_ = c.Reject(ssh.UnknownChannelType, "sessions only")
			continue
		}
		channel, in, err := c.Accept()
		if err != nil {
			return
		}
		go func() {
			for r := range in {
				is := r.Type == "subsystem" && strings.HasSuffix(string(r.Payload), "sftp")
				_ = r.Reply(is, nil)
				if is {
					h := handler{f}
					server := sftp.NewRequestServer(channel, sftp.Handlers{FileGet: h, FilePut: h, FileCmd: f.commands(h), FileList: h})
					_ = server.Serve()
					_ = channel.Close()
				}
			}
		}()
	}
}

// commands are with or without the replacing rename.
func (f *SFTP) commands(h handler) sftp.FileCmder {
	if f.site.o.NoPosixRename {
		return h
	}
	return posix{h}
}

func (f *SFTP) meets(op, path string) error {
	f.mu.Lock()
	fault := f.fault
	f.mu.Unlock()
	if fault == nil {
		return nil
	}
	err := fault(op, path)
	if errors.Is(err, net.ErrClosed) {
		f.cut()
	}
	return err
}

// handler does what clients ask for.
type handler struct{ *SFTP }

func (h handler) Fileread(r *sftp.Request) (io.ReaderAt, error) {
	if err := h.meets("read", r.Filepath); err != nil {
		return nil, err
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	content, there := h.files[r.Filepath]
	if !there {
		return nil, os.ErrNotExist
	}
	return bytes.NewReader(content), nil
}

func (h handler) Filewrite(r *sftp.Request) (io.WriterAt, error) {
	if err := h.meets("open", r.Filepath); err != nil {
		return nil, err
	}
	if !hidden(r.Filepath) {
		h.site.violation("%s is written under its own name: an import may read half of it", r.Filepath)
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.files[r.Filepath] = nil
	return &upload{h.SFTP, r.Filepath}, nil
}

func hidden(name string) bool { return strings.HasPrefix(path.Base(name), ".") }

type upload struct {
	*SFTP
	path string
}

func (u *upload) WriteAt(p []byte, at int64) (int, error) {
	if err := u.meets("write", u.path); err != nil {
		return 0, err
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	have := u.files[u.path]
	if need := int(at) + len(p); need > len(have) {
		have = append(have, make([]byte, need-len(have))...)
	}
	copy(have[at:], p)
	u.files[u.path] = have
	return len(p), nil
}

func (u *upload) Close() error { return u.meets("close", u.path) }

func (h handler) Filecmd(r *sftp.Request) error {
	switch r.Method {
	case "Rename":
		h.mu.Lock()
		_, there := h.files[r.Target]
		h.mu.Unlock()
		if there {
			return sftp.ErrSSHFxFailure
		}
		return h.rename(r)
	case "Remove":
		h.mu.Lock()
		defer h.mu.Unlock()
		if _, there := h.files[r.Filepath]; !there {
			return os.ErrNotExist
		}
		delete(h.files, r.Filepath)
		return nil
	case "Setstat":
		return nil
	}
	return sftp.ErrSSHFxOpUnsupported
}

// posix is a handler with the rename that replaces.
type posix struct{ handler }

func (p posix) PosixRename(r *sftp.Request) error { return p.rename(r) }

func (h handler) rename(r *sftp.Request) error {
	if err := h.meets("rename", r.Target); err != nil {
		return err
	}
	h.mu.Lock()
	content, there := h.files[r.Filepath]
	if there {
		delete(h.files, r.Filepath)
		if h.site.o.NoPosixRename || h.site.o.Keeps || hidden(r.Target) {
			h.files[r.Target] = content // stays until the next one comes
		}
	}
	h.mu.Unlock()
	if !there {
		return os.ErrNotExist
	}
	if !hidden(r.Target) {
		_ = h.site.Import(path.Base(r.Target), content) // which writes down what is wrong
	}
	return h.meets("renamed", r.Target)
}

func (h handler) Filelist(r *sftp.Request) (sftp.ListerAt, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	content, there := h.files[r.Filepath]
	if !there {
		return nil, os.ErrNotExist
	}
	return list{info{path.Base(r.Filepath), int64(len(content))}}, nil
}

type list []os.FileInfo

func (l list) ListAt(into []os.FileInfo, at int64) (int, error) {
	if at >= int64(len(l)) {
		return 0, io.EOF
	}
	n := copy(into, l[at:])
	if n < len(into) {
		return n, io.EOF
	}
	return n, nil
}

type info struct {
	name string
	size int64
}

func (i info) Name() string       { return i.name }
func (i info) Size() int64        { return i.size }
func (i info) Mode() os.FileMode  { return 0o644 }
func (i info) ModTime() time.Time { return time.Time{} }
func (i info) IsDir() bool        { return false }
func (i info) Sys() any           { return nil }
