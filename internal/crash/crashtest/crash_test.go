package crashtest

import (
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/quarterhour/quarterhour/internal/crash"
)

// chain is a series of kills in one data folder. Before each but the first few, a further part of the day is delivered, so that
// there is something to do at every point.
type chain struct {
	name   string
	still  int  // kills before the second delivery
	follow bool // the runs that are killed would not end by themselves
	often  bool // shards write snapshots all the time
	kills  []kill
}

type kill struct {
	at    crash.Name
	times int // at which it is killed there
}

func (k kill) String() string { return string(k.at) + ":" + strconv.Itoa(k.times) }

var chains = []chain{
	{name: "sources", still: 9, kills: []kill{
		{crash.FolderHeld, 1}, {crash.EnginesStarted, 1}, {crash.EnginesPublished, 1}, {crash.TopicEnsured, 3}, {crash.SchemaJournalled, 4},
		{crash.SchemaRegistered, 7}, {crash.CursorsLoaded, 1}, {crash.FileOpened, 2}, {crash.FileRead, 1}, {crash.FilesRead, 3}, {crash.FactsAppended, 5},
		{crash.RejectsWritten, 1}, {crash.FactsFlushed, 2}, {crash.CursorDue, 1}, {crash.CursorStored, 2}, {crash.MarkDue, 1}, {crash.MarkAppended, 3},
		{crash.MarkWritten, 1}, {crash.PromiseMade, 1}, {crash.BatchAcknowledged, 11},
	}},
	{name: "tables", still: 4, kills: []kill{
		{crash.MigrationBegun, 4}, {crash.MigrationRan, 2}, {crash.MigrationRecorded, 3}, {crash.SinkOpened, 1}, {crash.PartitionsAssigned, 3},
		{crash.SinkGathered, 2}, {crash.InsertSpooled, 3}, {crash.InsertRan, 4}, {crash.TableInserted, 2}, {crash.SinkWritten, 1}, {crash.SinkWritten, 5},
		{crash.SinkCommitted, 1}, {crash.StageDrained, 4}, {crash.EnginesClosing, 1}, {crash.EnginesClosed, 1},
	}},
	{name: "stages", kills: []kill{
		{crash.FoldTaken, 3}, {crash.LettersWritten, 1}, {crash.PartialsMade, 1}, {crash.PartialsAppended, 2}, {crash.PartialsAppended, 9},
		{crash.PartialsWritten, 2}, {crash.FoldCommitted, 3}, {crash.FoldReplayed, 2}, {crash.MergeTaken, 2}, {crash.RowsMade, 1}, {crash.RowsAppended, 1},
		{crash.RowsWritten, 2}, {crash.MergeCommitted, 1}, {crash.MergeReplayed, 1}, {crash.CompactionLinked, 1}, {crash.CompactionCopied, 1},
		{crash.CompactionRenamed, 2}, {crash.CompactionReplaced, 3}, {crash.MergeReplayed, 1},
	}},
	{name: "following", follow: true, kills: []kill{
		{crash.FileRead, 2}, {crash.CursorStored, 4}, {crash.PartialsWritten, 5}, {crash.RowsWritten, 3}, {crash.SinkCommitted, 6},
	}},
	{name: "snapshots", often: true, kills: []kill{
		{crash.SectionWritten, 3}, {crash.SectionsWritten, 2}, {crash.ManifestWritten, 3}, {crash.SnapshotRestored, 2}, {crash.PartialsWritten, 6},
		{crash.CompactionReplaced, 9}, {crash.SectionWritten, 5}, {crash.FoldReplayed, 2}, {crash.SectionsWritten, 3}, {crash.SnapshotRestored, 3},
	}},
}

// some is the chain for those in a hurry.
var some = []chain{{name: "some", kills: []kill{
	{crash.SchemaRegistered, 7}, {crash.MigrationBegun, 8}, {crash.CursorDue, 2}, {crash.PartialsAppended, 3}, {crash.RowsWritten, 1}, {crash.SinkWritten, 2},
}}}

func TestNothingShowsOfAKillAtAnyPoint(t *testing.T) {
	x, want := undisturbed(t)
	list := chains
	if testing.Short() {
		list = some
	}
	for _, c := range list {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, x, 1+len(c.kills)-c.still)
			w.follow = c.follow
			if c.often {
				w.role = "often"
			}
			for n, k := range c.kills {
				if n >= c.still && n > 0 {
					w.deliver()
				}
				started := time.Now()
				if !w.step(k) {
					t.Errorf("%s was not reached", k)
				}
				t.Logf("killed at %s after %s", k, time.Since(started).Round(time.Millisecond))
				w.checkLog()
			}
			w.equal(want, w.finish())
		})
	}
}

func TestEveryPointIsKilledAt(t *testing.T) {
	for _, name := range crash.All {
		here := func(k kill) bool { return k.at == name }
		if !slices.ContainsFunc(chains, func(c chain) bool { return slices.ContainsFunc(c.kills, here) }) && !slices.ContainsFunc(rebuilds, here) &&
			!slices.ContainsFunc(polls, here) && !slices.ContainsFunc(deliveries, here) && !slices.ContainsFunc(slices.Concat(queued["standard"], queued["fifo"]), here) {
			t.Errorf("no chain has the point %s", name)
		}
	}
}

// seedVariable repeats the schedule of an earlier test.
const seedVariable = "CRASHTEST_SEED"

// The points, and how often they are passed before, are chosen by chance; not every one is reached.
func TestNothingShowsOfKillsByChance(t *testing.T) {
	if testing.Short() {
		t.Skip("named points will do")
	}
	t.Parallel()
	seed := uint64(time.Now().UnixNano())
	if given, err := strconv.ParseUint(os.Getenv(seedVariable), 10, 64); err == nil {
		seed = given
	}
	t.Logf("%s=%d repeats this schedule", seedVariable, seed)
	r := rand.New(rand.NewPCG(seed, 25))
	x, want := undisturbed(t)
	w := newWorld(t, x, 6)
	points := slices.DeleteFunc(slices.Clone(crash.All), func(n crash.Name) bool {
		polled := slices.Contains([]crash.Name{crash.CredentialStored, crash.RawKept, crash.FlowRead, crash.FlowRetracted, crash.FlowCommitted}, n)
		return polled || strings.HasPrefix(string(n), "rebuild-") || strings.HasPrefix(string(n), "delivery-") || strings.HasPrefix(string(n), "queue-")
	})
	var schedule []string
	for range 10 {
		k := kill{points[r.IntN(len(points))], 1 + r.IntN(6)}
		if r.IntN(2) == 0 {
			w.deliver()
		}
		how := "passed"
		if w.step(k) {
			how = "killed"
		}
		schedule = append(schedule, k.String()+" "+how)
		w.checkLog()
	}
	t.Log(strings.Join(schedule, ", "))
	w.equal(want, w.finish())
}
