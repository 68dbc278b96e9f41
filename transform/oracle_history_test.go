package transform_test

import (
	"maps"
	"slices"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// What the engine makes of a history is what the oracle, a second and smaller model than the naive one, says of its records.
func TestTablesAgreeWithTheOracle(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) { tablesAgreeWithTheOracle(t, 25) })
}

// Ten thousand histories, with the settings of TestTenThousandHistories.
func TestTenThousandHistoriesAgreeWithTheOracle(t *testing.T) {
	manyHistories(t, tablesAgreeWithTheOracle)
}

func tablesAgreeWithTheOracle(t *rapid.T, size int) {
	h := drawHistoryOf(t, size)
	h.planned, h.shifts = false, nil // the oracle knows nothing of shifts
	var records []any
	outs, logs := map[string][]record{}, h.logs(t)
	for _, name := range slices.Sorted(maps.Keys(logs)) {
		records = append(records, logs[name]...)
		if out := runShard(t, name, h.o, logs[name]); len(out) > 0 {
			outs[name] = out
		}
	}
	got := newRows()
	runMerge(t, &h, outs, got)
	cells, names := map[string]int64{}, map[string]string{}
	for key, row := range got.cells {
		for column, v := range row {
			switch v := v.(type) {
			case int64:
				cells[key+": "+column] = v
			case string:
				names[key+": "+column] = v
			}
		}
	}
	wantCells, wantNames := askOracle(h.o, h.feeds(), records)
	maps.DeleteFunc(wantCells, func(_ string, v int64) bool { return v == 0 })
	maps.DeleteFunc(wantNames, func(_, name string) bool { return name == "" })
	if !maps.Equal(wantCells, cells) || !maps.Equal(wantNames, names) {
		t.Fatalf("tables differ (-oracle +engine):\n%s%s", gocmp.Diff(wantCells, cells), gocmp.Diff(wantNames, names))
	}
}
