package pipkins

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"slices"
	"strings"

	"github.com/pkg/sftp"
	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/knownhosts"

	"github.com/quarterhour/quarterhour/internal/httpcall"
)

// login is how a session is begun.
type login struct {
	address string
	config  *ssh.ClientConfig
}

// session is one with a server.
type session struct {
	conn  *ssh.Client
	files *sftp.Client
}

// Close ends it.
func (s *session) Close() error {
	err := s.conn.Close()
	_ = s.files.Close() // with the connection gone it has nothing to say
	return err
}

// errHost is the error of a server that is not the one it should be.
var errHost = errors.New("the server is not the one it should be")

func (o *SFTP) login() (login, error) {
	l := login{address: o.Address, config: &ssh.ClientConfig{User: o.Username}}
	if _, _, err := net.SplitHostPort(l.address); err != nil {
		l.address = net.JoinHostPort(o.Address, "22")
	}
	if o.Key != "" {
		key, err := o.key()
		if err != nil {
			return l, err
		}
		l.config.Auth = append(l.config.Auth, ssh.PublicKeys(key))
	}
	if o.Password != "" {
		l.config.Auth = append(l.config.Auth, ssh.Password(o.Password), ssh.KeyboardInteractive(func(_, _ string, questions []string, echos []bool) ([]string, error) {
			answers := make([]string, len(questions))
			for n := range questions {
				if !echos[n] { // the one that is not shown is the password
					answers[n] = o.Password
				}
			}
			return answers, nil
		}))
	}
	return l, o.trust(&l)
}

func (o *SFTP) key() (ssh.Signer, error) {
	text, err := os.ReadFile(o.Key)
	if err != nil {
		return nil, fmt.Errorf("key: %w", err)
	}
	var key ssh.Signer
	if o.Passphrase != "" {
		key, err = ssh.ParsePrivateKeyWithPassphrase(text, []byte(o.Passphrase))
	} else {
		key, err = ssh.ParsePrivateKey(text)
	}
	if err != nil {
		return nil, fmt.Errorf("key: %q is no private key that can be read: %w", o.Key, err)
	}
	return key, nil
}

// trust says which server it must be.
func (o *SFTP) trust(l *login) error {
	if o.Fingerprint != "" {
		l.config.HostKeyCallback = func(_ string, _ net.Addr, key ssh.PublicKey) error {
			if got := ssh.FingerprintSHA256(key); got != o.Fingerprint {
				return fmt.Errorf("%w: its %s key has the fingerprint %s, and fingerprint is %s: ask its owner which is right", errHost, key.Type(), got, o.Fingerprint)
			}
			return nil
		}
		return nil
	}
	known, err := knownhosts.New(o.KnownHosts)
	if err != nil {
		return fmt.Errorf("known_hosts: %w", err)
	}
	l.config.HostKeyCallback = func(host string, at net.Addr, key ssh.PublicKey) error {
		if err := known(host, at, key); err != nil {
			return fmt.Errorf("%w: its %s key is %s: %w: ask its owner, and put the right key into %s", errHost, key.Type(), ssh.FingerprintSHA256(key), err, o.KnownHosts)
		}
		return nil
	}
	l.config.HostKeyAlgorithms = algorithms(known, l.address)
	return nil
}

// algorithms are those of the keys that are known, so that the server shows one of them. All where none is known.
func algorithms(known ssh.HostKeyCallback, address string) []string {
	var unknown *knownhosts.KeyError
	if err := known(address, &net.TCPAddr{IP: net.IPv4zero}, noKey{}); !errors.As(err, &unknown) {
		return nil
	}
	var list []string
	for _, k := range unknown.Want {
		if t := k.Key.Type(); t == ssh.KeyAlgoRSA {
			list = append(list, ssh.KeyAlgoRSASHA512, ssh.KeyAlgoRSASHA256, ssh.KeyAlgoRSA)
		} else if !slices.Contains(list, t) {
			list = append(list, t)
		}
	}
	return list
}

// noKey is a key that nobody has.
type noKey struct{}

func (noKey) Type() string                        { return "none" }
func (noKey) Marshal() []byte                     { return nil }
func (noKey) Verify([]byte, *ssh.Signature) error { return errHost }

// dial logs in.
func (l login) dial(ctx context.Context) (*session, error) {
	raw, err := (&net.Dialer{}).DialContext(ctx, "tcp", l.address)
	if err != nil {
		return nil, err
	}
	stop := context.AfterFunc(ctx, func() { _ = raw.Close() })
	conn, channels, requests, err := ssh.NewClientConn(raw, l.address, l.config)
	if !stop() {
		return nil, errors.Join(ctx.Err(), raw.Close())
	}
	if err != nil {
		return nil, errors.Join(refusal(err), ignoreClosed(raw.Close()))
	}
	client := ssh.NewClient(conn, channels, requests)
	stop = context.AfterFunc(ctx, func() { _ = client.Close() })
	defer stop()
	files, err := sftp.NewClient(client)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("the server has no file transfer for this user: %w", err), ignoreClosed(client.Close()))
	}
	return &session{conn: client, files: files}, nil
}

// refusal marks what another try does not help against, so that the account is not locked by trying.
func refusal(err error) error {
	if errors.Is(err, errHost) || isAuthFailure(err) {
		return &httpcall.Error{Kind: httpcall.Refused, Err: err}
	}
	return err
}

func ignoreClosed(err error) error {
	if errors.Is(err, net.ErrClosed) {
		return nil
	}
	return err
}

// isAuthFailure tells a login that was refused, for which the library has no error of its own.
func isAuthFailure(err error) bool { return strings.Contains(err.Error(), "unable to authenticate") }
