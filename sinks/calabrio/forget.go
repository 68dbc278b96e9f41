package calabrio

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/quarterhour/quarterhour/sinks/delivery"
	"github.com/quarterhour/quarterhour/sinks/horizon"
)

// forget removes what is kept of days that no correction is expected of any more. The importer's files stay: they are its own. The folder
// is locked.
func (l *logServer) forget() error {
	if !l.horizon.Due() {
		return nil
	}
	entries, err := os.ReadDir(l.folder.state)
	if err != nil {
		return err
	}
	files, written := map[string][]string{}, map[string]time.Time{} // by day
	for _, e := range entries {
		day, ok := l.dayOf(e.Name())
		if !ok {
			continue
		}
		info, err := e.Info()
		if err != nil {
			return err
		}
		files[day] = append(files[day], filepath.Join(l.folder.state, e.Name()))
		written[day] = slices.MaxFunc([]time.Time{written[day], info.ModTime()}, time.Time.Compare)
	}
	var days, gone []string
	for day, at := range written {
		if l.horizon.Over(day, at) {
			days, gone = append(days, day), append(gone, files[day]...)
		}
	}
	if len(days) == 0 {
		return nil
	}
	forgotten, err := horizon.Load(l.folder.state)
	if err == nil {
		err = forgotten.Add(l.folder.state, days...)
	}
	for _, path := range gone {
		if err == nil {
			err = os.Remove(path)
		}
	}
	if err != nil {
		return fmt.Errorf("forget old days: %w", err)
	}
	l.log.Info("what the files of old days hold is forgotten", "days", len(days), "files", len(gone))
	return nil
}

// dayOf is the day, in the files' time zone, that a file of the state folder is about.
func (l *logServer) dayOf(name string) (day string, ok bool) {
	rest, ok := strings.CutSuffix(name, ".csv.json")
	if !ok {
		return "", false
	}
	for _, s := range sheets {
		if date, ok := strings.CutPrefix(rest, s.file+"_"); ok {
			at, err := time.ParseInLocation(l.o.FileDate+"_15_04", date, l.o.zone())
			return at.Format(time.DateOnly), err == nil
		}
	}
	return "", false
}

// remembered says whether rows of an interval can still be written; refused is why not.
func (l *logServer) remembered(start int64) (refused string, err error) {
	forgotten, err := horizon.Load(l.folder.state)
	if day := l.horizon.Day(start); err == nil && forgotten.Has(day) {
		refused = l.horizon.Refusal(day, l.folder.state)
	}
	return refused, err
}

// forget takes out agents of whom there has been nothing new for so long that no correction is expected: a snapshot logs them out.
func (a *agents) forget() {
	if a.horizon == nil || !a.horizon.Due() {
		return
	}
	before := len(a.of)
	maps.DeleteFunc(a.of, func(_ string, k *known) bool { return a.horizon.Behind(k.Revision >> orderBits) })
	a.changed = a.changed || len(a.of) < before
}

// tooOld says whether a state is of an agent who may have been forgotten: a newer one may have been sent.
func (a *agents) tooOld(i *delivery.Item) bool {
	return a.horizon != nil && a.of[i.Key] == nil && a.horizon.Behind(i.Revision>>orderBits)
}
