package cli

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/quarterhour/quarterhour/ingest"
	"github.com/quarterhour/quarterhour/internal/identity"
	"github.com/quarterhour/quarterhour/internal/quota"
	"github.com/quarterhour/quarterhour/pipelines"
)

// Connections are the commands about sources, and about the people whom they list.
type Connections interface {
	// Workers matches the people whom the sources list, tenant by tenant. Pipelines whose aliases contradict each other are an error.
	Workers(ctx context.Context, s *Session, list []*pipelines.Pipeline) ([]*identity.Matched, error)
	// Sources tells how the sources of each pipeline stand.
	Sources(ctx context.Context, s *Session, list []*pipelines.Pipeline) ([]*SourceReport, error)
	// ResetSource takes a stream of a source, or all where it is empty, back to an instant; to its beginning where that is zero. A run that
	// reads the sources is an error.
	ResetSource(ctx context.Context, s *Session, p *pipelines.Pipeline, source, stream string, to time.Time) error
	// UnlockSource makes credentials that the vendor refused usable again, and names them.
	UnlockSource(ctx context.Context, s *Session, p *pipelines.Pipeline, source string) ([]string, error)
	// CheckSources looks at sources of the pipelines one after the other, without reading their data. A source that cannot be checked is a
	// finding, and no error; a finding without a source is about the system, and one without a pipeline about all of it.
	CheckSources(ctx context.Context, s *Session, list []SourcesOf, each func(p *pipelines.Pipeline, source string, f ingest.Finding)) error
}

// SourcesOf are some of a pipeline's sources.
type SourcesOf struct {
	Pipeline *pipelines.Pipeline
	Sources  []pipelines.Source
}

// SourceReport is how the sources of one pipeline stand.
type SourceReport struct {
	Pipeline, Path string
	Now            time.Time // the time that the sources go by
	Reader         string    // the run that reads them; "" where none does
	Streams        []SourceStream
	Credentials    []Credential // by name
}

// SourceStream is how one stream of a source stands.
type SourceStream struct {
	Source   string
	Type     string // "" where the pipeline file no longer has the source
	Stream   string // "" where the source has none, or has not run
	Through  time.Time
	Behind   time.Duration // from Through to now; negative where nothing is promised yet
	Read     time.Time     // beginning of the last read that succeeded
	Due      time.Time
	FailedAt time.Time // of the last read, where it failed
	Error    string
	Begun    bool   // something is stored
	Cursor   string // what the stream keeps for itself, or a source without streams in all, where that is JSON
	Bytes    int    // the same, where it is not: its size
}

// Credential is what is stored about a credential, and which sources use it.
type Credential struct {
	quota.Report
	Name    string
	Sources []string
}

// Use notes that a source uses a credential; nothing need be stored about it yet.
func (r *SourceReport) Use(credential, source string) {
	i := slices.IndexFunc(r.Credentials, func(c Credential) bool { return c.Name == credential })
	if i < 0 {
		i = len(r.Credentials)
		r.Credentials = append(r.Credentials, Credential{Name: credential})
	}
	r.Credentials[i].Sources = append(r.Credentials[i].Sources, source)
	slices.SortFunc(r.Credentials, func(a, b Credential) int { return strings.Compare(a.Name, b.Name) })
}

// restrict leaves the sources that are named, and what is theirs.
func (r *SourceReport) restrict(names []string) {
	r.Streams = slices.DeleteFunc(r.Streams, func(s SourceStream) bool { return !slices.Contains(names, s.Source) })
	r.Credentials = slices.DeleteFunc(r.Credentials, func(c Credential) bool {
		return !slices.ContainsFunc(c.Sources, func(s string) bool { return slices.Contains(names, s) })
	})
}

// of are the credentials of a source.
func (r *SourceReport) of(source string) (list []Credential) {
	for _, c := range r.Credentials {
		if slices.Contains(c.Sources, source) {
			list = append(list, c)
		}
	}
	return list
}

// fullest is the budget of which the greatest part is spent; false where there is none.
func (c *Credential) fullest() (quota.Usage, bool) {
	var most quota.Usage
	found := false
	for _, u := range c.Usage {
		if u.Count > 0 && (!found || float64(u.Spent)/float64(u.Count) > float64(most.Spent)/float64(most.Count)) {
			most, found = u, true
		}
	}
	return most, found
}
