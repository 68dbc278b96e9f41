package gladly

import (
	"encoding/csv"
	"net/http"
	"slices"
	"time"
)

// metricSets are those that Gladly has and that are told here, with their rows; the others that it has are refused as such.
var metricSets = map[string]func(*Server, *reportRequest, time.Time) [][]string{
	"AgentTimestampsReport":        (*Server).agentTimestamps,
	"AgentDurationsReport":         (*Server).agentDurations,
	"AgentDurationsReportV2":       (*Server).agentDurations,
	"ContactTimestampsReport":      (*Server).contactTimestamps,
	"ConversationTimestampsReport": (*Server).conversationTimestamps,
	"ConversationExportReport":     (*Server).conversationExport,
	"ContactExportReportV3":        (*Server).contactExport,
}

// summaries are sets that know aggregationLevel, byTime those that know startAtTime.
var (
	byTime = []string{"AgentSummaryReport", "ContactExportReportV3"}
	others = []string{
		"AgentAwayTimeReport", "AgentAvailableTimeReportV2", "AgentLoginTimeReport", "AgentSummary", "AgentSummaryV2", "AgentSummaryReport",
		"WorkSessionEventsReportV3", "WorkSessionEventsReportV4", "WorkSessionsReport", "WorkSessionsReportV3", "ContactSummaryReport", "ContactSummaryReportV2",
		"ChannelWaitTimeReport", "ChannelWaitTimeReportV2", "ConversationSummaryReport", "TopicSummaryReport", "TaskTimestampsReport",
	}
)

type reportRequest struct {
	MetricSet        string `json:"metricSet"`
	StartAt          string `json:"startAt"`
	EndAt            string `json:"endAt"`
	StartAtTime      string `json:"startAtTime"`
	EndAtTime        string `json:"endAtTime"`
	Timezone         string `json:"timezone"`
	AggregationLevel string `json:"aggregationLevel"`
	Filters          struct {
		Channel string   `json:"channel"`
		Inboxes []string `json:"inboxes"`
	} `json:"filters"`
	zone     *time.Location
	from, to time.Time
}

func (s *Server) report(w http.ResponseWriter, r *http.Request) {
	var ask reportRequest
	if !read(w, r, &ask) {
		return
	}
	if p := s.understand(&ask); p != nil {
		refuse(w, http.StatusBadRequest, *p)
		return
	}
	s.csv(w, r, ask.MetricSet, func(now time.Time) [][]string { return metricSets[ask.MetricSet](s, &ask, now) })
}

// understand checks a request and fills in its bounds.
func (s *Server) understand(ask *reportRequest) *problem {
	switch {
	case ask.MetricSet == "":
		return &problem{"metricSet", "blank", "metricSet must be present"}
	case metricSets[ask.MetricSet] == nil && slices.Contains(others, ask.MetricSet):
		return &problem{"metricSet", "invalid", "metricSet is one that this simulation does not tell"}
	case metricSets[ask.MetricSet] == nil:
		return &problem{"metricSet", "invalid", "metricSet is unknown"}
	case ask.AggregationLevel != "":
		return &problem{"aggregationLevel", "invalid", "aggregationLevel is for summaries only"}
	}
	for _, id := range ask.Filters.Inboxes {
		if !slices.ContainsFunc(s.chosenQueues(), func(inbox string) bool { return inbox == id }) {
			return &problem{"filters.inboxes", "present", "requested inbox does not exist"}
		}
	}
	if ask.StartAtTime != "" || ask.EndAtTime != "" {
		return ask.byTime()
	}
	return ask.byDay(s.centre.Zone())
}

func (ask *reportRequest) byTime() *problem {
	if !slices.Contains(byTime, ask.MetricSet) || ask.StartAt != "" || ask.EndAt != "" || ask.Timezone != "" {
		return &problem{"startAtTime", "present", "startAtTime and endAtTime are not for this report, or not beside startAt, endAt and timezone"}
	}
	var err error
	if ask.from, err = time.Parse("2006-01-02T15:04Z07:00", ask.StartAtTime); err != nil {
		return &problem{"startAtTime", "invalid", "startAtTime must be formatted as YYYY-mm-ddThh:mmZ"}
	}
	if ask.to, err = time.Parse("2006-01-02T15:04Z07:00", ask.EndAtTime); err != nil || ask.to.Before(ask.from) {
		return &problem{"endAtTime", "invalid", "endAtTime must be formatted as YYYY-mm-ddThh:mmZ, and after startAtTime"}
	}
	ask.zone = time.UTC
	return nil
}

func (ask *reportRequest) byDay(zone *time.Location) *problem {
	if ask.zone = zone; ask.Timezone != "" {
		z, err := time.LoadLocation(ask.Timezone)
		if err != nil {
			return &problem{"timezone", "invalid", "timezone must be an IANA name"}
		}
		ask.zone = z
	}
	for _, day := range []struct {
		attr, text string
		into       *time.Time
	}{{"startAt", ask.StartAt, &ask.from}, {"endAt", ask.EndAt, &ask.to}} {
		if day.text == "" {
			return &problem{day.attr, "blank", day.attr + " must be present"}
		}
		t, err := time.ParseInLocation(time.DateOnly, day.text, ask.zone)
		if err != nil {
			return &problem{day.attr, "invalid", day.attr + " must be formatted as YYYY-MM-DD"}
		}
		*day.into = t
	}
	if ask.to.Before(ask.from) {
		return &problem{"startAt", "invalid", "endAt must occur after startAt"}
	}
	ask.to = ask.to.AddDate(0, 0, 1) // both days are included
	return nil
}

// csv makes a report: it takes its time, and counts as one of those that may run.
func (s *Server) csv(w http.ResponseWriter, r *http.Request, name string, rows func(now time.Time) [][]string) {
	if s.faults.get().NoReport {
		w.WriteHeader(http.StatusForbidden)
		return
	}
	if !s.limits.report(s.watch.Now(), s.faults.get().Busy) {
		w.WriteHeader(http.StatusTooManyRequests)
		return
	}
	defer s.limits.done()
	now := s.watch.Now()
	if err := s.watch.Sleep(r.Context(), s.options.ReportTime); err != nil {
		return
	}
	w.Header().Set("Content-Type", "text/csv")
	w.Header().Set("Content-Disposition", `attachment; filename="`+name+`.csv"`)
	out := csv.NewWriter(w)
	out.WriteAll(rows(now)) //nolint:errcheck // the client is gone
}
