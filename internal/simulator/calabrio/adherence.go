package calabrio

import (
	"encoding/xml"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// State is what is held of one user.
type State struct {
	Code, Description string
	LoggedOn          bool
	Since             time.Time
}

func (s State) String() string {
	return fmt.Sprintf("%s (%s) logged on %t since %s", s.Code, s.Description, s.LoggedOn, s.Since.UTC().Format(time.RFC3339))
}

// LoggedOff is the code of whoever is logged out.
const LoggedOff = "LOGGED-OFF"

// node is an element of a request.
type node struct {
	XMLName  xml.Name
	Children []node `xml:",any"`
	Text     string `xml:",chardata"`
}

// The contract's elements, in its order.
const (
	service  = "http://tempuri.org/"
	contract = "http://schemas.datacontract.org/2004/07/Teleopti.Ccc.Rta.WebService"
)

var (
	batchOrder  = []string{"authenticationKey", "platformTypeId", "sourceId", "externalUserStateBatch"}
	singleOrder = []string{
		"authenticationKey", "userCode", "stateCode", "stateDescription", "isLoggedOn", "secondsInState", "timestamp", "platformTypeId", "sourceId", "batchId", "isSnapshot",
	}
	stateOrder = []string{"BatchId", "IsLoggedOn", "IsSnapshot", "SecondsInState", "StateCode", "StateDescription", "Timestamp", "UserCode"}
)

func (s *Server) adherence(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, 8<<20))
	s.mu.Lock()
	defer s.mu.Unlock()
	operation, err := s.operation(r, body, err)
	if err != nil {
		s.violation("adherence: %v", err)
		fault(w, "s:Client", "DeserializationFailed", err.Error())
		return
	}
	name := operation.XMLName.Local
	order := map[string][]string{"SaveBatchExternalUserState": batchOrder, "SaveExternalUserState": singleOrder}[name]
	given, err := operation.read(service, order)
	if err != nil {
		s.violation("adherence: %v", err)
		fault(w, "s:Client", "DeserializationFailed", err.Error())
		return
	}
	switch {
	case given["authenticationKey"].Text != s.o.AuthenticationKey:
		fault(w, "s:Server", "InvalidAuthenticationKeyException", "the authentication key is not accepted")
	case given["platformTypeId"].Text != s.o.PlatformTypeID:
		result(w, name, -200)
	case given["sourceId"].Text != s.o.SourceID:
		result(w, name, -300)
	case name == "SaveExternalUserState":
		result(w, name, s.single(given))
	case len(given["externalUserStateBatch"].Children) > s.o.MostStates:
		fault(w, "s:Server", "BatchTooBigException", "the batch has too many states")
	default:
		n, err := s.batch(given["externalUserStateBatch"].Children)
		if err != nil {
			s.violation("adherence: %v", err)
			fault(w, "s:Client", "DeserializationFailed", err.Error())
			return
		}
		result(w, name, n)
	}
}

// operation is what a request asks for.
func (s *Server) operation(r *http.Request, body []byte, err error) (*node, error) {
	var envelope struct {
		XMLName xml.Name `xml:"http://schemas.xmlsoap.org/soap/envelope/ Envelope"`
		Body    struct {
			Operations []node `xml:",any"`
		} `xml:"http://schemas.xmlsoap.org/soap/envelope/ Body"`
	}
	if err == nil {
		err = xml.Unmarshal(body, &envelope)
	}
	if err != nil {
		return nil, fmt.Errorf("the request is no SOAP 1.1: %w", err)
	}
	if len(envelope.Body.Operations) != 1 {
		return nil, fmt.Errorf("the request has %d operations", len(envelope.Body.Operations))
	}
	operation := &envelope.Body.Operations[0]
	name := operation.XMLName.Local
	if operation.XMLName.Space != service || name != "SaveBatchExternalUserState" && name != "SaveExternalUserState" {
		return nil, fmt.Errorf("there is no operation %s in %q", name, operation.XMLName.Space)
	}
	if action := r.Header.Get("SOAPAction"); action != `"`+service+"ITeleoptiRtaService/"+name+`"` {
		return nil, fmt.Errorf("SOAPAction is %s for %s", action, name)
	}
	if kind := r.Header.Get("Content-Type"); !strings.HasPrefix(kind, "text/xml") {
		return nil, fmt.Errorf("the content type is %q, not text/xml", kind)
	}
	return operation, nil
}

// read takes the elements of a contract by name. One that comes late would be passed over by the service: here it is a mistake.
func (n *node) read(space string, order []string) (map[string]node, error) {
	given, names := map[string]node{}, []string{}
	for _, c := range n.Children {
		if c.XMLName.Space != space {
			return nil, fmt.Errorf("element %s is in namespace %q, not %q", c.XMLName.Local, c.XMLName.Space, space)
		}
		given[c.XMLName.Local] = c
		names = append(names, c.XMLName.Local)
	}
	if !slices.Equal(names, order) {
		return nil, fmt.Errorf("%s has the elements %v, not %v", n.XMLName.Local, names, order)
	}
	return given, nil
}

// batch takes states, and answers as the service does.
func (s *Server) batch(states []node) (int, error) {
	unknown := false
	for _, n := range states {
		if n.XMLName.Space != contract || n.XMLName.Local != "ExternalUserState" {
			return 0, fmt.Errorf("the batch holds %s of %q", n.XMLName.Local, n.XMLName.Space)
		}
		given, err := n.read(contract, stateOrder)
		if err != nil {
			return 0, err
		}
		since, err := instant(given["Timestamp"].Text)
		if err != nil {
			return 0, err
		}
		if _, err := instant(given["BatchId"].Text); err != nil {
			return 0, err
		}
		on, err1 := strconv.ParseBool(given["IsLoggedOn"].Text)
		snapshot, err2 := strconv.ParseBool(given["IsSnapshot"].Text)
		if err1 != nil || err2 != nil {
			return 0, fmt.Errorf("IsLoggedOn is %q and IsSnapshot %q", given["IsLoggedOn"].Text, given["IsSnapshot"].Text)
		}
		user := strings.TrimSpace(given["UserCode"].Text)
		if snapshot {
			id := given["BatchId"].Text
			if s.snapshots[id] == nil {
				s.snapshots[id] = map[string]bool{}
			}
			s.snapshots[id][user] = true
		}
		if len(s.o.Users) > 0 && !slices.Contains(s.o.Users, user) {
			unknown = true
			continue
		}
		s.enter(user, State{given["StateCode"].Text, given["StateDescription"].Text, on, since})
	}
	if unknown {
		return -100, nil
	}
	return 1, nil
}

// enter takes over a state.
func (s *Server) enter(user string, now State) {
	if user == "" {
		s.violation("adherence: a state of nobody")
		return
	}
	if !now.LoggedOn {
		now.Code = LoggedOff
	}
	if old, ok := s.states[user]; ok && now.Since.Before(old.Since) {
		s.violation("adherence: %s is told of a state since %s after one since %s", user, now.Since.Format(time.RFC3339Nano), old.Since.Format(time.RFC3339Nano))
	}
	s.states[user] = now
}

// single takes one state; that of nobody ends a snapshot.
func (s *Server) single(given map[string]node) int {
	user := strings.TrimSpace(given["userCode"].Text)
	since, err := instant(given["timestamp"].Text)
	if err != nil {
		s.violation("adherence: %v", err)
		return -500
	}
	if given["isSnapshot"].Text != "true" || user != "" {
		s.enter(user, State{given["stateCode"].Text, given["stateDescription"].Text, given["isLoggedOn"].Text == "true", since})
		return 1
	}
	id := given["batchId"].Text
	if given["timestamp"].Text != id {
		s.violation("adherence: a snapshot ends with timestamp %s and batchId %s", given["timestamp"].Text, id)
	}
	in := s.snapshots[id]
	delete(s.snapshots, id)
	for user, state := range s.states {
		if !in[user] && state.LoggedOn {
			s.states[user] = State{LoggedOff, "", false, since}
		}
	}
	return 1
}

// States are the users' states.
func (s *Server) States() map[string]State {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := map[string]State{}
	for user, state := range s.states {
		all[user] = state
	}
	return all
}

func instant(text string) (time.Time, error) {
	at, err := time.Parse(time.RFC3339Nano, text)
	if err != nil || !strings.HasSuffix(text, "Z") {
		return at, fmt.Errorf("%q is no instant in UTC", text)
	}
	return at, nil
}

func result(w http.ResponseWriter, operation string, n int) {
	w.Header().Set("Content-Type", "text/xml; charset=utf-8")
	_, _ = fmt.Fprintf(w, `<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body><%[1]sResponse xmlns="%[2]s"><%[1]sResult>%[3]d</%[1]sResult></%[1]sResponse></s:Body></s:Envelope>`, operation, service, n)
}

func fault(w http.ResponseWriter, code, exception, message string) {
	w.Header().Set("Content-Type", "text/xml; charset=utf-8")
	w.WriteHeader(http.StatusInternalServerError)
	var b strings.Builder
	_ = xml.EscapeText(&b, []byte(message)) // a builder takes everything
	_, _ = fmt.Fprintf(w, `<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body><s:Fault><faultcode>%s</faultcode><faultstring xml:lang="en-US">%s</faultstring><detail><%s xmlns="%s"/></detail></s:Fault></s:Body></s:Envelope>`,
		code, b.String(), exception, contract)
}
