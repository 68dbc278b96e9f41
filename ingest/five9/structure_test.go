package five9

import (
	"encoding/xml"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// shape is a child that a request may have.
type shape struct {
	name, kind     string
	optional, many bool
}

// shapes reads testdata/structure.txt: by namespace and name of an operation or a type.
func shapes(t *testing.T) map[string][]shape {
	t.Helper()
	text, err := os.ReadFile("testdata/structure.txt")
	if err != nil {
		t.Fatal(err)
	}
	by, space := map[string][]shape{}, ""
	for line := range strings.Lines(string(text)) {
		line = strings.TrimSpace(line)
		switch {
		case line == "" || strings.HasPrefix(line, "#"):
		case strings.HasPrefix(line, "http://"):
			space = line
		default:
			name, list, _ := strings.Cut(line, ":")
			by[space+name] = []shape{}
			for part := range strings.SplitSeq(list, ",") {
				if part = strings.TrimSpace(part); part == "" {
					continue
				}
				child, kind, _ := strings.Cut(part, " ")
				by[space+name] = append(by[space+name], shape{
					strings.TrimRight(child, "?*"), kind, strings.HasSuffix(child, "?"), strings.HasSuffix(child, "*"),
				})
			}
		}
	}
	return by
}

type xmlNode struct {
	XMLName  xml.Name
	Text     string    `xml:",chardata"`
	Children []xmlNode `xml:",any"`
}

// fits checks a request as a strict server does: only the wrapper has a namespace, children are known, in order, and of their types.
func fits(t *testing.T, by map[string][]shape, space, body string) {
	t.Helper()
	var root xmlNode
	if err := xml.Unmarshal([]byte(body), &root); err != nil {
		t.Errorf("%v in %s", err, body)
		return
	}
	const soap = "http://schemas.xmlsoap.org/soap/envelope/"
	if root.XMLName != (xml.Name{Space: soap, Local: "Envelope"}) || len(root.Children) != 2 || root.Children[0].XMLName.Local != "Header" ||
		root.Children[1].XMLName != (xml.Name{Space: soap, Local: "Body"}) || len(root.Children[1].Children) != 1 {
		t.Errorf("no envelope with a header and a body of one element: %s", body)
		return
	}
	w := root.Children[1].Children[0]
	list, ok := by[space+w.XMLName.Local]
	if w.XMLName.Space != space || !ok {
		t.Errorf("the service has no operation %v", w.XMLName)
		return
	}
	for _, problem := range misfits(by, space, list, w) {
		t.Errorf("%s: %s in %s", w.XMLName.Local, problem, body)
	}
}

func misfits(by map[string][]shape, space string, list []shape, n xmlNode) (problems []string) {
	at := 0
	for _, c := range n.Children {
		if c.XMLName.Space != "" {
			problems = append(problems, fmt.Sprintf("child %v has a namespace", c.XMLName))
		}
		next := slices.IndexFunc(list[at:], func(s shape) bool { return s.name == c.XMLName.Local })
		if next < 0 {
			problems = append(problems, fmt.Sprintf("child %s is not known, or not in order", c.XMLName.Local))
			continue
		}
		for _, skipped := range list[at : at+next] {
			if !skipped.optional && !skipped.many {
				problems = append(problems, fmt.Sprintf("child %s is missing", skipped.name))
			}
		}
		s := list[at+next]
		if at += next; !s.many {
			at++
		}
		if inner, ok := by[space+s.kind]; ok {
			problems = append(problems, misfits(by, space, inner, c)...)
			continue
		}
		if !isOf(s.kind, c.Text) {
			problems = append(problems, fmt.Sprintf("child %s is %q, no %s", s.name, c.Text, s.kind))
		}
	}
	for _, rest := range list[at:] {
		if !rest.optional && !rest.many {
			problems = append(problems, fmt.Sprintf("child %s is missing", rest.name))
		}
	}
	return problems
}

func isOf(kind, text string) bool {
	var err error
	switch kind {
	case "long", "int":
		_, err = strconv.ParseInt(text, 10, 64)
	case "boolean":
		_, err = strconv.ParseBool(text)
	case "dateTime":
		_, err = time.Parse("2006-01-02T15:04:05.000-07:00", text)
	case "statisticType":
		return text == "AgentState"
	case "rollingPeriod":
		return slices.Contains([]string{"Minutes5", "Minutes10", "Minutes15", "Minutes30", "Hour1", "Hours2", "Hours3", "Today"}, text)
	case "statisticsRange":
		return slices.Contains([]string{"RollingHour", "CurrentDay", "CurrentWeek", "CurrentMonth", "Lifetime", "CurrentShift"}, text)
	}
	return err == nil
}

// Every request that a run makes, by both services, has the structure of the service's description.
func TestStructure(t *testing.T) {
	by := shapes(t)
	s := newScript(t)
	s.on("getUsersGeneralInfo", "<return><id>1</id><userName>a</userName></return>")
	s.on("getReportResult", "<return><header><values><data>AGENT</data><data>TIMESTAMP</data><data>STATE</data><data>REASON CODE</data><data>AGENT STATE TIME</data></values></header></return>")
	s.on("getSessionParameters", faultAnswer(500, "SessionNotInitializedFault", "no session", ""))
	s.on("setSessionParameters", "")
	s.on("getStatistics", statisticsAnswer)
	s.on("getStatisticsUpdate", "")
	s.on("closeSession", "")
	if err := s.drain("back: 3h\nstreams: {users: {pattern: 'a & <b>'}, calls: {report: 'Calls & <more>'}}\n"); err != nil {
		t.Error(err)
	}
	if err := s.drain("back: 3h\nresult: rows\nstreams: {agent_states: {}, statuses: {session: {appType: x, forceLogoutSession: 'true'}}}\n"); err != nil {
		t.Error(err)
	}
	b := boardOf(t, s)
	for range 2 {
		if err := b.update(t.Context()); err != nil {
			t.Error(err)
		}
	}
	seen := map[string]bool{}
	for i, body := range s.bodies {
		space := adminSpace
		if strings.Contains(body, supervisorSpace) {
			space = supervisorSpace
		}
		fits(t, by, space, body)
		seen[s.asked[i]] = true
	}
	for _, operation := range []string{"runReport", "isReportRunning", "getReportResult", "getReportResultCsv", "getUsersGeneralInfo", "getCallCountersState",
		"setSessionParameters", "getSessionParameters", "getStatistics", "getStatisticsUpdate", "closeSession"} {
		if !seen[operation] {
			t.Errorf("%s was not called", operation)
		}
	}
	if h := s.header; h.Get("SOAPAction") != `""` || h.Get("Content-Type") != "text/xml;charset=UTF-8" || h.Get("Accept-Encoding") != "gzip" || s.user != "wfm-api" {
		t.Errorf("header %v, user %q", h, s.user)
	}
}

// The checker itself refuses what a strict server refuses.
func TestStructureRefuses(t *testing.T) {
	by := shapes(t)
	f := func(children ...xmlNode) {
		t.Helper()
		if len(misfits(by, adminSpace, by[adminSpace+"isReportRunning"], xmlNode{Children: children})) == 0 {
			t.Errorf("%v passed", children)
		}
	}
	child := func(name, text string) xmlNode { return xmlNode{XMLName: xml.Name{Local: name}, Text: text} }
	f(child("identifier", "x"))
	f(child("timeout", "5"), child("identifier", "x"))
	f(child("identifier", "x"), child("timeout", "soon"))
	f(child("identifier", "x"), child("wait", "5"), child("timeout", "5"))
	f(xmlNode{XMLName: xml.Name{Space: adminSpace, Local: "identifier"}}, child("timeout", "5"))
}

func TestRequest(t *testing.T) {
	zone, err := time.LoadLocation("America/Los_Angeles")
	if err != nil {
		t.Fatal(err)
	}
	from := time.Date(2026, 3, 2, 17, 0, 0, 0, time.UTC)
	got := string(runReport(adminSpace, "WFM Reports", "Calls & <more>", from, from.Add(15*time.Minute), zone).body)
	want, err := os.ReadFile("testdata/runreport.xml")
	if err != nil {
		t.Fatal(err)
	}
	if got != strings.TrimSuffix(string(want), "\n") {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}
