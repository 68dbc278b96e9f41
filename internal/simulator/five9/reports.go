package five9

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"time"
)

// result is a report that was asked for.
type result struct {
	sheet *sheet
	form  csvForm
	ready time.Time
}

// runReport answers with an identifier at once; what the rows are is what is shown at this instant.
func (s *Server) runReport(n *node) (body, *fault) {
	folder, _ := n.value("folderName")
	name, _ := n.value("reportName")
	if folder == "" || name == "" {
		return nil, failed("MissedArgument", "Folder name and report name must be given")
	}
	now := s.watch.Now()
	start, end, f := s.window(n)
	if f != nil {
		return nil, f
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	at := slices.IndexFunc(s.reports, func(r Report) bool { return r.Folder == folder && r.Name == name })
	if at < 0 {
		return nil, failed("ReportNotFound", fmt.Sprintf("Report %q was not found in folder %q", name, folder), [2]string{"folder", folder}, [2]string{"reportName", name})
	}
	r := s.reports[at]
	turn := s.calls["runReport"]
	d := s.centre.Dice("five9", "report", strconv.Itoa(turn))
	sheet := &sheet{kind: r.Kind, columns: r.Columns, asOf: now, end: end, zone: s.zone, numbers: s.rows.numbers, layout: layouts[turn%2], deleted: maps.Clone(s.deleted)}
	sheet.rows = s.rows.between(r.Kind, start, end, s.o.InclusiveEnd, now.UnixMilli())
	sheet.choose()
	sheet.filter(n)
	if sheet.hide(); d.IntN(3) == 0 {
		sheet.byAgent()
	}
	if s.o.NoID > 0 && turn%s.o.NoID == 0 {
		return func(w *writer) { w.leaf("return", "") }, nil
	}
	id := fmt.Sprintf("%s-%d", s.centre.Slug("report", strconv.Itoa(turn)), turn)
	s.forget(now)
	s.results[id] = &result{sheet, csvForm{d.IntN(2) == 0, []string{"\n", "\r\n"}[d.IntN(2)]}, now.Add(upTo(d, s.o.Running/3, s.o.Running))}
	return func(w *writer) { w.leaf("return", id) }, nil
}

// forget drops the results that are too old to be fetched.
func (s *Server) forget(now time.Time) {
	for id, r := range s.results {
		if now.Sub(r.ready) > s.o.Keeps {
			delete(s.results, id)
		}
	}
}

func (s *Server) window(n *node) (start, end time.Time, f *fault) {
	span := n.child("criteria").child("time")
	from, first := span.value("start")
	to, last := span.value("end")
	if !first || !last {
		return start, end, failed("MissedArgument", "The criteria's time must have a start and an end")
	}
	start, err := instant(from, s.zone)
	if err == nil {
		end, err = instant(to, s.zone)
	}
	if err != nil {
		return start, end, incorrect("criteria/time: %v", err)
	}
	if end.Before(start) {
		return start, end, failed("InvalidDateRange", "The start is after the end", [2]string{"end", to}, [2]string{"start", from})
	}
	return start, end, nil
}

// filter keeps what the criteria's objects ask for: users and skills.
func (s *sheet) filter(n *node) {
	criteria := n.child("criteria")
	if criteria == nil {
		return
	}
	for _, o := range criteria.children {
		kind, ok := o.value("objectType")
		if !ok {
			continue
		}
		var names []string
		for _, c := range o.children {
			if c.name.Local == "objectNames" {
				names = append(names, c.text)
			}
		}
		s.rows = slices.DeleteFunc(s.rows, func(r *row) bool {
			return kind == "User" && !slices.Contains(names, r.user) || kind == "Skill" && !slices.Contains(names, r.skill)
		})
	}
}

// find gives the result of an identifier.
func (s *Server) find(n *node) (*result, *fault) {
	id, _ := n.value("identifier")
	s.mu.Lock()
	defer s.mu.Unlock()
	s.forget(s.watch.Now())
	if r := s.results[id]; r != nil {
		return r, nil
	}
	return nil, failed("UnknownIdentifier", "Unknown identifier "+id)
}

// isReportRunning answers when the report is done, or when the time-out is over.
func (s *Server) isReportRunning(ctx context.Context, n *node) (body, *fault) {
	r, f := s.find(n)
	if f != nil {
		return nil, f
	}
	text, _ := n.value("timeout")
	seconds, _ := strconv.ParseInt(text, 10, 64)
	left := r.ready.Sub(s.watch.Now())
	if wait := min(left, time.Duration(seconds)*time.Second); wait > 0 {
		_ = s.watch.Sleep(ctx, wait) // where the client went away, nobody reads the answer
	}
	return func(w *writer) { w.flag("return", s.watch.Now().Before(r.ready)) }, nil
}

// result gives a report's rows, as cells or as CSV.
func (s *Server) result(n *node, csv bool) (body, *fault) {
	r, f := s.find(n)
	if f != nil {
		return nil, f
	}
	if s.watch.Now().Before(r.ready) {
		return nil, failed("ResultIsNotReady", "Result is not ready due to process is not complete")
	}
	if !csv {
		return func(w *writer) { r.sheet.data(w, s.o.Most) }, nil
	}
	return func(w *writer) { w.in("return", func() { r.sheet.csv(w, r.form, s.o.MostCSV) }) }, nil
}
