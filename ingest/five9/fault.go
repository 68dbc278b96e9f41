package five9

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode"
)

// What is what a fault asks of the caller.
type What int

// The kinds of fault.
const (
	// Backoff: the service is not well, or somebody else works with this user. Another try later may do.
	Backoff What = iota + 1
	// Limited: the budget of an operation is spent until the clock's next minute, hour or day.
	Limited
	// Misconfigured: what was asked for does not exist or is not understood. Trying again changes nothing.
	Misconfigured
	// Stop: the account is not allowed this. A service may count another try as an attack.
	Stop
	// NotReady: the report's result is not there yet. Poll again.
	NotReady
	// Gone: the identifier is not known (any more). Run the report again.
	Gone
	// Again: the session was closed by somebody else with the same user. Once more after a pause.
	Again
	// Renew: the session of the statistics service is to be set up anew.
	Renew
	// Refused: the account is not accepted, or locked. No further call is made with it: another try could lock it.
	Refused
)

// kinds of the faults by the name of their element, less the ending Fault or Exception, in lower case.
var kinds = map[string]What{
	"operationslimitexceeded": Limited,
	"reportnotfound":          Misconfigured,
	"objectnotfound":          Misconfigured,
	"missedargument":          Misconfigured,
	"incorrectargument":       Misconfigured,
	"invaliddaterange":        Misconfigured,
	"invalidregexppattern":    Misconfigured,
	"unknowncolumn":           Misconfigured,
	"unknownidentifier":       Gone,
	"resultisnotready":        NotReady,
	"useralreadyloggedin":     Backoff,
	"serviceunavailable":      Backoff,
	"server":                  Backoff,
	"concurrentmodification":  Backoff,
	"userlimitreached":        Backoff,
	"sessionclosed":           Again,
	"adminsessionclosed":      Again,
	"invalidaccount":          Refused,
	"accessdisallowed":        Stop,
	"sessionnotinitialized":   Renew,
	"configurationchanged":    Renew,
	"unknowntimestamp":        Renew,
	"statisticsnotrequested":  Renew,
}

// Fault is a SOAP fault, which comes with status 500 or 200.
type Fault struct {
	Kind      What
	Name      string // of the element, as ReportNotFoundFault; the fault code where there is no detail
	Message   string
	Operation string // the budget, of OperationsLimitExceededFault
	Limit     int64
	Fields    map[string]string // the other fields of the detail
}

func (f *Fault) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "the vendor answered %s", f.Name)
	if f.Message != "" {
		fmt.Fprintf(&b, ": %s", f.Message)
	}
	for _, name := range [...]string{"folder", "reportName", "objectType", "objectName", "start", "end", "pattern"} {
		if v := f.Fields[name]; v != "" {
			fmt.Fprintf(&b, ", %s %q", name, v)
		}
	}
	if f.Operation != "" {
		fmt.Fprintf(&b, ", operation %q, limit %d", f.Operation, f.Limit)
	}
	if advice := f.advice(); advice != "" {
		b.WriteString(": " + advice)
	}
	return b.String()
}

// advice is what the reader of the error can do.
func (f *Fault) advice() string {
	switch {
	case strings.HasPrefix(f.Name, "ReportNotFound"):
		return "folder and report names are case-sensitive, in the language of the user's settings, and the folder must be visible to the user"
	case f.Kind == Refused:
		return "check user name and password, and whether the account is locked"
	case f.Kind == Stop:
		return "the user needs the administrator role with the permission for web services, and for statistics the supervisor role"
	case strings.HasPrefix(f.Name, "UserAlreadyLoggedIn"), f.Kind == Again:
		return "give each tool and each person a user of their own: sessions of one user end each other"
	}
	return ""
}

// is says whether an error is a fault of a kind.
func is(err error, kind What) bool {
	f := faultOf(err)
	return f != nil && f.Kind == kind
}

// faultOf is the fault in an error; nil where it is another error.
func faultOf(err error) *Fault {
	var f *Fault
	if errors.As(err, &f) {
		return f
	}
	return nil
}

// maybeFault says whether an answer's beginning looks like a fault: a Body whose first element is Fault, with any prefix.
func maybeFault(head []byte) bool {
	if i := bytes.Index(head, []byte("Body")); i >= 0 {
		head = head[i:]
		if len(head) > 512 {
			head = head[:512]
		}
		return bytes.Contains(head, []byte("Fault"))
	}
	return false
}

// faultIn reads the fault of an answer; nil where the answer is none. Names are compared without prefix.
func faultIn(body []byte) *Fault {
	d := xml.NewDecoder(bytes.NewReader(body))
	d.Strict = false
	var path []string
	f := &Fault{Fields: map[string]string{}}
	found := false
	for {
		token, err := d.Token()
		if err != nil {
			break
		}
		switch t := token.(type) {
		case xml.StartElement:
			path = append(path, t.Name.Local)
			if len(path) == 3 { // Envelope, Body, and what the answer is
				if t.Name.Local != "Fault" {
					return nil
				}
				found = true
			}
			if len(path) == 5 && path[3] == "detail" && f.Kind == 0 {
				f.Name, f.Kind = t.Name.Local, kindOf(t.Name.Local)
			}
		case xml.EndElement:
			if len(path) > 0 {
				path = path[:len(path)-1]
			}
		case xml.CharData:
			if found {
				f.field(path, strings.TrimSpace(string(t)))
			}
		}
	}
	if !found {
		return nil
	}
	f.complete()
	return f
}

// field takes the text of one element of the fault.
func (f *Fault) field(path []string, text string) {
	if text == "" {
		return
	}
	const most = 300
	text = text[:min(len(text), most)]
	name := path[len(path)-1]
	switch {
	case len(path) == 4 && (name == "faultstring" || name == "faultcode"):
		f.Fields[name] = text
	case len(path) < 6:
	case name == "message":
		f.Message = text
	case name == "operationType":
		f.Operation = text
	case name == "limit":
		_, _ = fmt.Sscan(text, &f.Limit)
	default:
		f.Fields[name] = text
	}
}

// complete fills in what the detail did not say. A fault without a detail is judged by its text, which some services use alone.
func (f *Fault) complete() {
	if f.Message == "" {
		f.Message = f.Fields["faultstring"]
	}
	if f.Name == "" {
		f.Name = f.Fields["faultcode"]
		if f.Name == "" {
			f.Name = "Fault"
		}
	}
	if f.Kind != 0 {
		return
	}
	_, code, _ := strings.Cut(f.Fields["faultcode"], ":")
	switch said := byText(f.Name + " " + f.Message); {
	case said == 0 && code == "Client": // the request is not understood
		f.Kind = Misconfigured
	case said == 0: // any trouble of the service
		f.Kind = Backoff
	default:
		f.Kind = said
	}
}

// kindOf is the kind of a fault by the name of its element; 0 where it is not known.
func kindOf(name string) What {
	name = strings.ToLower(name)
	name = strings.TrimSuffix(strings.TrimSuffix(name, "fault"), "exception")
	return kinds[name]
}

// refusals are words, in lower case and without blanks, with which services refuse an account. The vendor's own are not known but for
// the fault's name; in doubt no further call is made, since another one may lock the account.
var refusals = []string{"invalidaccount", "accountislocked", "accountlocked", "invalidpassword", "invalidusername", "invalidcredentials", "badcredentials", "authenticationfailed"}

// byText is for faults that have no detail, or one that is not in the table: the table's names in the text; 0 where there is none. Of
// several, that an account is refused counts first, and then the longest.
func byText(text string) (kind What) {
	squeezed := strings.ToLower(strings.Join(strings.FieldsFunc(text, func(r rune) bool { return !unicode.IsLetter(r) }), ""))
	for _, words := range refusals {
		if strings.Contains(squeezed, words) {
			return Refused
		}
	}
	longest := ""
	for name, of := range kinds {
		if name != "server" && strings.Contains(squeezed, name) && (len(name) > len(longest) || len(name) == len(longest) && name < longest) {
			longest, kind = name, of
		}
	}
	return kind
}

// until is when a limit of the vendor's clock no longer holds, if it is the limit of so long a stretch: minute, hour and day begin by
// the data centre's clock.
func until(now time.Time, per time.Duration, l *time.Location) time.Time {
	if per < 24*time.Hour {
		// Offsets of all zones are whole quarters of an hour, so that minutes begin with the minutes of UTC, and hours nearly always.
		_, offset := now.In(l).Zone()
		shift := time.Duration(offset) * time.Second
		return now.Add(shift).Truncate(per).Add(per).Add(-shift)
	}
	y, m, d := now.In(l).Date()
	return time.Date(y, m, d+1, 0, 0, 0, 0, l)
}
