package runtime

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/quarterhour/quarterhour/ingest/flow"
	"github.com/quarterhour/quarterhour/internal/broker"
	"github.com/quarterhour/quarterhour/internal/quota"
	"github.com/quarterhour/quarterhour/pipelines"
)

// SourceState is how a source, or one of its flows, stands.
type SourceState struct {
	Source string
	Type   string // "" where the pipeline file no longer has the source
	Flow   string // "" where the source has none, or has not run
	flow.Position
	Behind time.Duration // from Through to now; negative where the flow promises nothing yet
	Cursor []byte        // as it is stored, of the whole source; nil before the first run
}

// ErrHeld is the error of a change to what a run is using.
var ErrHeld = errors.New("the sources are being read")

// openCursors reads what is stored of the pipeline's sources, beside a run or without one; nil where it never ran.
func openCursors(ctx context.Context, cluster *broker.Cluster, file *pipelines.Pipeline, now func() time.Time) (*cursors, error) {
	p := &pipeline{file: file, topics: topics{file.Name}, cluster: cluster, producer: cluster.NewProducer(broker.ProducerOptions{}), now: now}
	names, err := cluster.Topics(ctx)
	if err != nil {
		return nil, err
	}
	if !slices.Contains(names, p.topics.cursors()) {
		return nil, nil
	}
	return p.loadCursors(ctx)
}

// Sources is how the sources of a pipeline stand, in the order of the pipeline file, and the flows of each by name.
func Sources(ctx context.Context, cluster *broker.Cluster, file *pipelines.Pipeline, now time.Time) ([]SourceState, error) {
	stored, err := openCursors(ctx, cluster, file, func() time.Time { return now })
	if err != nil {
		return nil, err
	}
	var list []SourceState
	seen := map[string]bool{}
	for _, s := range file.Sources {
		seen[s.Name] = true
		list = append(list, statesOf(s.Name, s.Registration.Type, stored, now)...)
	}
	if stored == nil {
		return list, nil
	}
	var gone []string
	for key, value := range stored.by {
		if !seen[key] && !strings.Contains(key, "/") && len(value) > 0 {
			gone = append(gone, key)
		}
	}
	slices.Sort(gone)
	for _, name := range gone {
		list = append(list, statesOf(name, "", stored, now)...)
	}
	return list, nil
}

func statesOf(name, kind string, stored *cursors, now time.Time) []SourceState {
	state := SourceState{Source: name, Type: kind, Behind: -1}
	if stored != nil {
		if value := stored.load(name); len(value) > 0 {
			state.Cursor = value
		}
	}
	c, ok := flowCursor(state.Cursor)
	if !ok || len(c.Flows) == 0 {
		return []SourceState{state}
	}
	var list []SourceState
	for flow, p := range c.Flows {
		one := state
		one.Flow, one.Position = flow, *p
		if !p.Through.IsZero() {
			one.Behind = max(0, now.Sub(p.Through))
		}
		list = append(list, one)
	}
	slices.SortFunc(list, func(a, b SourceState) int { return cmp.Compare(a.Flow, b.Flow) })
	return list
}

// flowCursor is a stored cursor in the form that flows have; false where it is another.
func flowCursor(stored []byte) (*flow.Cursor, bool) {
	var shape struct {
		Flows json.RawMessage `json:"flows"`
	}
	if json.Unmarshal(stored, &shape) != nil || !bytes.HasPrefix(shape.Flows, []byte("{")) {
		return nil, false
	}
	c, err := flow.ParseCursor(stored)
	return c, err == nil
}

// ResetSource takes a flow of a source back to an instant, or all of its flows where flow is empty; with the zero instant it forgets
// how far they are. Nothing is taken back that is in the log: what is read again and says the same is not written again. A run that
// reads the sources is in the way (ErrHeld), since it would write its own position over this one.
func ResetSource(ctx context.Context, cluster *broker.Cluster, file *pipelines.Pipeline, source, flow string, to time.Time, now func() time.Time) error {
	stored, err := openCursors(ctx, cluster, file, now)
	if err != nil {
		return err
	}
	if stored == nil || len(stored.load(source)) == 0 {
		return fmt.Errorf("source %q of pipeline %q has read nothing: there is nothing to reset", source, file.Name)
	}
	if h, ok := stored.held(); ok {
		return fmt.Errorf("%w by process %d on %q (seen at %s): stop it first; one that was killed is taken for dead after %s",
			ErrHeld, h.Process, h.Host, h.At.Format(time.RFC3339), holdLimit)
	}
	c, ok := flowCursor(stored.load(source))
	if !ok {
		if flow != "" || !to.IsZero() {
			return fmt.Errorf("source %q keeps a position of its own kind: it can only be reset as a whole, to its beginning", source)
		}
		return stored.put(ctx, source, nil)
	}
	if at := now(); to.After(at) {
		return fmt.Errorf("%s has not come yet: a source is taken back to a time before now, %s", to.Format(time.RFC3339), at.UTC().Format(time.RFC3339))
	}
	if c.Reset(flow, to) == 0 {
		if p := c.Flows[flow]; p != nil {
			return fmt.Errorf("flow %q of source %q has read up to %s only, which is not after %s: there is nothing to take back", flow, source,
				p.Through.Format(time.RFC3339), to.UTC().Format(time.RFC3339))
		}
		names := make([]string, 0, len(c.Flows))
		for name := range c.Flows {
			names = append(names, name)
		}
		slices.Sort(names)
		return fmt.Errorf("source %q has no flow %q that has read anything: it has %s", source, flow, strings.Join(names, ", "))
	}
	return stored.put(ctx, source, c.Encode())
}

// CredentialState is what is stored about a credential.
type CredentialState struct {
	Name string
	quota.Report
}

// Credentials is what is stored about the credentials that the pipeline's sources use, by name.
func Credentials(ctx context.Context, cluster *broker.Cluster, file *pipelines.Pipeline, now time.Time) ([]CredentialState, error) {
	stored, err := openCursors(ctx, cluster, file, func() time.Time { return now })
	if err != nil || stored == nil {
		return nil, err
	}
	var list []CredentialState
	for key, value := range stored.by {
		name, ok := strings.CutPrefix(key, quota.Key(""))
		if !ok || len(value) == 0 {
			continue
		}
		report, err := quota.Stored(value, now)
		if err != nil {
			return nil, fmt.Errorf("credential %q: %w", name, err)
		}
		list = append(list, CredentialState{name, report})
	}
	slices.SortFunc(list, func(a, b CredentialState) int { return cmp.Compare(a.Name, b.Name) })
	return list, nil
}

// Unlock makes calls be made again with a credential that the vendor refused; a run notices within half a minute. false: it was not
// locked.
func Unlock(ctx context.Context, cluster *broker.Cluster, file *pipelines.Pipeline, name string, now func() time.Time) (bool, error) {
	stored, err := openCursors(ctx, cluster, file, now)
	if err != nil || stored == nil {
		return false, err
	}
	key := quota.Key(name)
	value, locked, err := quota.Unlocked(stored.load(key))
	if err != nil || !locked {
		return false, err
	}
	return true, stored.put(ctx, key, value)
}
