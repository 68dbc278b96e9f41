package runtime

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/quarterhour/quarterhour/internal/broker"
)

// A destination is away for a day, in three ways, while rows and corrections keep coming: nothing else is delayed, memory grows by no more than
// the rows that wait, and it is brought up to date by itself, as fast as it may be asked, each row once.
func TestADestinationIsAwayForADay(t *testing.T) {
	o := newOutage(t, outageQueues, outageLimited, "tables", "here", "away")
	before, others := o.well()
	left := o.watch.Now()
	pauses := o.metric("delivery_pauses_total")
	o.away.open(unavailable)
	o.merge(8 * time.Hour)
	o.away.close()
	o.merge(8 * time.Hour)
	o.away.open(silent)
	o.merge(8 * time.Hour)
	if meanwhile := o.others("meanwhile", left); meanwhile.median > 2*others.median+15*time.Minute || meanwhile.most > 3*others.most+2*time.Hour {
		t.Errorf("others are delayed: %s, before it was %s", meanwhile, others)
	}
	waiting := o.waits()
	heap := o.heap()
	if n := o.metric("delivery_pauses_total") - pauses; n < 24 || n > 24*40 {
		t.Errorf("it was left alone %g times in a day", n)
	}
	o.back(before)
	o.books()
	grown := heap - o.heap()
	t.Logf("%d rows waited in %d bytes, %d a row", waiting, grown, int64(grown)/waiting)
	if int64(grown) > waiting*2048+1<<20 {
		t.Errorf("%d rows waited in %d bytes", waiting, grown)
	}
}

// In the middle of an outage the process is killed, and the log is compacted: nothing is forgotten, and nothing that had been delivered is
// sent again.
func TestAProcessIsKilledWhileADestinationIsAway(t *testing.T) {
	o := newOutage(t, outageQueues, outageLimited, "tables", "here", "away")
	before, _ := o.well()
	o.away.open(unavailable)
	o.merge(6 * time.Hour)
	o.until("the others have everything", func() bool { return o.behind("here") == 0 && o.behind("tables") == 0 })
	waited, records := o.waits(), o.records()
	o.kill()
	o.must(o.kafka.Close())
	o.startKafka()
	if n := o.records(); n >= records {
		t.Errorf("the log had %d records, and %d after it was compacted", records, n)
	}
	o.start()
	o.until("it is tried again", func() bool { return o.metric("delivery_pauses_total") > 0 })
	o.merge(2 * time.Hour)
	if n := o.waits(); n < waited {
		t.Errorf("%d records wait, and %d did before", n, waited)
	}
	o.back(before)
	o.books()
	for _, problem := range o.here.wrong {
		t.Error(problem)
	}
}

// More rows wait than a sink may hold: the log keeps them, and twice as many take no more memory.
func TestWhatWaitsForADestinationIsBounded(t *testing.T) {
	const rows, most, underWay = 65_000, 60_000, 4 * 2500
	o := newOutage(t, 1000, "batch: 2500", "away")
	var heaps []int
	for n := range 3 {
		o.fill(rows)
		waiting := n * rows // the first rows are there when it fails
		o.until("the rows are read, as far as there is room", func() bool {
			return int(o.metric("lag_records")) == waiting &&
				int(o.metric("delivery_pending_records")) >= min(waiting, most) && (n > 0 || o.behind("away") == 0)
		})
		if held := o.metric("delivery_pending_records"); held > most+underWay {
			t.Errorf("%g rows are held", held)
		}
		heaps = append(heaps, o.heap())
		o.away.open(unavailable)
	}
	one, two := heaps[1]-heaps[0], heaps[2]-heaps[1]
	t.Logf("%d rows in the log take %d bytes, %d a row in memory; as many again take %d", rows, one, one/most, two)
	if one > most*2048 {
		t.Errorf("%d rows are held in %d bytes", most, one)
	}
	if two > one/10 {
		t.Errorf("%d rows beyond take %d bytes", rows, two)
	}
	o.away.open("")
	o.until("nothing waits", func() bool { return o.behind("away") == 0 })
	o.once(nil)
	if left := o.heap() - heaps[0]; left > one { // what was delivered is remembered for a while, and what is read is as large as it ever was
		t.Errorf("when all is delivered %d bytes are left", left)
	}
}

// The destination that fails may be asked so often, which is how sinks of vendors that publish a limit are set.
const (
	outageQueues    = 32
	outageBatch     = 10
	outagePerMinute = 100
	outageAtOnce    = 4 // so many that leave in one minute may arrive in the next
	outageLimited   = "batch: 10\ntimeout: 500ms\nlimits: [{count: 100, per: 1m}]"
)

// well is some hours in which all is well. It returns what had been sent until then, and how fast the others were.
func (o *outage) well() (before int, others delays) {
	o.t.Helper()
	o.merge(outageStep)
	o.until("the first rows arrive", func() bool { return o.behind("here") == 0 && o.behind("tables") == 0 && o.behind("away") == 0 })
	o.speed(outageFast)
	began := o.watch.Now()
	o.merge(4 * time.Hour)
	others = o.others("before", began)
	o.until("nothing waits", func() bool { return o.behind("away") == 0 })
	_, requests := o.away.state()
	return len(requests), others
}

// delays are how long rows took to the destination that is always well, in simulated time.
type delays struct{ median, most time.Duration }

func (d delays) String() string {
	return fmt.Sprintf("%s by median, %s at most in three of four cases", d.median.Round(time.Second), d.most.Round(time.Second))
}

// others waits until the other sinks have all rows, and says how long the rows written since then took. Time that the machine lost to others
// counts a thousandfold, so that few slow ones say nothing.
func (o *outage) others(what string, since time.Time) delays {
	o.t.Helper()
	o.until("the others have everything", func() bool { return o.behind("here") == 0 && o.behind("tables") == 0 })
	var list []time.Duration
	_, requests := o.here.state()
	for _, r := range requests {
		for _, row := range r.rows {
			if at := o.written[row.name()]; !at.Before(since) {
				list = append(list, r.at.Sub(at))
			}
		}
	}
	if len(list) == 0 {
		o.t.Fatal("nothing was delivered to the others")
	}
	slices.Sort(list)
	d := delays{list[len(list)/2], list[len(list)*3/4]}
	o.t.Logf("%s others had %d rows after %s", what, len(list), d)
	return d
}

// waits checks the books of the sink whose destination is away, and returns how many rows wait.
func (o *outage) waits() int64 {
	o.t.Helper()
	d := o.days("away")
	if d.Pending == 0 || d.Dead+d.Missing > 0 || d.Records != int64(len(o.newest)) {
		o.t.Errorf("%d rows, and the books say %+v", len(o.newest), d)
	}
	o.until("metrics say the same", func() bool { return int64(o.metric("delivery_pending_records")) == d.Pending })
	if n := o.behind("away"); n < d.Pending {
		o.t.Errorf("%d rows wait, and it is committed that %d records do", d.Pending, n)
	}
	return d.Pending
}

// back lets the destination be well again, and looks at how it is brought up to date, having taken some requests before it was away.
func (o *outage) back(before int) {
	o.t.Helper()
	o.away.open("")
	<-o.away.well
	o.speed(outageSlow)
	slow := o.watch.Now()
	o.until("nothing waits", func() bool { return o.behind("away") == 0 })
	_, requests := o.away.state()
	requests = requests[before:]
	o.once(requests)
	minutes := map[time.Time]int{}
	for _, r := range requests {
		minutes[r.at.Truncate(time.Minute)]++
	}
	last := requests[len(requests)-1].at.Truncate(time.Minute)
	for minute, n := range minutes {
		if full := minute.After(slow) && minute.Before(last); n > outagePerMinute+outageAtOnce || full && n < outagePerMinute*9/10 {
			o.t.Errorf("%d requests in the minute from %s", n, minute.Format(time.TimeOnly))
		}
	}
	o.t.Logf("%d requests in %s", len(requests), o.watch.Now().Sub(slow).Round(time.Second))
	if !strings.Contains(o.said(), "the destination takes requests again") {
		o.t.Error("the log does not say that it is back")
	}
}

// once checks that the destination holds the newest revision of every row, and that the requests bring each row once, in full batches.
func (o *outage) once(requests []taken) {
	o.t.Helper()
	holds, _ := o.away.state()
	if diff := cmp.Diff(o.newest, holds); diff != "" {
		o.t.Errorf("the destination holds (-want +got)\n%s", diff)
	}
	for _, problem := range o.away.wrong {
		o.t.Error(problem)
	}
	rows, sent := 0, map[string]bool{}
	for _, r := range requests {
		rows += len(r.rows)
		for _, row := range r.rows {
			if sent[row.Key] {
				o.t.Errorf("%s is sent again", row.Key)
			}
			sent[row.Key] = true
		}
	}
	if rows < len(requests)*outageBatch*9/10 {
		o.t.Errorf("%d requests for %d rows", len(requests), rows)
	}
}

// books checks that both sinks have delivered everything.
func (o *outage) books() {
	o.t.Helper()
	for _, sink := range []string{"here", "away"} {
		if d := o.days(sink); d.Delivered != d.Records || d.Records != int64(len(o.newest)) {
			o.t.Errorf("sink %s, of %d rows: %+v", sink, len(o.newest), d)
		}
	}
}

// records is how many there are in the log of rows.
func (o *outage) records() (n int) {
	o.t.Helper()
	ranges, err := o.cluster.Offsets(o.t.Context(), o.p.topics.rows())
	o.must(err)
	for p, r := range ranges {
		o.must(o.cluster.ReadAll(o.t.Context(), o.p.topics.rows(), p, r.First, r.Next, func(b *broker.Batch) error {
			n += len(b.Records)
			return nil
		}))
	}
	return n
}
