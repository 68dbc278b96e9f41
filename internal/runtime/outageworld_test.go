package runtime

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
	"golang.org/x/sync/errgroup"

	"github.com/quarterhour/quarterhour/internal/broker"
	"github.com/quarterhour/quarterhour/internal/broker/brokertest"
	"github.com/quarterhour/quarterhour/internal/clock"
	"github.com/quarterhour/quarterhour/internal/embedded/kafka"
	embedded "github.com/quarterhour/quarterhour/internal/embedded/registry"
	"github.com/quarterhour/quarterhour/internal/observe"
	"github.com/quarterhour/quarterhour/internal/registry"
	"github.com/quarterhour/quarterhour/schemas"
	"github.com/quarterhour/quarterhour/transform"
)

// outage is a pipeline's sinks in a process of their own, the log that they read, which is on disk, and their destinations.
type outage struct {
	t        *testing.T
	dir      string
	watch    *gears
	kafka    *kafka.Server
	registry *embedded.Server
	cluster  *broker.Cluster
	client   *registry.Client
	run      outageRun
	here     *wfm // is always well
	away     *wfm // is not
	p        *pipeline

	process *exec.Cmd
	log     *os.File
	answers string // where the process answers

	queues  int
	step    int
	filled  int
	newest  map[string]int64     // revision of every row
	written map[string]time.Time // key@revision: when it was in the log
}

// The speeds of these tests: a simulated day takes seconds, and destinations are given what they take in a time that real requests need.
const (
	outageSlow = 60
	outageFast = 15_000
)

// newOutage starts everything, with those sinks; options are those of the one whose destination fails.
func newOutage(t *testing.T, queues int, options string, names ...string) *outage {
	t.Helper()
	o := &outage{t: t, dir: t.TempDir(), watch: &gears{}, queues: queues, step: 2, newest: map[string]int64{}, written: map[string]time.Time{}}
	began := clock.FormatFast(time.UnixMilli(day).Add(15*time.Minute), clock.Now(), outageSlow)
	o.must(o.watch.shift(began))
	o.startKafka()
	var err error
	o.registry, err = embedded.Start(t.Context(), embedded.Options{Dir: filepath.Join(o.dir, "registry")})
	o.must(err)
	t.Cleanup(func() { _ = o.registry.Close() })
	o.client, err = registry.Open(o.registry.URL())
	o.must(err)
	o.here, o.away = newWFM(t, o.watch), newWFM(t, o.watch)
	sink := func(d *wfm, options string) string {
		return fmt.Sprintf("url: http://%s/\nwhen: provisional\nconcurrency: %d\n%s\nrecords: {queue_interval: {path: rows, fields: {key: key, revision: revision}}}\n", d.addr, outageAtOnce, options)
	}
	o.run = outageRun{
		Broker: o.kafka.Addr(), Registry: o.registry.URL(), Pipeline: brokertest.Name(t), Clock: began,
	}
	all := map[string]string{"tables": "", "here": sink(o.here, "batch: 100"), "away": sink(o.away, options)}
	for _, name := range names {
		o.run.Sinks = append(o.run.Sinks, outageSink{name, all[name]})
	}
	file, err := o.run.file()
	o.must(err)
	o.p, err = open(t.Context(), file, Options{
		Cluster: o.cluster, Registry: o.client, Log: slog.New(slog.DiscardHandler), Progress: noProgress{}, Metrics: observe.NewMetrics(prometheus.NewRegistry()),
		Now: o.watch.Now, Watch: o.watch,
	})
	o.must(err)
	o.log, err = os.Create(filepath.Join(o.dir, "log"))
	o.must(err)
	t.Cleanup(func() { _ = o.log.Close() })
	t.Cleanup(func() {
		if o.process != nil {
			o.kill()
		}
		if t.Failed() {
			said := o.said()
			t.Logf("the process says at the end\n%s", said[max(0, len(said)-3000):])
		}
	})
	o.start()
	return o
}

func (o *outage) must(err error) {
	o.t.Helper()
	if err != nil {
		o.t.Fatal(err)
	}
}

// startKafka starts the broker; what can be compacted is compacted before.
func (o *outage) startKafka() {
	o.t.Helper()
	var err error
	o.kafka, err = kafka.Start(o.t.Context(), kafka.Options{Dir: filepath.Join(o.dir, "kafka"), CompactAbove: 1})
	o.must(err)
	server := o.kafka
	o.t.Cleanup(func() { _ = server.Close() }) // also where it was closed before
	if o.cluster == nil {
		o.cluster, err = broker.Open(broker.Config{Brokers: []string{o.kafka.Addr()}})
		o.must(err)
		o.t.Cleanup(o.cluster.Close)
	}
}

// start begins a process.
func (o *outage) start() {
	o.t.Helper()
	config, err := json.Marshal(o.run)
	o.must(err)
	o.process = exec.CommandContext(o.t.Context(), os.Args[0])
	o.process.Env = append(os.Environ(), outageVariable+"="+string(config))
	o.process.Stderr = o.log
	out, err := o.process.StdoutPipe()
	o.must(err)
	o.must(o.process.Start())
	o.answers, err = bufio.NewReader(out).ReadString('\n')
	o.must(err)
	o.answers = "http://" + strings.TrimSpace(o.answers)
}

// kill ends the process as a machine that fails would.
func (o *outage) kill() {
	_ = o.process.Process.Kill() // or it has ended by itself
	_ = o.process.Wait()
	o.process = nil
}

// said is the log of the process.
func (o *outage) said() string {
	text, err := os.ReadFile(o.log.Name())
	if err != nil {
		return err.Error()
	}
	return string(text)
}

// shiftAhead is how far the clock jumps when its speed changes: the process hears of it within that time, and time does not go back for it.
const shiftAhead = 100 * time.Millisecond

// speed changes the speed of the clock, here and in the process.
func (o *outage) speed(speed float64) {
	o.t.Helper()
	at, shown := clock.Now(), o.watch.Now().Add(time.Duration(float64(shiftAhead)*o.pace()))
	o.run.Clock = clock.FormatFast(shown, at, speed)
	o.must(o.watch.shift(o.run.Clock))
	o.post("/clock", o.run.Clock)
}

// pace is the speed of the clock.
func (o *outage) pace() float64 {
	speed, err := strconv.ParseFloat(o.run.Clock[strings.LastIndexByte(o.run.Clock, ',')+1:], 64)
	o.must(err)
	return speed
}

func (o *outage) post(path, body string) []byte {
	o.t.Helper()
	answer, err := http.Post(o.answers+path, "text/plain", strings.NewReader(body))
	o.must(err)
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	o.must(err)
	if answer.StatusCode != http.StatusOK {
		o.t.Fatalf("%s: %s %s", path, answer.Status, text)
	}
	return text
}

// heap is what the process holds in memory, in bytes.
func (o *outage) heap() int {
	o.t.Helper()
	n, err := strconv.Atoi(string(o.post("/heap", "")))
	o.must(err)
	return n
}

// metric is one of the sink whose destination fails, summed up over what else it is told apart by.
func (o *outage) metric(name string) (sum float64) {
	o.t.Helper()
	parser := expfmt.NewTextParser(model.UTF8Validation)
	families, err := parser.TextToMetricFamilies(bytes.NewReader(o.post("/metrics", "")))
	o.must(err)
	for _, m := range families["quarterhour_"+name].GetMetric() {
		for _, l := range m.GetLabel() {
			if (l.GetName() == "sink" || l.GetName() == "name") && l.GetValue() == "away" {
				sum += m.GetGauge().GetValue() + m.GetCounter().GetValue()
			}
		}
	}
	return sum
}

// outageStep is how often rows are written: of half the queues each time.
const outageStep = 450 * time.Second

// merge writes rows for the time, as a merge does: a first revision when the interval has ended, the final one a quarter of an hour later, and of
// every third row a correction three hours after that.
func (o *outage) merge(d time.Duration) {
	o.t.Helper()
	until := o.watch.Now().Add(d)
	for end := o.step + int(d/outageStep); o.step < end; o.step++ {
		o.must(o.watch.Sleep(o.t.Context(), until.Add(-time.Duration(end-o.step)*outageStep).Sub(o.watch.Now())))
		var rows []schemas.QueueInterval
		for q := o.step % 2; q < o.queues; q += 2 {
			done := o.step / 2
			for revision, back := range []int{1, 2, 14} {
				if back <= done && (revision < 2 || q/3%3 == 0) {
					rows = append(rows, outageRow(q, done-back, int64(revision)+1))
				}
			}
		}
		o.write(rows)
	}
}

func outageRow(queue, interval int, revision int64) schemas.QueueInterval {
	return schemas.QueueInterval{
		Tenant: "acme", IntervalStart: day + int64(interval)*900_000, IntervalSeconds: 900, QueueID: fmt.Sprint("queue-", queue), QueueName: fmt.Sprint("Queue ", queue),
		Channel: "voice", Offered: 17, Answered: 15, TalkMs: 1_234_567, HandleMs: 1_500_000, Facts: 17, Final: revision > 1, Revision: revision,
	}
}

// write writes rows into the log.
func (o *outage) write(rows []schemas.QueueInterval) {
	o.t.Helper()
	out := make([][]broker.Record, o.p.file.Partitions)
	names := make([]string, len(rows))
	for n := range rows {
		key := transform.AppendQueueKey(nil, &rows[n])
		to := broker.Partition(key, len(out))
		out[to] = append(out[to], broker.Record{Key: key, Value: o.p.write.queue.append(nil, &rows[n]), Time: o.watch.Now()})
		k, err := transform.DecodeKey(key)
		o.must(err)
		names[n] = transform.FormatKey(k)
	}
	var group errgroup.Group
	for to, records := range out {
		group.Go(func() error {
			for len(records) > 0 {
				some := records[:min(len(records), 10_000)]
				records = records[len(some):]
				if _, err := o.p.producer.Produce(o.t.Context(), o.p.topics.rows(), to, some); err != nil {
					return err
				}
			}
			return nil
		})
	}
	o.must(group.Wait())
	now := o.watch.Now()
	for n, name := range names {
		o.newest[name] = max(o.newest[name], rows[n].Revision)
		o.written[fmt.Sprintf("%s@%d", name, rows[n].Revision)] = now
	}
}

// fill writes final rows of earlier intervals.
func (o *outage) fill(n int) {
	o.t.Helper()
	rows := make([]schemas.QueueInterval, n)
	for i := range rows {
		rows[i] = outageRow(i%o.queues, -1-(o.filled+i)/o.queues, 2)
	}
	o.filled += n
	o.write(rows)
}

// behind is how many records a sink has yet to commit.
func (o *outage) behind(sink string) (n int64) {
	o.t.Helper()
	committed, err := o.cluster.Committed(o.t.Context(), o.p.topics.sinkGroup(sink), o.p.topics.rows())
	o.must(err)
	ranges, err := o.cluster.Offsets(o.t.Context(), o.p.topics.rows())
	o.must(err)
	for p, r := range ranges {
		n += r.Next - max(committed[p], r.First)
	}
	return n
}

// days are the books of a sink.
func (o *outage) days(sink string) (sum DeliveryDay) {
	o.t.Helper()
	l, err := OpenLedger(o.t.Context(), o.p.file, LedgerOptions{Cluster: o.cluster, Registry: o.client, Log: slog.New(slog.DiscardHandler), Now: o.watch.Now})
	o.must(err)
	for _, s := range l.DeliverySinks() {
		if s.Name != sink {
			continue
		}
		list, err := l.DeliveryDays(o.t.Context(), s, o.watch, "")
		o.must(err)
		for _, d := range list {
			sum.Records, sum.Delivered, sum.Pending = sum.Records+d.Records, sum.Delivered+d.Delivered, sum.Pending+d.Pending
			sum.Dead, sum.Missing = sum.Dead+d.Dead, sum.Missing+d.Missing
		}
	}
	return sum
}

// until waits for something, by the machine's clock.
func (o *outage) until(what string, done func() bool) {
	o.t.Helper()
	for began := clock.Now(); !done(); _ = clock.Sleep(o.t.Context(), 5*time.Millisecond) {
		if clock.Since(began) > time.Minute {
			o.t.Fatalf("not in a minute: %s", what)
		}
	}
}

// How a destination fails, besides that nobody listens.
const (
	unavailable = "503"
	silent      = "no answer"
)

// wfm is a destination over HTTP that takes rows as JSON.
type wfm struct {
	t      *testing.T
	watch  clock.Watch
	addr   string
	server *http.Server
	well   chan struct{} // closed by the first rows that it takes since it is

	mu     sync.Mutex
	fails  string
	took   []taken
	holds  map[string]int64
	wrong  []string
	awaits bool
}

// taken is a request that it took.
type taken struct {
	at   time.Time
	rows []sentRow
}

type sentRow struct {
	Key      string
	Revision int64
}

func newWFM(t *testing.T, watch clock.Watch) *wfm {
	t.Helper()
	d := &wfm{t: t, watch: watch, addr: "127.0.0.1:0", holds: map[string]int64{}}
	d.open("")
	t.Cleanup(d.close)
	return d
}

// open lets it listen, and fail in the way given.
func (d *wfm) open(fails string) {
	d.t.Helper()
	d.mu.Lock()
	d.fails, d.well, d.awaits = fails, make(chan struct{}), fails == ""
	d.mu.Unlock()
	if d.server != nil {
		return
	}
	l, err := net.Listen("tcp", d.addr)
	if err != nil {
		d.t.Fatal(err)
	}
	d.addr, d.server = l.Addr().String(), &http.Server{Handler: d, ReadHeaderTimeout: time.Minute}
	go func(s *http.Server) { _ = s.Serve(l) }(d.server)
}

// close lets connections be refused.
func (d *wfm) close() {
	if d.server != nil {
		_ = d.server.Close()
		d.server = nil
	}
}

func (d *wfm) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	d.mu.Lock()
	defer d.mu.Unlock()
	switch {
	case err != nil || d.fails == unavailable:
		w.WriteHeader(http.StatusServiceUnavailable)
		return
	case d.fails == silent:
		d.mu.Unlock()
		<-r.Context().Done()
		d.mu.Lock()
		return
	}
	request := taken{at: d.watch.Now()}
	if err := json.Unmarshal(body, &request.rows); err != nil {
		d.wrong = append(d.wrong, err.Error())
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	for _, row := range request.rows {
		if row.Revision <= d.holds[row.Key] {
			d.wrong = append(d.wrong, fmt.Sprintf("%s has revision %d, and %d comes", row.Key, d.holds[row.Key], row.Revision))
		}
		d.holds[row.Key] = row.Revision
	}
	d.took = append(d.took, request)
	if d.awaits {
		close(d.well)
		d.awaits = false
	}
	w.WriteHeader(http.StatusNoContent)
}

// state is what it has, and the requests that brought it.
func (d *wfm) state() (holds map[string]int64, requests []taken) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return maps.Clone(d.holds), slices.Clone(d.took)
}

func (r sentRow) name() string { return fmt.Sprintf("%s@%d", r.Key, r.Revision) }
