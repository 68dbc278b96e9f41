package app

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"time"

	"github.com/quarterhour/quarterhour/ingest"
	"github.com/quarterhour/quarterhour/internal/broker"
	"github.com/quarterhour/quarterhour/internal/cli"
	"github.com/quarterhour/quarterhour/internal/clock"
	"github.com/quarterhour/quarterhour/internal/quota"
	"github.com/quarterhour/quarterhour/internal/runtime"
	"github.com/quarterhour/quarterhour/pipelines"
)

// openKafka reaches the Kafka of the system, or that of a process which runs beside this one.
func openKafka(ctx context.Context, s *cli.Session) (*broker.Cluster, func() error, error) {
	e, err := open(ctx, s, needs{kafka: true}, true)
	if err != nil {
		return nil, nil, err
	}
	cluster, _, err := connect(s, e)
	if err != nil {
		return nil, nil, errors.Join(err, e.close())
	}
	return cluster, func() error { cluster.Close(); return e.close() }, nil
}

// sourceWatch is the time that sources go by.
func sourceWatch() (clock.Watch, error) { return clock.ParseFast(os.Getenv(clock.FastVariable)) }

// Sources tells how the sources of each pipeline stand.
func (App) Sources(ctx context.Context, s *cli.Session, list []*pipelines.Pipeline) (all []*cli.SourceReport, err error) {
	watch, err := sourceWatch()
	if err != nil {
		return nil, err
	}
	cluster, done, err := openKafka(ctx, s)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, done()) }()
	for _, p := range list {
		report, err := sourcesOf(ctx, cluster, p, watch.Now())
		if err != nil {
			return nil, fmt.Errorf("pipeline %q: %w", p.Name, err)
		}
		all = append(all, report)
	}
	return all, nil
}

func sourcesOf(ctx context.Context, cluster *broker.Cluster, p *pipelines.Pipeline, now time.Time) (*cli.SourceReport, error) {
	report := &cli.SourceReport{Pipeline: p.Name, Path: p.Path, Now: now}
	var err error
	if report.Reader, err = runtime.Reader(ctx, cluster, p, clock.Now); err != nil {
		return nil, err
	}
	states, err := runtime.Sources(ctx, cluster, p, now)
	if err != nil {
		return nil, err
	}
	for i := range states {
		report.Streams = append(report.Streams, streamOf(&states[i], now))
	}
	stored, err := runtime.Credentials(ctx, cluster, p, now)
	if err != nil {
		return nil, err
	}
	for _, c := range stored {
		report.Credentials = append(report.Credentials, cli.Credential{Name: c.Name, Report: c.Report})
	}
	for _, src := range p.Sources {
		for _, name := range runtime.CredentialNames(p, src, clock.Now) {
			report.Use(name, src.Name)
		}
	}
	return report, nil
}

// streamOf is how a stream stands, for people. A source without streams may have promised something nevertheless.
func streamOf(s *runtime.SourceState, now time.Time) cli.SourceStream {
	one := cli.SourceStream{
		Source: s.Source, Type: s.Type, Stream: s.Flow, Through: s.Through, Behind: s.Behind, Read: s.Read, Due: s.Due, FailedAt: s.FailedAt, Error: s.Error,
		Begun: s.Cursor != nil, Cursor: string(s.State), Bytes: len(s.Bytes),
	}
	if s.Flow != "" {
		return one
	}
	if through := runtime.Promised(s.Cursor); !through.IsZero() {
		one.Through, one.Behind = through, max(0, now.Sub(through))
	}
	if one.Cursor = runtime.CursorText(s.Cursor); one.Cursor == "" {
		one.Bytes = len(s.Cursor)
	}
	return one
}

// ResetSource takes a source back.
func (App) ResetSource(ctx context.Context, s *cli.Session, p *pipelines.Pipeline, source, stream string, to time.Time) (err error) {
	cluster, done, err := openKafka(ctx, s)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, done()) }()
	return runtime.ResetSource(ctx, cluster, p, source, stream, to, clock.Now)
}

// UnlockSource makes the refused credentials of a source usable again, and names them.
func (App) UnlockSource(ctx context.Context, s *cli.Session, p *pipelines.Pipeline, source string) (unlocked []string, err error) {
	cluster, done, err := openKafka(ctx, s)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, done()) }()
	i := slices.IndexFunc(p.Sources, func(one pipelines.Source) bool { return one.Name == source })
	if i < 0 {
		return nil, fmt.Errorf("pipeline %q has no source %q", p.Name, source)
	}
	for _, name := range runtime.CredentialNames(p, p.Sources[i], clock.Now) {
		ok, err := runtime.Unlock(ctx, cluster, p, name, clock.Now)
		if err != nil {
			return unlocked, fmt.Errorf("credential %q: %w", name, err)
		}
		if ok {
			unlocked = append(unlocked, name)
		}
	}
	return unlocked, nil
}

// CheckSources looks at each source; what was found comes as it is found.
func (App) CheckSources(ctx context.Context, s *cli.Session, list []cli.SourcesOf, each func(p *pipelines.Pipeline, source string, f ingest.Finding)) (err error) {
	watch, err := sourceWatch()
	if err != nil {
		return err
	}
	o := runtime.CheckOptions{Log: s.Log, Progress: s.Progress, Now: clock.Now, Watch: watch, Keyring: &quota.Keyring{Watch: watch}}
	finish := func() error { return nil }
	defer func() { err = errors.Join(err, finish()) }()
	reach := func(ctx context.Context) (*broker.Cluster, error) {
		cluster, done, away := openKafka(ctx, s)
		if away == nil {
			o.Cluster, finish = cluster, done
		}
		return cluster, away
	}
	if _, missing := os.Stat(s.System.Data); s.System.EmbeddedKafka() && errors.Is(missing, fs.ErrNotExist) {
		o.Kafka = reach // nothing has run here: it is begun for what must be kept
	} else if _, away := reach(ctx); away != nil && ctx.Err() == nil {
		each(nil, "", ingest.Finding{What: "Kafka", Outcome: ingest.Doubt, Detail: "what earlier runs have spent of the vendors' quotas, and which passwords vendors have refused, is not known: " + away.Error()})
	}
	for _, of := range list {
		for _, src := range of.Sources {
			if err := checkSource(ctx, of.Pipeline, src, o, func(f ingest.Finding) { each(of.Pipeline, src.Name, f) }); err != nil {
				return err
			}
		}
	}
	return nil
}

// checkSource looks at one. An error ends the command.
func checkSource(ctx context.Context, p *pipelines.Pipeline, src pipelines.Source, o runtime.CheckOptions, each func(ingest.Finding)) error {
	found := 0
	err := runtime.CheckSource(ctx, p, src, o, func(f ingest.Finding) {
		found++
		each(f)
	})
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case err != nil:
		each(ingest.Finding{What: "check", Outcome: ingest.Failure, Detail: err.Error()})
	case found == 0:
		each(ingest.Finding{What: "check", Outcome: ingest.Fine, Detail: "this kind of source has nothing that could be checked beforehand"})
	}
	return nil
}
