package pipkins

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"os"
	"path"
	"strings"
	"time"

	"github.com/pkg/sftp"

	"github.com/quarterhour/quarterhour/internal/clock"
	"github.com/quarterhour/quarterhour/sinks"
)

// SFTP is a server that files are put on.
type SFTP struct {
	Address     string        `cfg:"address,required" help:"host:port; the port is 22 if left out"`
	Username    string        `cfg:"username,required" help:"who logs in"`
	Password    string        `cfg:"password,secret" help:"the password, where there is no key"`
	Key         string        `cfg:"key" help:"file with the private key, in the format of OpenSSH or PEM"`
	Passphrase  string        `cfg:"passphrase,secret" help:"of the key"`
	KnownHosts  string        `cfg:"known_hosts" help:"file with the server's public keys, as OpenSSH keeps them"`
	Fingerprint string        `cfg:"fingerprint" help:"of the server's public key, such as SHA256:nThb…, as ssh-keygen -lf shows it; instead of known_hosts"`
	Path        string        `cfg:"path" default:"." help:"folder on the server; it must exist"`
	Temporary   string        `cfg:"temporary" default:".{name}.part" help:"what a file is called until it is whole; may name another folder of the same file system, below path or from /"`
	Timeout     time.Duration `cfg:"timeout" default:"2m" help:"for a file, login included"`
}

func (o *SFTP) validate(problem func(path, message string)) {
	if o.Password == "" && o.Key == "" {
		problem("password", "is missing: give password, or key")
	}
	if (o.KnownHosts == "") == (o.Fingerprint == "") {
		problem("fingerprint", "one of known_hosts and fingerprint says which server it must be: an unknown one could be anybody's")
	}
	if o.Fingerprint != "" && !strings.HasPrefix(o.Fingerprint, "SHA256:") {
		problem("fingerprint", fmt.Sprintf("is %q, and begins with SHA256: as ssh-keygen -lf shows it", o.Fingerprint))
	}
	if !strings.Contains(o.Temporary, "{name}") || o.Temporary == "{name}" {
		problem("temporary", fmt.Sprintf("is %q: it has {name}, and something else besides", o.Temporary))
	}
	if o.Timeout <= 0 {
		problem("timeout", fmt.Sprintf("is %s: more than 0", o.Timeout))
	}
}

// server is the connection to an SFTP server, made when it is needed and used by one request at a time.
type server struct {
	o     *SFTP
	login login
	turn  chan struct{} // holds one while the session is in use
	open  *session      // nil: none
	used  time.Time     // when it was last of use
}

// freshness is how long a session is trusted that nobody used: routers forget connections, and say nothing.
const freshness = 30 * time.Second

func (o *SFTP) open(sinks.Deps) (drop, error) {
	l, err := o.login()
	if err != nil {
		return nil, fmt.Errorf("sftp: %w", err)
	}
	return &server{o: o, login: l, turn: make(chan struct{}, 1)}, nil
}

func (s *server) close() error {
	s.turn <- struct{}{}
	defer func() { <-s.turn }()
	return s.hangUp()
}

// put brings a file there: under another name, which it loses when it is whole.
func (s *server) put(ctx context.Context, name string, content []byte) error {
	return s.session(ctx, func(files *sftp.Client) error { return s.write(files, name, content) })
}

// get reads a file back.
func (s *server) get(ctx context.Context, name string) (content []byte, there bool, err error) {
	err = s.session(ctx, func(files *sftp.Client) error {
		f, err := files.Open(path.Join(s.o.Path, name))
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("read %q: %w", name, err)
		}
		content, err = io.ReadAll(io.LimitReader(f, largestFile))
		there = true
		return errors.Join(err, f.Close())
	})
	return content, there, err
}

// session does something in a session, alone.
func (s *server) session(ctx context.Context, do func(files *sftp.Client) error) error {
	ctx, cancel := context.WithTimeout(ctx, s.o.Timeout)
	defer cancel()
	select {
	case s.turn <- struct{}{}:
		defer func() { <-s.turn }()
	case <-ctx.Done():
		return ctx.Err()
	}
	err := s.try(ctx, do)
	if err != nil {
		_ = s.hangUp() // what state it is in is not known
		err = fmt.Errorf("sftp %s: %w", s.o.Address, err)
	}
	return err
}

func (s *server) try(ctx context.Context, do func(files *sftp.Client) error) error {
	if clock.Since(s.used) > freshness {
		_ = s.hangUp()
	}
	if s.open == nil {
		session, err := s.login.dial(ctx)
		if err != nil {
			return err
		}
		s.open = session
	}
	session := s.open
	stop := context.AfterFunc(ctx, func() { _ = session.Close() }) // answers that do not come are not waited for
	defer stop()
	err := do(session.files)
	if ctx.Err() != nil {
		return errors.Join(ctx.Err(), err)
	}
	s.used = clock.Now()
	return err
}

func (s *server) write(files *sftp.Client, name string, content []byte) error {
	to := path.Join(s.o.Path, name)
	part := strings.ReplaceAll(s.o.Temporary, "{name}", name)
	if !path.IsAbs(part) {
		part = path.Join(s.o.Path, part)
	}
	f, err := files.OpenFile(part, os.O_WRONLY|os.O_CREATE|os.O_TRUNC)
	if err != nil {
		return fmt.Errorf("make %q: %w", part, err)
	}
	_, err = f.Write(content)
	if _, can := files.HasExtension("fsync@openssh.com"); can && err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return fmt.Errorf("write %q: %w", part, err)
	}
	if info, err := files.Stat(part); err == nil && info.Size() != int64(len(content)) {
		return fmt.Errorf("write %q: the server has %d bytes of %d", part, info.Size(), len(content))
	}
	if err := rename(files, part, to); err != nil {
		return fmt.Errorf("rename %q to %q: %w", part, to, err)
	}
	return nil
}

// rename replaces what has the name at once where the server can; where it cannot, though some say so, there is a moment without
// the file.
func rename(files *sftp.Client, from, to string) error {
	err := errors.ErrUnsupported
	if _, can := files.HasExtension("posix-rename@openssh.com"); can {
		err = files.PosixRename(from, to)
	}
	if err == nil {
		return nil
	}
	again := files.Rename(from, to)
	if again == nil {
		return nil
	}
	if _, there := files.Stat(to); there != nil {
		return errors.Join(err, again) // nothing is in the way
	}
	if gone := files.Remove(to); gone != nil {
		return errors.Join(err, again, gone)
	}
	return files.Rename(from, to)
}

// hangUp ends the session.
func (s *server) hangUp() error {
	if s.open == nil {
		return nil
	}
	session := s.open
	s.open = nil
	if err := session.Close(); err != nil && !errors.Is(err, net.ErrClosed) {
		return err
	}
	return nil
}
