package five9

import (
	"encoding/xml"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
)

func TestRequestsAreCheckedAgainstTheDescription(t *testing.T) {
	r := start(t, Options{})
	f := func(want, text string) {
		t.Helper()
		before := len(r.Violations())
		_, _, body := r.post(adminPath, User, Password, text)
		if got := r.fault(body); got != want {
			t.Errorf("got %q, want %q: %s", got, want, body)
		}
		if len(r.Violations()) != before+1 {
			t.Errorf("a request that breaks the description must be a violation: %s", text)
		}
	}
	run := func(children string) string { return envelope(admin.namespace, "runReport", children) }
	ok := window(CallReport, "2026-03-02T09:00:00.000-08:00", "2026-03-02T10:00:00.000-08:00")
	if got := r.returned(r.call("runReport", ok)); len(got) != 1 || got[0] == "" {
		t.Fatalf("a right request: %v", got)
	}
	f("Fault", "no xml at all")
	f("Fault", `<Envelope><Body/></Envelope>`)
	f("Fault", envelope("http://service.example.test/", "runReport", ok)) // another namespace
	f("Fault", envelope(admin.namespace, "dropTables", ""))               // no such operation
	f("IncorrectArgumentFault", run(strings.Replace(ok, "<folderName>", "<x/><folderName>", 1)))
	f("IncorrectArgumentFault", run(strings.ReplaceAll(ok, "folderName>", "ser:folderName>"))) // children are unqualified
	f("IncorrectArgumentFault", run("<reportName>a</reportName><folderName>b</folderName>"))   // order
	f("IncorrectArgumentFault", run("<folderName>a</folderName><folderName>b</folderName>"))   // number
	f("IncorrectArgumentFault", run(strings.NewReplacer("<end>", "<start>", "</end>", "</start>", "<start>", "<end>", "</start>", "</end>").Replace(ok)))
	f("IncorrectArgumentFault", run(strings.Replace(ok, "2026-03-02T09:00:00.000-08:00", "2026-03-02 09:00", 1)))
	f("MissedArgumentFault", envelope(admin.namespace, "isReportRunning", "<identifier>x</identifier>"))
	f("IncorrectArgumentFault", envelope(admin.namespace, "isReportRunning", "<identifier>x</identifier><timeout>soon</timeout>"))
	f("IncorrectArgumentFault", envelope(admin.namespace, "getReasonCodeByType", "<type>Lunch</type>"))
}

func TestContentType(t *testing.T) {
	r := start(t, Options{})
	response, err := http.Post(r.url+adminPath, "application/json", strings.NewReader("{}"))
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusUnsupportedMediaType || len(r.Violations()) != 1 {
		t.Errorf("status %d, %v", response.StatusCode, r.Violations())
	}
}

// The description is well formed, and every type it speaks of is one it declares or one of XML Schema.
func TestWSDL(t *testing.T) {
	r := start(t, Options{})
	f := func(path, service string) {
		t.Helper()
		response, err := http.Get(r.url + path + "?wsdl&user=" + User)
		if err != nil {
			t.Fatal(err)
		}
		defer response.Body.Close()
		declared, used, operations := map[string]bool{}, []string{}, 0
		for d := xml.NewDecoder(response.Body); ; {
			token, err := d.Token()
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				t.Fatal(err)
			}
			e, ok := token.(xml.StartElement)
			if !ok {
				continue
			}
			a := map[string]string{}
			for _, attr := range e.Attr {
				a[attr.Name.Local] = attr.Value
			}
			switch e.Name.Local {
			case "complexType", "simpleType":
				declared[a["name"]] = true
			case "element":
				if name, ok := strings.CutPrefix(a["type"], "tns:"); ok {
					used = append(used, name)
				} else if !strings.HasPrefix(a["type"], "xs:") {
					t.Errorf("element %q has type %q", a["name"], a["type"])
				}
			case "operation":
				operations++
			case "schema":
				if a["elementFormDefault"] != "unqualified" {
					t.Error("children must be unqualified")
				}
			case "service":
				if a["name"] != service {
					t.Errorf("service %q", a["name"])
				}
			}
		}
		for _, name := range used {
			if !declared[name] {
				t.Errorf("type %q is used and not declared", name)
			}
		}
		if operations < 14 { // in the port type and in the binding
			t.Errorf("%d operations", operations)
		}
	}
	f(adminPath, "WsAdminService")
	f(statisticsPath, "WsSupervisorService")
}

// Answers follow the same description as requests.
func TestAnswersFollowTheDescription(t *testing.T) {
	r := start(t, Options{})
	f := func(operation, children string) {
		t.Helper()
		root, err := parseXML(strings.NewReader(r.call(operation, children)))
		if err != nil {
			t.Fatal(err)
		}
		n, err := wrapper(root)
		if err != nil {
			t.Fatal(err)
		}
		if n.name.Space != admin.namespace || n.name.Local != operation+"Response" || len(n.children) == 0 {
			t.Errorf("%s: wrapper %v with %d returns", operation, n.name, len(n.children))
		}
		if f := admin.check(n, []element{*admin.operation(operation).gives}, operation); f != nil {
			t.Error(f.text)
		}
	}
	f("getUsersGeneralInfo", "")
	f("getUsersInfo", "<userNamePattern>.*</userNamePattern>")
	f("getUserGeneralInfo", "<userName>"+User+"</userName>")
	f("getUserInfo", "<userName>"+User+"</userName>")
	f("getSkills", "")
	f("getSkillsInfo", "")
	f("getAgentGroups", "")
	f("getReasonCode", "<reasonCodeName>Meal</reasonCodeName><type>NotReady</type>")
	f("getReasonCodeByType", "<type>Logout</type>")
	f("getCallCountersState", "")
	f("getVCCConfiguration", "")
	id := r.start(CallReport, r.clock.Now().Add(-3*60*60e9), r.clock.Now())
	r.wait(id)
	f("isReportRunning", "<identifier>"+id+"</identifier><timeout>0</timeout>")
	f("getReportResult", "<identifier>"+id+"</identifier>")
	f("getReportResultCsv", "<identifier>"+id+"</identifier>")
}

func TestUsers(t *testing.T) {
	r := start(t, Options{})
	text := r.call("getUsersGeneralInfo", "")
	for _, want := range []string{"<EMail>evening.team@example.test</EMail>", "<active>false</active>", "<id>300000000012345</id>", "<mediaTypes><enabled>true</enabled>"} {
		if !strings.Contains(text, want) {
			t.Errorf("no %s in the users", want)
		}
	}
	if got := r.returned(text); len(got) != 12 { // ten agents, one who left, the interface's own
		t.Errorf("%d users", len(got))
	}
	if got := r.returned(r.call("getUsersGeneralInfo", "<userNamePattern>a.*</userNamePattern>")); len(got) != 1 {
		t.Errorf("%d users begin with a", len(got))
	}
	if got := r.fault(r.call("getUsersGeneralInfo", "<userNamePattern>(</userNamePattern>")); got != "InvalidRegexpPatternFault" {
		t.Errorf("a broken pattern: %q", got)
	}
	if got := r.fault(r.call("getUserInfo", "<userName>nobody</userName>")); got != "ObjectNotFoundFault" {
		t.Errorf("nobody: %q", got)
	}
}
