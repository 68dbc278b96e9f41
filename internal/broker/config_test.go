package broker

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"math/big"
	"net"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/segmentio/kafka-go"
	"github.com/twmb/franz-go/pkg/kfake"

	"github.com/quarterhour/quarterhour/internal/broker/brokertest"
)

func TestConfigSaysWhatIsWrong(t *testing.T) {
	f := func(o Config, want string) {
		t.Helper()
		if _, err := Open(o); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("Open = %v, want %q in it", err, want)
		}
	}
	f(Config{}, "no Kafka brokers")
	f(Config{Brokers: []string{"x:1"}, SASL: SASL{Mechanism: "KERBEROS", User: "u"}}, `"KERBEROS"`)

	c := open(t, brokertest.Start(t))
	if _, err := c.NewProducer(ProducerOptions{Compression: "rar"}).Produce(background(t), "x", 0, numbered(0, 1)); err == nil || !strings.Contains(err.Error(), `"rar"`) {
		t.Errorf("Produce with an unknown compression = %v", err)
	}
	if err := c.Consume(background(t), GroupOptions{Group: "g"}, nil); err == nil {
		t.Error("Consume of no topic does not fail")
	}
}

func TestCredentials(t *testing.T) {
	t.Parallel()
	if brokertest.External() != nil {
		t.Skip("needs a broker with users")
	}
	for _, mechanism := range []string{"PLAIN", "SCRAM-SHA-256", "scram-sha-512"} {
		t.Run(mechanism, func(t *testing.T) {
			fake := brokertest.Fake(t, kfake.EnableSASL(), kfake.Superuser(strings.ToUpper(mechanism), "user", "secret"))
			login := func(password string) error {
				c, err := Open(Config{Brokers: fake.ListenAddrs(), SASL: SASL{mechanism, "user", password}, Patience: 300 * time.Millisecond})
				if err != nil {
					return err
				}
				defer c.Close()
				_, err = c.EnsureTopic(background(t), Topic{Name: "x", Partitions: 1})
				if err == nil {
					err = c.Consume(background(t), GroupOptions{Group: "g", Topics: []string{"x"}}, firstAssignment)
				}
				return err
			}
			if err := login("secret"); !errors.Is(err, errDone) {
				t.Errorf("with the right password: %v", err)
			}
			if err := login("guessed"); err == nil || errors.Is(err, errDone) || strings.Contains(err.Error(), "guessed") || !strings.Contains(err.Error(), "password") {
				t.Errorf("with a wrong password: %v", err)
			} else {
				t.Log(err)
			}
		})
	}
}

func TestTLS(t *testing.T) {
	if brokertest.External() != nil {
		t.Skip("needs a broker with a certificate")
	}
	certificate, pool := selfSigned(t)
	fake := brokertest.Fake(t, kfake.TLS(&tls.Config{Certificates: []tls.Certificate{certificate}}))
	c, err := Open(Config{Brokers: fake.ListenAddrs(), TLS: &tls.Config{RootCAs: pool}, Patience: 5 * time.Second})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	name := topic(t, c, 1)
	produce(t, c, name, 0, numbered(0, 3))
	if got := values(t, c, name, 0); !slices.Equal(got, []string{"0", "1", "2"}) {
		t.Fatalf("read %q", got)
	}
	if err := c.Consume(background(t), GroupOptions{Group: "g", Topics: []string{name}}, firstAssignment); !errors.Is(err, errDone) {
		t.Fatalf("Consume = %v", err)
	}

	distrusting, err := Open(Config{Brokers: fake.ListenAddrs(), TLS: &tls.Config{}, Patience: 20 * time.Second})
	if err != nil {
		t.Fatal(err)
	}
	defer distrusting.Close()
	if _, err := distrusting.Offsets(background(t), name); err == nil || !strings.Contains(err.Error(), "certificate") {
		t.Errorf("with a certificate nobody vouches for: %v", err)
	}
}

func TestErrorsThatMayPass(t *testing.T) {
	f := func(err error, want bool) {
		t.Helper()
		if got := retryable(err); got != want {
			t.Errorf("retryable(%v) = %v", err, got)
		}
	}
	f(kafka.NotLeaderForPartition, true)
	f(kafka.TopicAuthorizationFailed, false)
	f(kafka.SASLAuthenticationFailed, false)
	f(&net.OpError{Op: "dial", Err: errors.New("refused")}, true)
	f(errors.New("anything else"), false)
}

// selfSigned is a certificate for loopback, and the pool that trusts it.
func selfSigned(t *testing.T) (tls.Certificate, *x509.CertPool) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	parsed, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AddCert(parsed)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, pool
}
