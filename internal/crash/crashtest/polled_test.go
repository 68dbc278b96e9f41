package crashtest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/quarterhour/quarterhour/ingest"
	"github.com/quarterhour/quarterhour/ingest/flow"
	"github.com/quarterhour/quarterhour/internal/broker"
	"github.com/quarterhour/quarterhour/internal/clock"
	"github.com/quarterhour/quarterhour/internal/crash"
	"github.com/quarterhour/quarterhour/internal/embedded"
	"github.com/quarterhour/quarterhour/internal/observe"
	"github.com/quarterhour/quarterhour/internal/quota"
	"github.com/quarterhour/quarterhour/internal/registry"
	"github.com/quarterhour/quarterhour/internal/runtime"
	"github.com/quarterhour/quarterhour/internal/spec"
	"github.com/quarterhour/quarterhour/internal/wholefile"
	"github.com/quarterhour/quarterhour/pipelines"
	"github.com/quarterhour/quarterhour/schemas"
	"github.com/quarterhour/quarterhour/transform"
)

// polls are kills of a run whose source asks a vendor. Before each, the vendor adds, corrects and withdraws calls.
var polls = []kill{
	{crash.CredentialStored, 1}, {crash.RawKept, 1}, {crash.FactsAppended, 1}, {crash.FlowRead, 2}, {crash.FlowRetracted, 1}, {crash.FlowRetracted, 2},
	{crash.CursorDue, 1}, {crash.FlowCommitted, 1}, {crash.MarkAppended, 1}, {crash.FlowRead, 1}, {crash.RawKept, 3}, {crash.CredentialStored, 1},
}

// vendor is what the vendor knows, in a file.
type vendor struct {
	Calls map[string]call `json:"calls"`
	Asked int             `json:"asked"` // how often, which the vendor counts
}

type call struct {
	At    int64  `json:"at"` // milliseconds
	Queue string `json:"queue"`
}

// limit is what the vendor allows a day.
const limit = 1000

func TestNothingShowsOfAKillOfAPolledSource(t *testing.T) {
	t.Parallel()
	w := &world{t: t, data: t.TempDir()}
	path := filepath.Join(w.data, "vendor.json")
	v := vendor{Calls: map[string]call{}}
	now := clock.Now()
	for n, k := range polls {
		for i := range 20 {
			v.Calls[fmt.Sprintf("call-%d-%d", n, i)] = call{now.Add(-time.Duration(n*20+i) * time.Minute).UnixMilli(), "sales"}
		}
		if n > 0 {
			corrected := fmt.Sprintf("call-%d-3", n-1)
			v.Calls[corrected] = call{v.Calls[corrected].At, "service"}
			for i := range 5 {
				delete(v.Calls, fmt.Sprintf("call-%d-%d", n-1, 10+i))
			}
		}
		v = v.swap(t, path)
		if _, killed := w.child("polled", k.String(), w.data, path); !killed {
			t.Errorf("%s was not reached", k)
		}
		v.Asked = v.read(t, path).Asked
	}
	if _, killed := w.child("polled", "", w.data, path); killed {
		t.Fatal("killed without being asked to be")
	}
	v = v.read(t, path)
	out, _ := w.child("polled-read", "", w.data)
	var got struct {
		Queues map[string]string
		Spent  int64
	}
	if err := json.Unmarshal(out, &got); err != nil {
		t.Fatal(err)
	}
	want := map[string]string{}
	for id, c := range v.Calls {
		want[id] = c.Queue
	}
	if d := cmp.Diff(want, got.Queues); d != "" {
		t.Errorf("the log does not say what the vendor does (-vendor +log):\n%s", d)
	}
	if got.Spent < int64(v.Asked) || got.Spent > limit {
		t.Errorf("%d calls are written down, the vendor counted %d", got.Spent, v.Asked)
	}
}

func (v vendor) swap(t *testing.T, path string) vendor {
	t.Helper()
	if err := v.write(path); err != nil {
		t.Fatal(err)
	}
	return v
}

func (v vendor) write(path string) error {
	text, err := json.Marshal(v)
	if err != nil {
		return err
	}
	return wholefile.Write(path, wholefile.Text(text)) // the vendor is not killed with who asks it
}

func (v vendor) read(t *testing.T, path string) vendor {
	t.Helper()
	v, err := readVendor(path)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func readVendor(path string) (v vendor, err error) {
	text, err := os.ReadFile(path)
	if err == nil {
		err = json.Unmarshal(text, &v)
	}
	return v, err
}

// polledSource asks for the last day, in windows of six hours.
type polledSource struct {
	path string
	d    ingest.Deps
}

func (s *polledSource) Run(ctx context.Context, cursor []byte, out ingest.Out) error {
	credential := s.d.Keyring.Open("vendor/user", quota.Options{Exclusive: true, Secret: "secret", Limits: []quota.Limit{
		{Operation: "report", Count: limit, Per: 24 * time.Hour}, // by the minute, the next run would wait for what a kill cost
	}})
	calls := flow.Flow{
		Name: "calls", Facts: []string{"contact"}, Schedule: flow.Schedule{Every: time.Hour}, Replaces: true,
		Window: flow.Window{Back: 24 * time.Hour, Overlap: 24 * time.Hour, Longest: 6 * time.Hour},
		Read: func(ctx context.Context, r *flow.Read) error {
			var v vendor
			err := credential.Do(ctx, "report", func(context.Context) (err error) {
				if v, err = readVendor(s.path); err != nil {
					return err
				}
				v.Asked++
				return v.write(s.path)
			})
			if err != nil {
				return err
			}
			if err := r.Raw(ctx, "application/json", []byte("{}")); err != nil {
				return err
			}
			for id, c := range v.Calls {
				if c.At < r.From.UnixMilli() || c.At >= r.To.UnixMilli() {
					continue
				}
				err := r.Contact(ctx, &schemas.Contact{
					InteractionID: id, QueueID: c.Queue, OfferedAt: c.At, AnsweredAt: schemas.Null, EndedAt: schemas.Null, WrapEndedAt: schemas.Null,
					TalkMs: schemas.Null, HoldMs: schemas.Null, WrapMs: schemas.Null,
				})
				if err != nil {
					return err
				}
			}
			return nil
		},
	}
	return flow.Run(ctx, []flow.Flow{calls}, cursor, out, flow.Options{Deps: s.d, KeepRaw: time.Hour})
}

func polledPipeline(open func(ingest.Deps) ingest.Source) *pipelines.Pipeline {
	return &pipelines.Pipeline{
		Settings: pipelines.Settings{
			Name: "polled", Tenant: "acme", Zone: time.UTC, Interval: 15 * time.Minute, Retention: 840 * time.Hour, MaxSession: 16 * time.Hour, Partitions: 2,
		},
		Sources: []pipelines.Source{{Name: "vendor", Registration: ingest.Registration{
			Component: spec.Component{Kind: spec.Ingest, Type: "vendor"},
			Facts:     func(any) []string { return []string{"contact"} },
			Open:      func(_ any, d ingest.Deps) (ingest.Source, error) { return open(d), nil },
		}}},
		Stages: []pipelines.Stage{{Options: &transform.StageOptions{Profile: transform.ProfileACD, Late: transform.LateRevise}}},
	}
}

// withKafka starts Kafka in a folder, and stops it again.
func withKafka(dir string, do func(context.Context, *broker.Cluster, *registry.Client) error) (err error) {
	if err := crash.Arm(os.Getenv(crash.Variable)); err != nil {
		return err
	}
	ctx := context.Background()
	e, err := embedded.Start(ctx, embedded.Options{Dir: dir, Holder: "crashtest", Kafka: true})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, e.Close()) }()
	cluster, err := broker.Open(broker.Config{Brokers: e.Brokers})
	if err != nil {
		return err
	}
	defer cluster.Close()
	reg, err := registry.Open(e.Registry)
	if err != nil {
		return err
	}
	return do(ctx, cluster, reg)
}

// poll reads all that the vendor has.
func poll(dir, path string) error {
	return withKafka(dir, func(ctx context.Context, cluster *broker.Cluster, reg *registry.Client) error {
		p := polledPipeline(func(d ingest.Deps) ingest.Source { return &polledSource{path, d} })
		return runtime.Run(ctx, []*pipelines.Pipeline{p}, runtime.Options{
			Cluster: cluster, Registry: reg, Stages: []string{runtime.StageIngest}, Drain: true, Log: slog.New(slog.NewTextHandler(os.Stderr, nil)),
			Metrics: observe.NewMetrics(prometheus.NewRegistry()), Now: clock.Now,
		})
	})
}

// readPolled writes what the log says.
func readPolled(dir string, out io.Writer) error {
	return withKafka(dir, func(ctx context.Context, cluster *broker.Cluster, reg *registry.Client) error {
		queues, revisions := map[string]string{}, map[string]int64{}
		p := polledPipeline(func(d ingest.Deps) ingest.Source {
			return reader(func(ctx context.Context) error {
				return d.Recall(ctx, "contact", time.Time{}, func(fact any) {
					c := *fact.(*schemas.Contact)
					if c.Revision <= revisions[c.InteractionID] {
						return
					}
					id := string([]byte(c.InteractionID))
					revisions[id], queues[id] = c.Revision, string([]byte(c.QueueID))
					if c.Retracted {
						delete(queues, id)
					}
				})
			})
		})
		err := runtime.Run(ctx, []*pipelines.Pipeline{p}, runtime.Options{
			Cluster: cluster, Registry: reg, Stages: []string{runtime.StageIngest}, Drain: true, Log: slog.New(slog.DiscardHandler),
			Metrics: observe.NewMetrics(prometheus.NewRegistry()), Now: clock.Now,
		})
		if err != nil {
			return err
		}
		credentials, err := runtime.Credentials(ctx, cluster, p, clock.Now())
		if err != nil || len(credentials) != 1 {
			return fmt.Errorf("%d credentials: %w", len(credentials), err)
		}
		return json.NewEncoder(out).Encode(map[string]any{"Queues": queues, "Spent": credentials[0].Usage[0].Spent})
	})
}

// reader is a source that reads the log.
type reader func(context.Context) error

func (r reader) Run(ctx context.Context, _ []byte, _ ingest.Out) error { return r(ctx) }
