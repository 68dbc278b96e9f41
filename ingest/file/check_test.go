package file

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/quarterhour/quarterhour/ingest"
)

func TestCheck(t *testing.T) {
	folder := t.TempDir()
	write(t, filepath.Join(folder, "good.csv"), "id,q,at\n1,x,2026-03-02T09:00:00Z\n")
	write(t, filepath.Join(folder, "some.csv"), "id,q,at\n1,x,2026-03-02T09:00:00Z\n,x,2026-03-02T09:00:00Z\n")
	write(t, filepath.Join(folder, "none.csv"), "id,q,at\n1,x,soon\n")
	write(t, filepath.Join(folder, "other.csv"), "id;q;at\n1;x;2026-03-02T09:00:00Z\n")
	write(t, filepath.Join(folder, "empty.csv"), "id,q,at\n")
	f := func(path string, want ...string) {
		t.Helper()
		var got []string
		err := check(t.Context(), parseOptions(t, "path: "+filepath.Join(folder, path)+"\nas: contact\nfields: {interaction_id: id, queue_id: q, offered_at: time(at)}\n"), ingest.Deps{},
			func(n ingest.Finding) {
				got = append(got, string(n.Outcome)+" "+strings.TrimPrefix(n.What, folder+string(filepath.Separator))+": "+n.Detail)
			})
		if err != nil || len(got) != len(want) {
			t.Fatalf("%v, %q", err, got)
		}
		for i, w := range want {
			if !strings.HasPrefix(got[i], w) && !strings.Contains(got[i], w) {
				t.Errorf("%q, want %q", got[i], w)
			}
		}
	}
	f("good.csv", "ok path: 1 files", "ok good.csv: 1 rows")
	f("*.csv", "ok path: 5 files", "warning some.csv: 1 of 2 rows cannot be used")
	f("none.csv", "ok path", "failed none.csv: none of 1 rows can be used")
	f("other.csv", "ok path", "set `delimiter`")
	f("empty.csv", "ok path", "warning empty.csv: has no rows")
	f("nowhere.csv", "failed path: no file")
	f("nowhere-*.csv", "warning path: no file")
}
