package five9

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/quarterhour/quarterhour/ingest"
	"github.com/quarterhour/quarterhour/ingest/flow"
	"github.com/quarterhour/quarterhour/internal/quota"
	vendor "github.com/quarterhour/quarterhour/internal/simulator/five9"
)

// A result of as many rows as the vendor gives at most is taken for cut short, without any option; one less is whole.
func TestCutShort(t *testing.T) {
	const options = "back: 3h\nstreams: {calls: {call_types: {Test: leave_out}}}\n"
	row := "1,\"Mon, 2 Mar 2026 11:05:12\",,Test" + strings.Repeat(",", 13) + "\n"
	node := func(cells string) string {
		return "<values><data>" + strings.ReplaceAll(cells, ",", "</data><data>") + "</data></values>"
	}
	f := func(operation, options, empty, one, end string, rows, asked int) {
		t.Helper()
		s := newScript(t)
		s.on(operation, "<return>"+empty+strings.Repeat(one, rows)+end+"</return>", "<return>"+empty+end+"</return>")
		if err := s.drain(options); err != nil {
			t.Error(err)
		}
		if got := s.count("runReport"); got != asked {
			t.Errorf("%s of %d rows: asked for %d times, want %d", operation, rows, got, asked)
		}
	}
	for rows, asked := range map[int]int{49_999: 1, 50_000: 3} {
		f("getReportResultCsv", options, escaped(callHeader), escaped(row), "", rows, asked)
	}
	header, line := "<header>"+node(strings.TrimSpace(callHeader))+"</header>", "<records>"+node("1,Mon; 2 Mar 2026 11:05:12,,Test"+strings.Repeat(",", 13))+"</records>"
	for rows, asked := range map[int]int{4_999: 1, 5_000: 3} {
		f("getReportResult", "result: rows\n"+options, header, strings.ReplaceAll(line, ";", ","), "", rows, asked)
	}
}

// Budgets begin anew by the data centre's clock, which is the reports' unless it is said to be another.
func TestDataCenterZone(t *testing.T) {
	f := func(option, day, hour string) {
		t.Helper()
		s := newScript(t)
		s.on("runReport", faultAnswer(500, "OperationsLimitExceededFault", "no", "<limit>120</limit><operationType>ReportRequest</operationType>"))
		s.on("getCallCountersState", "", "<return><callCounterStates><limit>120</limit><operationType>ReportRequest</operationType><value>120</value></callCounterStates><timeout>3600</timeout></return>")
		src := s.source(vendor.Password, option+callsOnly)
		usage := src.admin.credential.Usage()
		i := slices.IndexFunc(usage, func(u quota.Usage) bool { return u.Operation == opReport && u.Per == 24*time.Hour })
		if got := usage[i].Until.UTC().Format(time.RFC3339); got != day {
			t.Errorf("%s: the day ends at %s, want %s", option, got, day)
		}
		var spent *quota.Exhausted
		if err := src.Run(t.Context(), nil, s.out); !errors.As(err, &spent) || spent.Until.UTC().Format(time.RFC3339) != hour {
			t.Errorf("%s: %v, want until %s", option, err, hour)
		}
	}
	f("", "2026-03-03T08:00:00Z", "2026-03-02T21:00:01Z")
	f("data_center_timezone: Asia/Kolkata\n", "2026-03-03T18:30:00Z", "2026-03-02T20:30:01Z")
}

// The counters are read at the beginning and every quarter of an hour, and no oftener.
func TestCountersAreReadNowAndThen(t *testing.T) {
	s := newScript(t)
	src := s.source(vendor.Password, callsOnly)
	for _, want := range []int{1, 1, 2, 2, 3} {
		if err := src.admin.refresh(t.Context()); err != nil {
			t.Fatal(err)
		}
		if got := s.count("getCallCountersState"); got != want {
			t.Errorf("at %s they were read %d times, want %d", s.watch.Now(), got, want)
		}
		s.watch.move(14 * time.Minute)
	}
}

// What the vendor does not allow is asked for again after an hour.
func TestDeniedForAnHour(t *testing.T) {
	s := newScript(t)
	s.on("getUsersGeneralInfo", faultAnswer(500, "AccessDisallowedFault", "no", ""), "<return><id>1</id><userName>a</userName></return>")
	src := s.source(vendor.Password, "streams: {users: {}}\n")
	ask := func(want int) error {
		err := src.eachUser(t.Context(), func(*user) error { return nil })
		if got := s.count("getUsersGeneralInfo"); got != want {
			t.Errorf("at %s it was called %d times, want %d", s.watch.Now(), got, want)
		}
		return err
	}
	for range 3 {
		if err := ask(1); !is(err, Stop) {
			t.Error(err)
		}
		s.watch.move(29 * time.Minute)
	}
	if err := ask(2); err != nil {
		t.Error(err)
	}
}

// What a check says of clocks that differ, and of a quota that is spent.
func TestCheckWarns(t *testing.T) {
	options := callsOnly
	f := func(skew time.Duration, counters string, want ...string) {
		t.Helper()
		s := newScript(t)
		s.skew = skew
		s.on("getSessionParameters", "<return/>")
		s.on("getStatistics", statisticsAnswer)
		s.on("getCallCountersState", counters)
		var got []string
		err := Registration.Check(t.Context(), decoded(t, "url: "+s.url+"\n"+account+options), sDeps(s), func(f ingest.Finding) {
			got = append(got, string(f.Outcome)+" "+f.What+": "+f.Detail)
		})
		if err != nil {
			t.Error(err)
		}
		for _, text := range want {
			if !slices.ContainsFunc(got, func(g string) bool { return strings.HasPrefix(g, text) }) {
				t.Errorf("nothing says %q:\n%s", text, strings.Join(got, "\n"))
			}
		}
	}
	f(5*time.Second, "", "ok clock: the vendor's and ours agree within 10s", "ok quota of reports per day: 0 of 800")
	f(-5*time.Second, "", "ok clock")
	f(time.Minute, "", "warning clock: ours is 1m0s behind the vendor's")
	f(-time.Minute, "", "warning clock: ours is 1m0s ahead of the vendor's")
	f(-time.Hour, "", "failed clock: ours is 1h0m0s ahead of the vendor's")
	f(0, "<return><callCounterStates><limit>900</limit><operationType>ReportRequest</operationType><value>900</value></callCounterStates><timeout>86400</timeout></return>",
		"ok quota of reports per hour: 0 of 120 are spent", "warning quota of reports per day: 900 of 900 are spent; the streams need about ", "failed report ")
	hour := "<return><callCounterStates><limit>120</limit><operationType>ReportRequest</operationType><value>120</value></callCounterStates><timeout>3600</timeout></return>"
	options = "streams: {agent_states: {}, statuses: {username: wfm-supervisor, password: other}}\n"
	f(0, "<return><callCounterStates><limit>1000</limit><operationType>QueryChangedStatistics</operationType><value>30</value></callCounterStates><timeout>86400</timeout></return>",
		"ok statistics of agent states: 3 agents", "warning quota of statistics per day: 30 of 1000 are spent; the streams need about 1440 a day: read less often")
	options = callsOnly
	f(0, hour, "warning quota of reports per hour: 120 of 120 are spent: nothing is left until 2026-03-02T21:00:00Z")
}

// While a credential is locked nothing counts as a read, and that the flow waits is said once.
func TestLockedIsSaidOnce(t *testing.T) {
	w := newWorld(t, usual, vendor.Options{}, account+"streams: {agent_states: {}, calls: {}}\n")
	w.until(w.watch.Now().Add(time.Hour), 20*time.Minute)
	before, err := flow.ParseCursor(w.out.cursor)
	if err != nil {
		t.Fatal(err)
	}
	d := w.deps()
	d.Drain = false
	var said strings.Builder
	d.Log = slog.New(slog.NewTextHandler(&said, nil))
	end := w.watch.Now().Add(40 * time.Minute)
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	d.Watch = &stopping{w.watch, end, stop}
	s, err := open(decoded(t, "url: "+w.url+"\n"+w.options), d)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.admin.credential.Refused(t.Context(), "Invalid Account"); err != nil {
		t.Fatal(err)
	}
	calls := w.Calls()
	if err := s.Run(ctx, w.out.cursor, w.out); err != nil {
		t.Fatal(err)
	}
	if n := strings.Count(said.String(), "the flow waits until"); n != 2 {
		t.Errorf("it was said %d times of two flows", n)
	}
	after, err := flow.ParseCursor(w.out.cursor)
	if err != nil {
		t.Fatal(err)
	}
	for name, p := range after.Flows {
		if !p.Read.Equal(before.Flows[name].Read) || !strings.Contains(p.Error, "Invalid Account") {
			t.Errorf("%s: last read %s, before %s; error %q", name, p.Read, before.Flows[name].Read, p.Error)
		}
	}
	if got := w.Calls(); got["runReport"] != calls["runReport"] {
		t.Errorf("%d reports were run", got["runReport"]-calls["runReport"])
	}
	w.sound()
}
