package runtime

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/quarterhour/quarterhour/ingest"
	"github.com/quarterhour/quarterhour/internal/broker"
	"github.com/quarterhour/quarterhour/internal/quota"
	"github.com/quarterhour/quarterhour/pipelines"
)

// checkStore keeps what a check spends, unless a run keeps the books of the credential: it would not see what is written here, and write over it. That
// a credential was refused is kept beside a run, too, and where nothing has been kept so far: the next check would be another attempt.
type checkStore struct {
	file *pipelines.Pipeline
	o    *CheckOptions

	mu      sync.Mutex
	cursors *cursors // nil: nothing has run yet, as far as is known
	holder  string   // the run that keeps the books; "" where none does
	known   []string // keys that it keeps them under
	refused []refusedNow
}

// refusedNow is a credential that was refused in this check.
type refusedNow struct {
	key  string
	lost error // why that is not kept
}

// open takes over what is stored, if anything is.
func (s *checkStore) open(ctx context.Context, cluster *broker.Cluster) error {
	stored, err := openCursors(ctx, cluster, s.file, s.o.Now)
	if err != nil || stored == nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.cursors = stored
	if h, held := stored.held(); held {
		s.holder = fmt.Sprintf("process %d on %q", h.Process, h.Host)
		for key, value := range stored.by {
			if len(value) > 0 {
				s.known = append(s.known, key)
			}
		}
	}
	return nil
}

func (s *checkStore) opened() (c *cursors, holder string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.cursors, s.holder
}

// Load implements quota.Store.
func (s *checkStore) Load(key string) []byte {
	if c, _ := s.opened(); c != nil {
		return c.load(key)
	}
	return nil
}

// Reload implements quota.Reloader.
func (s *checkStore) Reload(ctx context.Context, key string) ([]byte, error) {
	if c, _ := s.opened(); c != nil {
		return c.Reload(ctx, key)
	}
	return nil, nil
}

// Save implements quota.Store. That a refusal could not be kept is told at the end, and is no error of the check.
func (s *checkStore) Save(ctx context.Context, key string, value []byte) error {
	c, _ := s.opened()
	switch is, was := refusal(value), refusal(s.Load(key)); {
	case is && !was:
		err := s.lock(ctx, key, value)
		s.mu.Lock()
		s.refused = append(s.refused, refusedNow{key, err})
		s.mu.Unlock()
		return nil
	case c == nil || s.kept(key):
		return nil
	}
	return c.put(ctx, key, value)
}

// kept says whether a run keeps the books of a credential.
func (s *checkStore) kept(key string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.holder != "" && slices.Contains(s.known, key)
}

func refusal(stored []byte) bool {
	r, err := quota.Stored(stored, time.Time{})
	return err == nil && !r.Refused.IsZero()
}

// lock writes down that a credential was refused. Beside a run nothing else is: what it has spent stands.
func (s *checkStore) lock(ctx context.Context, key string, value []byte) error {
	c, holder := s.opened()
	if c == nil {
		var err error
		if c, err = s.begin(ctx); err != nil {
			return err
		}
	}
	if holder == "" {
		return c.put(ctx, key, value)
	}
	newest, err := c.Reload(ctx, key)
	if err == nil {
		newest, err = quota.Locked(newest, value)
	}
	if err == nil {
		err = c.put(ctx, key, newest)
	}
	if err == nil {
		err = fmt.Errorf("%s reads the sources, and may write over it", holder)
	}
	return err
}

var errNoKafka = errors.New("the pipeline's Kafka cannot be reached")

// begin makes the topic that things are kept in, as a first run would.
func (s *checkStore) begin(ctx context.Context) (*cursors, error) {
	cluster := s.o.Cluster
	if cluster == nil {
		if s.o.Kafka == nil {
			return nil, errNoKafka
		}
		var err error
		if cluster, err = s.o.Kafka(ctx); err != nil {
			return nil, err
		}
	}
	name := topics{s.file.Name}.cursors()
	if _, err := cluster.EnsureTopic(ctx, broker.Topic{Name: name, Partitions: 1, Compact: true}); err != nil {
		return nil, err
	}
	if err := s.open(ctx, cluster); err != nil {
		return nil, err
	}
	c, _ := s.opened()
	if c == nil {
		return nil, fmt.Errorf("topic %q is not there, though it was made", name)
	}
	return c, nil
}

// tell says what became of refusals.
func (s *checkStore) tell(report func(ingest.Finding)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, r := range s.refused {
		f := ingest.Finding{What: "lock of " + strings.TrimPrefix(r.key, quota.Key("")), Outcome: ingest.Doubt, Detail: "written down: neither a check nor a run tries this password again; put the right one in place, or, " +
			"if it was right, say `quarterhour sources reset FILE SOURCE --unlock`"}
		if r.lost != nil {
			f.Detail = "that the vendor refused the credential could not be kept (" + r.lost.Error() + "): another check is another attempt, and a vendor may lock the account after a few. " +
				"Put the right password in place before you check again"
		}
		report(f)
	}
}
