// Package horizon bounds what sinks remember that write whole files. Such a sink keeps all rows of a file, since a correction writes the
// file anew; a day is forgotten once no correction is to be expected of it. A row of a forgotten day is refused from then on: a file
// with that row alone would take all others back.
package horizon

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/quarterhour/quarterhour/internal/clock"
	"github.com/quarterhour/quarterhour/internal/wholefile"
)

// Margin is how long a day is remembered beyond the pipeline's retention, and for how long nothing may have been written of it by the
// machine's clock: a history that is read for the first time has old days that are new here.
const Margin = 7 * 24 * time.Hour

// Reason is the code of refused rows.
const Reason = "too_old"

// often is how often it is worth looking for days to forget.
const often = time.Hour

// Horizon says which days are too old to be corrected. Safe for concurrent use.
type Horizon struct {
	keep  time.Duration // 0: for ever
	zone  *time.Location
	watch clock.Watch

	mu   sync.Mutex
	next time.Time
}

// New makes a horizon of what the user said and the pipeline's retention, of which at least one is not 0 unless everything is to be
// remembered. Days are those of the zone.
func New(keep, retention time.Duration, zone *time.Location, w clock.Watch) (*Horizon, error) {
	switch {
	case keep == 0 && retention > 0:
		keep = retention + Margin
	case keep > 0 && keep < retention:
		return nil, fmt.Errorf("keep is %s, less than the pipeline's retention of %s: corrections would be refused", keep, retention)
	}
	return &Horizon{keep: keep, zone: zone, watch: w}, nil
}

// Day is what a day is called that an instant is of.
func (h *Horizon) Day(at int64) string { return time.UnixMilli(at).In(h.zone).Format(time.DateOnly) }

// Due says whether it is time to look for days to forget, and is true once an hour.
func (h *Horizon) Due() bool {
	if h.keep == 0 {
		return false
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	now := h.watch.Now()
	if now.Before(h.next) {
		return false
	}
	h.next = now.Add(often)
	return true
}

// Behind says whether an instant, in milliseconds, is too old to be corrected.
func (h *Horizon) Behind(at int64) bool {
	return h.keep > 0 && at < h.watch.Now().Add(-h.keep).UnixMilli()
}

// Over says whether a day may be forgotten whose files were written last at an instant of the machine's clock. What is no day never is.
func (h *Horizon) Over(day string, written time.Time) bool {
	begin, err := time.ParseInLocation(time.DateOnly, day, h.zone)
	return err == nil && h.Behind(begin.AddDate(0, 0, 1).UnixMilli()) && clock.Since(written) > Margin
}

// Refusal says why a row of a forgotten day is refused; path is the folder of the days.
func (h *Horizon) Refusal(day, path string) string {
	return fmt.Sprintf("it is of %s, and what the files of that day hold is forgotten after %s: a file with this row alone would take the others back; "+
		"remember for longer by keep, or, if the files are to be written from nothing, remove %s", day, h.keep, filepath.Join(path, fileName))
}

// fileName is where the forgotten days of a folder are written down.
const fileName = "forgotten.json"

// Forgotten are the days of a folder that are forgotten: stretches of days, first and last, in order. A day that had no files lies between two.
type Forgotten [][2]string

// Load reads the forgotten days of a folder.
func Load(dir string) (Forgotten, error) {
	path := filepath.Join(dir, fileName)
	var f Forgotten
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err == nil {
		err = json.Unmarshal(text, &f)
	}
	if err != nil {
		return nil, fmt.Errorf("%s, which says what days are forgotten, cannot be read: %w; remove it if nothing of them is to come", path, err)
	}
	return f, nil
}

// Has says whether a day is among them.
func (f Forgotten) Has(day string) bool {
	return slices.ContainsFunc(f, func(s [2]string) bool { return s[0] <= day && day <= s[1] })
}

// Add writes further days down, before what is remembered of them is removed: a crash in between leaves what nobody reads. The folder is locked.
func (f Forgotten) Add(dir string, days ...string) error {
	all := slices.Clone(f)
	for _, day := range days {
		if !all.Has(day) {
			all = append(all, [2]string{day, day})
		}
	}
	slices.SortFunc(all, func(a, b [2]string) int { return strings.Compare(a[0], b[0]) })
	var joined Forgotten
	for _, s := range all {
		if last := len(joined) - 1; last >= 0 && next(joined[last][1]) >= s[0] {
			joined[last][1] = max(joined[last][1], s[1])
			continue
		}
		joined = append(joined, s)
	}
	return wholefile.Write(filepath.Join(dir, fileName), func(w io.Writer) error { return json.NewEncoder(w).Encode(joined) })
}

// next is the day after.
func next(day string) string {
	at, err := time.Parse(time.DateOnly, day)
	if err != nil {
		return day
	}
	return at.AddDate(0, 0, 1).Format(time.DateOnly)
}
