package runtime

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/quarterhour/quarterhour/ingest"
	"github.com/quarterhour/quarterhour/internal/broker"
	"github.com/quarterhour/quarterhour/internal/quota"
	"github.com/quarterhour/quarterhour/pipelines"
)

// beside is a run that uses credentials which take one request at a time: a check would be a second one.
type beside struct {
	pipeline string
	by       holder
	stored   *cursors
	names    []string // of the credentials
	own      bool     // the run is of the pipeline that is checked
}

// runBeside finds a run, of this pipeline or another, that uses a credential of the source which takes one request at a time; nil where
// there is none.
func runBeside(ctx context.Context, cluster *broker.Cluster, file *pipelines.Pipeline, s pipelines.Source, now func() time.Time) (*beside, error) {
	of := credentialsOf(file, s, now)
	maps.DeleteFunc(of, func(_ string, c *quota.Credential) bool { return !c.Exclusive() })
	if len(of) == 0 {
		return nil, nil
	}
	list, err := cluster.Topics(ctx)
	if err != nil {
		return nil, err
	}
	for _, topic := range list {
		name, ok := strings.CutSuffix(topic, topics{}.cursors())
		if !ok {
			continue
		}
		run, other := &beside{pipeline: name, own: name == file.Name}, *file
		other.Name = name
		if run.stored, err = openCursors(ctx, cluster, &other, now); err != nil {
			return nil, err
		}
		if run.stored == nil {
			continue
		}
		if run.by, ok = run.stored.held(); !ok {
			continue
		}
		used := run.own && len(run.stored.load(s.Name)) > 0
		for _, credential := range slices.Sorted(maps.Keys(of)) {
			if len(run.stored.load(quota.Key(credential))) > 0 {
				run.names, used = append(run.names, credential), true
			}
		}
		if used {
			return run, nil
		}
	}
	return nil, nil
}

// tell says what the run has stored about the source and its credentials.
func (b *beside) tell(source string, now time.Time, report func(ingest.Finding)) {
	report(ingest.Finding{What: "check", Outcome: ingest.Fine, Detail: fmt.Sprintf(
		"in use by a running pipeline (%q, process %d on %q), and the vendor takes one request at a time: nothing is asked. What follows is what it said last",
		b.pipeline, b.by.Process, b.by.Host)})
	for _, name := range b.names {
		b.credential(name, now, report)
	}
	if !b.own {
		return
	}
	for _, s := range statesOf(source, "", b.stored, now) {
		if s.Flow != "" {
			report(streamFinding(&s))
		}
	}
}

func (b *beside) credential(name string, now time.Time, report func(ingest.Finding)) {
	stored, err := quota.Stored(b.stored.load(quota.Key(name)), now)
	f := ingest.Finding{What: "credential " + name, Outcome: ingest.Fine, Detail: "the vendor has not refused it"}
	switch {
	case err != nil:
		f.Outcome, f.Detail = ingest.Doubt, err.Error()
	case !stored.Refused.IsZero():
		f.Outcome = ingest.Failure
		f.Detail = fmt.Sprintf("the vendor refused it at %s, and no call is made with it: %s", stored.Refused.UTC().Format(time.RFC3339), stored.Why)
	}
	report(f)
	for _, u := range stored.Usage {
		left := u.Count - u.Spent
		if u.Count <= 0 || left > 0 && u.Per < 24*time.Hour {
			continue
		}
		f := ingest.Finding{What: fmt.Sprintf("quota of %s per %s", u.Operation, perWord(u.Per)), Outcome: ingest.Fine, Detail: fmt.Sprintf("at least %d of %d are left", max(left, 0), u.Count)}
		if left <= 0 {
			f.Outcome, f.Detail = ingest.Doubt, fmt.Sprintf("nothing of %d is left until %s", u.Count, u.Until.UTC().Format(time.RFC3339))
		}
		report(f)
	}
}

func perWord(d time.Duration) string {
	switch d {
	case time.Second:
		return "second"
	case time.Minute:
		return "minute"
	case time.Hour:
		return "hour"
	case 24 * time.Hour:
		return "day"
	}
	return d.String()
}

// streamFinding is how a stream stands, as the run has stored it.
func streamFinding(s *SourceState) ingest.Finding {
	f := ingest.Finding{What: "stream " + s.Flow, Outcome: ingest.Fine, Detail: "not read yet"}
	if !s.Read.IsZero() {
		f.Detail = "last read at " + s.Read.UTC().Format(time.RFC3339)
	}
	if !s.Through.IsZero() {
		f.Detail += ", complete through " + s.Through.UTC().Format(time.RFC3339)
	}
	if s.Error != "" {
		f.Outcome = ingest.Failure
		f.Detail += fmt.Sprintf("; at %s it failed: %s", s.FailedAt.UTC().Format(time.RFC3339), s.Error)
	}
	return f
}
