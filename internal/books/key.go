package books

import (
	"cmp"
	"context"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/quarterhour/quarterhour/internal/runtime"
	"github.com/quarterhour/quarterhour/internal/spec"
	"github.com/quarterhour/quarterhour/pipelines"
	"github.com/quarterhour/quarterhour/transform"
)

// keyShapes are how keys of rows are written.
var keyShapes = map[string]string{
	transform.KindQueue:      "queue/TENANT/START/QUEUE/CHANNEL",
	transform.KindAgentQueue: "agent_queue/TENANT/START/AGENT/QUEUE/CHANNEL",
	transform.KindAgent:      "agent/TENANT/START/AGENT",
}

// ParseKey reads a row's key as a person writes it: the kind or its table, the tenant, the interval's start or any time in it,
// and the ids. The time may be on the pipeline's clock, and the tenant may be left out.
func ParseKey(text string, p *pipelines.Pipeline) (transform.Key, error) {
	parts := strings.Split(strings.TrimPrefix(text, "/"), "/")
	k := transform.Key{}
	var words []string
	for _, kind := range kinds {
		words = append(words, kind.kind, kind.table)
		if parts[0] == kind.kind || parts[0] == kind.table {
			k.Kind = kind.kind
		}
	}
	if k.Kind == "" {
		return k, fmt.Errorf("row key %q begins with %q%s", text, parts[0], spec.Suggest(parts[0], words))
	}
	for i := range parts {
		part, err := url.PathUnescape(parts[i])
		if err != nil {
			return k, fmt.Errorf("row key %q: %q is not escaped as in an address: write %% as %%25", text, parts[i])
		}
		parts[i] = part
	}
	shape := strings.Split(keyShapes[k.Kind], "/")
	if len(parts) == len(shape)-1 {
		parts = slices.Insert(parts, 1, p.Tenant)
	}
	if len(parts) != len(shape) {
		return k, fmt.Errorf("row key %q has %d parts, not %d: write %s", text, len(parts), len(shape), keyShapes[k.Kind])
	}
	at, err := ParseTime(parts[2], p.Zone)
	if err != nil {
		return k, fmt.Errorf("row key %q: %w", text, err)
	}
	grid, err := transform.NewGrid(p.Zone, cmp.Or(p.Interval, transform.DefaultInterval))
	if err != nil {
		return k, err
	}
	k.Tenant, k.Start = parts[1], grid.Start(at.UnixMilli())
	switch k.Kind {
	case transform.KindQueue:
		k.QueueID, k.Channel = parts[3], parts[4]
	case transform.KindAgentQueue:
		k.AgentID, k.QueueID, k.Channel = parts[3], parts[4], parts[5]
	default:
		k.AgentID = parts[3]
	}
	return k, nil
}

// NoRowError says that there is no such row, and which ones there are instead.
type NoRowError struct {
	Key     string
	Nearest []string
}

func (e *NoRowError) Error() string {
	if len(e.Nearest) == 0 {
		return fmt.Sprintf("there is no row %s, and none of its kind", e.Key)
	}
	return fmt.Sprintf("there is no row %s: the nearest are %s", e.Key, strings.Join(e.Nearest, ", "))
}

// nearestKeys is how many rows are named instead of one that is not there.
const nearestKeys = 5

// nearRow is a row that may have been meant.
type nearRow struct {
	edits int           // of its ids
	apart time.Duration // of its start
	key   string
}

// nearest finds the rows of the same kind that are most like one: of ids with few edits first, then by time.
func nearest(ctx context.Context, l *runtime.Ledger, k transform.Key) ([]string, error) {
	ids := func(k transform.Key) string { return strings.ToLower(k.AgentID + "/" + k.QueueID + "/" + k.Channel) }
	wanted, edits, found := ids(k), map[string]int{}, map[string]nearRow{}
	var mu sync.Mutex
	note := func(key []byte) {
		o, err := transform.DecodeKey(key)
		if err != nil || o.Kind != k.Kind {
			return
		}
		mu.Lock()
		defer mu.Unlock()
		id := ids(o)
		if _, ok := edits[id]; !ok {
			edits[id] = spec.Distance(wanted, id)
		}
		near := nearRow{edits[id], (time.Duration(o.Start-k.Start) * time.Millisecond).Abs(), transform.FormatKey(o)}
		if edits[id] == 0 {
			id = near.key // of the very ids every interval is of interest, of others the nearest
		}
		if other, ok := found[id]; !ok || near.apart < other.apart || near.apart == other.apart && near.key < other.key {
			found[id] = near
		}
	}
	ranges, err := l.Rows(ctx)
	if err != nil {
		return nil, err
	}
	group, ctx := errgroup.WithContext(ctx)
	for n, r := range ranges {
		group.Go(func() error {
			return l.ReadRows(ctx, n, r.First, r.Next, func(key []byte) bool { note(key); return false }, nil)
		})
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	all := make([]nearRow, 0, len(found))
	for _, n := range found {
		all = append(all, n)
	}
	slices.SortFunc(all, func(a, b nearRow) int {
		return cmp.Or(cmp.Compare(a.edits, b.edits), cmp.Compare(a.apart, b.apart), cmp.Compare(a.key, b.key))
	})
	var names []string
	for _, n := range all[:min(len(all), nearestKeys)] {
		names = append(names, n.key)
	}
	return names, nil
}
