package app

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestSeconds(t *testing.T) {
	for ms, want := range map[int64]int64{0: 0, 499: 0, 500: 0, 501: 1, 1500: 2, 2500: 2, 2501: 3, 3500: 4} {
		if got := seconds(ms); got != want {
			t.Errorf("%d ms are %d s, not %d", ms, got, want)
		}
	}
}

func TestFilled(t *testing.T) {
	from := time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)
	row := func(quarters int, queue string, offered int64) *interval {
		return &interval{Start: from.Add(time.Duration(quarters) * quarter).Unix(), QueueID: queue, QueueName: strings.ToUpper(queue), Channel: "voice", Offered: offered}
	}
	got := wanted(filled([]*interval{row(1, "a", 3), row(3, "a", 5), row(2, "b", 7)}, from.Add(5*quarter)), func(i *interval) (string, string) {
		return i.QueueID + i.at().Format(" 15:04"), cells(" ", i.QueueName, i.Offered)
	})
	want := map[string]string{"a 09:15": "A 3", "a 09:30": "A 0", "a 09:45": "A 5", "a 10:00": "A 0", "b 09:30": "B 7", "b 09:45": "B 0", "b 10:00": "B 0"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestComparison(t *testing.T) {
	c := &comparison{
		destination: "wfm", want: map[string]string{"same": "1 2", "other": "1 2", "none": "1 2"}, held: map[string]string{"same": "1 2", "other": "1 3", "more": "0 0"},
	}
	c.compare()
	got := [][]string{c.missing, c.extra, c.different}
	want := [][]string{{"wfm has no none"}, {"wfm has more, of which the tables know nothing"}, {"wfm has other: 1 3, and the tables say 1 2"}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestOver(t *testing.T) {
	at := func(ms int64) *int64 { return &ms }
	f := func(name string, f fact, want *int64) {
		t.Helper()
		if diff := cmp.Diff(want, f.over(at(100))); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
	f("open", fact{}, nil)
	f("wrapped up", fact{Ended: at(200), WrapEnded: at(250), WrapMs: at(9)}, at(250))
	f("wrap-up as a length", fact{Ended: at(200), WrapMs: at(30)}, at(230))
	f("taken back", fact{Ended: at(200), Retracted: true}, at(100))
	f("ended before", fact{Ended: at(50)}, at(100))
}
