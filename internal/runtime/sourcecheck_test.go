package runtime

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/quarterhour/quarterhour/ingest"
	"github.com/quarterhour/quarterhour/ingest/flow"
	"github.com/quarterhour/quarterhour/internal/broker"
	"github.com/quarterhour/quarterhour/internal/broker/brokertest"
	"github.com/quarterhour/quarterhour/internal/clock"
	"github.com/quarterhour/quarterhour/internal/quota"
	"github.com/quarterhour/quarterhour/pipelines"
)

// login is a source whose check logs in.
type login struct {
	attempts int
	secret   string
	right    string

	exclusive bool
}

func (l *login) pipeline(t *testing.T, name string) *pipelines.Pipeline {
	p := pipelineOf(t, &factSource{}, newTableSink())
	p.Name = brokertest.Name(t) + "-" + name
	p.Sources[0].Registration.Check = func(ctx context.Context, _ any, d ingest.Deps, report func(ingest.Finding)) error {
		c := d.Keyring.Open("vendor/user", quota.Options{Secret: l.secret, Exclusive: l.exclusive, Limits: []quota.Limit{{Operation: "call", Count: 100, Per: 24 * time.Hour}}})
		err := c.Do(ctx, "call", func(ctx context.Context) error {
			l.attempts++
			if l.secret != l.right {
				return errors.Join(errors.New("no such user"), c.Refused(ctx, "no such user"))
			}
			return nil
		})
		f := ingest.Finding{What: "login", Outcome: ingest.Fine}
		if err != nil {
			f.Outcome, f.Detail = ingest.Failure, err.Error()
		}
		report(f)
		return nil
	}
	return p
}

// check is what one check finds, in words.
func (l *login) check(t *testing.T, o CheckOptions, list ...*pipelines.Pipeline) string {
	t.Helper()
	o.Log, o.Now, o.Keyring = slog.New(slog.DiscardHandler), clock.Now, &quota.Keyring{}
	var found []string
	for _, p := range list {
		err := CheckSource(t.Context(), p, p.Sources[0], o, func(f ingest.Finding) { found = append(found, string(f.Outcome)+" "+f.What+": "+f.Detail) })
		if err != nil {
			t.Fatal(err)
		}
	}
	return strings.Join(found, "\n")
}

// A wrong password is one attempt at the vendor, whatever is checked how often afterwards, until it is another or somebody says so.
func TestChecksDoNotRepeatARefusedPassword(t *testing.T) {
	w := newWorld(t)
	l := &login{secret: "old", right: "new"}
	p, q := l.pipeline(t, "p"), l.pipeline(t, "q")
	f := func(attempts int, want string, list ...*pipelines.Pipeline) {
		t.Helper()
		if got := l.check(t, CheckOptions{Cluster: w.cluster}, list...); l.attempts != attempts || !strings.Contains(got, want) {
			t.Errorf("%d attempts, want %d; %q not in\n%s", l.attempts, attempts, want, got)
		}
	}
	f(1, "lock of vendor/user: written down", p, q) // nothing has run here: the check begins what is kept
	for range 3 {
		f(1, "no more calls are made with it", p)
		f(1, "no more calls are made with it", q) // which was told while the first knew
	}
	l.secret = "older"
	f(2, "lock of vendor/user: written down", p)
	f(2, "no more calls are made with it", p)
	if unlocked, err := Unlock(t.Context(), w.cluster, p, "vendor/user", clock.Now); !unlocked || err != nil {
		t.Error(unlocked, err)
	}
	l.secret = "new"
	f(3, "ok login", p)
	f(4, "ok login", p)
	f(5, "ok login", q)
	credentials, err := Credentials(t.Context(), w.cluster, p, clock.Now())
	if err != nil || len(credentials) != 1 || !credentials[0].Refused.IsZero() || credentials[0].Usage[0].Spent < 3 {
		t.Errorf("%+v, %v", credentials, err)
	}
}

// Where nothing is kept so far Kafka is asked for only by what must be kept; where it cannot be reached, that is said.
func TestChecksWithoutKafka(t *testing.T) {
	w := newWorld(t)
	l := &login{secret: "new", right: "new"}
	p := l.pipeline(t, "p")
	asked := 0
	lazy := CheckOptions{Kafka: func(context.Context) (*broker.Cluster, error) { asked++; return w.cluster, nil }}
	if got := l.check(t, lazy, p); got != "ok login: " || asked > 0 {
		t.Errorf("%d times asked: %s", asked, got)
	}
	l.secret, l.attempts = "old", 0
	away := CheckOptions{Kafka: func(context.Context) (*broker.Cluster, error) { return nil, errors.New("it is away") }}
	for n, o := range []CheckOptions{{}, away} {
		got := l.check(t, o, p)
		if l.attempts != n+1 || strings.Count(got, "could not be kept") != 1 || !strings.Contains(got, "another check is another attempt") || n == 1 && !strings.Contains(got, "it is away") {
			t.Errorf("%d attempts\n%s", l.attempts, got)
		}
	}
	if got := l.check(t, lazy, p); asked != 1 || l.attempts != 3 || strings.Count(got, "written down") != 1 {
		t.Errorf("%d times asked, %d attempts\n%s", asked, l.attempts, got)
	}
	if l.check(t, CheckOptions{Cluster: w.cluster}, p); l.attempts != 3 {
		t.Errorf("%d attempts", l.attempts)
	}
}

// held is what is stored of a pipeline by a run that goes on until release.
func (w *world) held(t *testing.T, p *pipelines.Pipeline) (c *cursors, release func()) {
	t.Helper()
	q := &pipeline{file: p, topics: topics{p.Name}, cluster: w.cluster, producer: w.cluster.NewProducer(broker.ProducerOptions{}), now: clock.Now}
	if _, err := w.cluster.EnsureTopic(t.Context(), broker.Topic{Name: q.topics.cursors(), Partitions: 1, Compact: true}); err != nil {
		t.Fatal(err)
	}
	c, err := q.loadCursors(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if release, err = c.hold(t.Context()); err != nil {
		t.Fatal(err)
	}
	return c, release
}

// Beside a run a refusal is written down, and nothing that the run has spent is taken back.
func TestChecksBesideARun(t *testing.T) {
	w := newWorld(t)
	l := &login{secret: "new", right: "new"}
	p := l.pipeline(t, "p")
	for range 3 {
		l.check(t, CheckOptions{Cluster: w.cluster}, p) // nothing is kept of what goes well before a first run
	}
	c, release := w.held(t, p)
	run := (&quota.Keyring{Store: c}).Open("vendor/user", quota.Options{Secret: "new", Limits: []quota.Limit{{Operation: "call", Count: 100, Per: 24 * time.Hour}}})
	for range 20 {
		if err := run.Do(t.Context(), "call", func(context.Context) error { return nil }); err != nil {
			t.Fatal(err)
		}
	}
	spent := func() int64 {
		t.Helper()
		list, err := Credentials(t.Context(), w.cluster, p, clock.Now())
		if err != nil || len(list) != 1 {
			t.Fatal(list, err)
		}
		return list[0].Usage[0].Spent
	}
	before := spent()
	l.secret, l.attempts = "old", 0
	if got := l.check(t, CheckOptions{Cluster: w.cluster}, p); !strings.Contains(got, "reads the sources, and may write over it") || before < 20 || spent() != before {
		t.Errorf("%d spent, and %d\n%s", before, spent(), got)
	}
	if got := l.check(t, CheckOptions{Cluster: w.cluster}, p); l.attempts != 1 || !strings.Contains(got, "no more calls are made with it") {
		t.Errorf("%d attempts\n%s", l.attempts, got)
	}
	if err := run.Do(t.Context(), "call", func(context.Context) error { return nil }); err != nil {
		t.Errorf("the run, which has another password: %v", err)
	}
	release()
}

// opening is a source that only opens its credential.
type opening struct{ ingest.Source }

// A credential that takes one request at a time is left to the run that uses it, of this pipeline or another; what the run has stored is
// told instead.
func TestChecksLeaveARunAlone(t *testing.T) {
	w := newWorld(t)
	l := &login{secret: "new", right: "new", exclusive: true}
	pipelineNamed := func(name string) *pipelines.Pipeline {
		p := l.pipeline(t, name)
		p.Sources[0].Registration.Open = func(_ any, d ingest.Deps) (ingest.Source, error) {
			d.Keyring.Open("vendor/user", quota.Options{Exclusive: l.exclusive})
			return opening{}, nil
		}
		return p
	}
	p, other := pipelineNamed("p"), pipelineNamed("other")
	f := func(attempts int, p *pipelines.Pipeline, want ...string) {
		t.Helper()
		got := l.check(t, CheckOptions{Cluster: w.cluster}, p)
		if l.attempts != attempts {
			t.Errorf("%d attempts, want %d\n%s", l.attempts, attempts, got)
		}
		for _, text := range want {
			if !strings.Contains(got, text) {
				t.Errorf("%q not in\n%s", text, got)
			}
		}
	}
	c, release := w.held(t, p)
	f(1, p, "ok login") // the source is new to the run, which does not use the credential
	if err := c.put(t.Context(), quota.Key("vendor/user"), nil); err != nil {
		t.Fatal(err)
	}
	// The first call of the run, which nothing counts.
	run := (&quota.Keyring{Store: c}).Open("vendor/user", quota.Options{Secret: "new", Exclusive: true, Limits: []quota.Limit{{Operation: "call", Count: 100, Per: 24 * time.Hour}}})
	if err := run.Do(t.Context(), "free", func(context.Context) error { return nil }); err != nil {
		t.Fatal(err)
	}
	beside := fmt.Sprintf("in use by a running pipeline (%q, process ", p.Name)
	f(1, p, "ok check: "+beside, "ok credential vendor/user: the vendor has not refused it")
	f(1, other, "ok check: "+beside)
	for range 100 {
		if err := run.Do(t.Context(), "call", func(context.Context) error { return nil }); err != nil {
			t.Fatal(err)
		}
	}
	at := time.Date(2026, 3, 2, 20, 0, 0, 0, time.UTC)
	cursor := &flow.Cursor{Flows: map[string]*flow.Position{
		"calls": {Read: at, Through: at.Add(-time.Hour)}, "states": {Read: at, Error: "it is away", FailedAt: at.Add(time.Minute)},
	}}
	if err := c.store(t.Context(), p.Sources[0].Name, cursor.Encode()); err != nil {
		t.Fatal(err)
	}
	f(1, p, "warning quota of call per day: nothing of 100 is left until ", "ok stream calls: last read at 2026-03-02T20:00:00Z, complete through 2026-03-02T19:00:00Z",
		"failed stream states: last read at 2026-03-02T20:00:00Z; at 2026-03-02T20:01:00Z it failed: it is away")
	if err := run.Refused(t.Context(), "Invalid Account"); err != nil {
		t.Fatal(err)
	}
	f(1, p, "failed credential vendor/user: the vendor refused it at ", "no call is made with it: Invalid Account")
	l.exclusive = false
	f(1, p, "failed login") // it may go on beside others, and is refused
	l.exclusive = true
	release()
	if _, err := Unlock(t.Context(), w.cluster, p, "vendor/user", clock.Now); err != nil {
		t.Fatal(err)
	}
	if err := c.put(t.Context(), quota.Key("vendor/user"), nil); err != nil {
		t.Fatal(err)
	}
	f(2, p, "ok login")
}
