package file

import (
	"net/url"
	"path/filepath"
	"strings"
	"time"

	"github.com/quarterhour/quarterhour/sinks/delivery"
)

// place is one file.
type place struct {
	kind   string
	tenant string
	day    string // 2026-03-02; all
}

// paths makes the names of files.
type paths struct {
	pattern  string
	pipeline string
	zone     *time.Location
}

func (p *paths) place(kind string, i *delivery.Item) place {
	to := place{kind: kind, tenant: i.Tenant, day: "all"}
	if kind != "worker" && strings.Contains(p.pattern, "{day}") {
		to.day = time.UnixMilli(instant(i)).In(p.zone).Format(time.DateOnly)
	}
	return to
}

// path is the file's. A tenant's name never leads into another folder.
func (p *paths) path(to place) string {
	return filepath.Clean(strings.NewReplacer(
		"{kind}", identities[to.kind].plural, "{day}", to.day, "{tenant}", segment(to.tenant), "{pipeline}", segment(p.pipeline),
	).Replace(p.pattern))
}

// neighbours are the files of the day before and after.
func (p *paths) neighbours(to place) []place {
	day, err := time.Parse(time.DateOnly, to.day)
	if err != nil {
		return nil
	}
	before, after := to, to
	before.day, after.day = day.AddDate(0, 0, -1).Format(time.DateOnly), day.AddDate(0, 0, 1).Format(time.DateOnly)
	return []place{before, after}
}

func segment(name string) string {
	if name = url.PathEscape(name); strings.Trim(name, ".") == "" {
		return "_" + name
	}
	return name
}
