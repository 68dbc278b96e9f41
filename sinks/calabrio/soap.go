package calabrio

import (
	"bytes"
	"context"
	"encoding/xml"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/quarterhour/quarterhour/internal/httpcall"
	"github.com/quarterhour/quarterhour/sinks/delivery"
)

// The names of the service, as its description has them.
const (
	soapSpace     = "http://schemas.xmlsoap.org/soap/envelope/"
	serviceSpace  = "http://tempuri.org/"
	contractSpace = "http://schemas.datacontract.org/2004/07/Teleopti.Ccc.Rta.WebService"
	actionPrefix  = "http://tempuri.org/ITeleoptiRtaService/"
)

// Results of the service, as its vendor published them.
const (
	unknownUser     = -100 // a user code of the request is nobody's; the other states were taken
	unknownPlatform = -200
	unknownSource   = -300
)

// userState is one state of one agent as the service takes it.
type userState struct {
	UserCode, Code, Description string
	LoggedOn                    bool
	At                          int64 // milliseconds since 1970, UTC
}

// element is a name and its text.
type element struct{ name, text string }

// batch is the body of SaveBatchExternalUserState. A DataContract reads its elements in the order of the alphabet, and passes over
// those that come late.
func (a *adherence) batch(states []userState, id time.Time, snapshot bool) []byte {
	var b bytes.Buffer
	begin(&b, "SaveBatchExternalUserState")
	write(&b, "t", []element{{"authenticationKey", a.o.AuthenticationKey}, {"platformTypeId", a.o.PlatformTypeID}, {"sourceId", a.o.SourceID}})
	fmt.Fprintf(&b, `<t:externalUserStateBatch xmlns:d="%s">`, contractSpace)
	for _, s := range states {
		b.WriteString("<d:ExternalUserState>")
		write(&b, "d", []element{
			{"BatchId", stamp(id)}, {"IsLoggedOn", strconv.FormatBool(s.LoggedOn)}, {"IsSnapshot", strconv.FormatBool(snapshot)}, {"SecondsInState", "0"},
			{"StateCode", s.Code}, {"StateDescription", s.Description}, {"Timestamp", stamp(time.UnixMilli(s.At))}, {"UserCode", s.UserCode},
		})
		b.WriteString("</d:ExternalUserState>")
	}
	b.WriteString("</t:externalUserStateBatch>")
	end(&b, "SaveBatchExternalUserState")
	return b.Bytes()
}

// closing is the body of the SaveExternalUserState that ends a snapshot: everybody who was not in it is logged out.
func (a *adherence) closing(id time.Time) []byte {
	var b bytes.Buffer
	begin(&b, "SaveExternalUserState")
	write(&b, "t", []element{
		{"authenticationKey", a.o.AuthenticationKey}, {"userCode", ""}, {"stateCode", ""}, {"stateDescription", ""}, {"isLoggedOn", "false"}, {"secondsInState", "0"},
		{"timestamp", stamp(id)}, {"platformTypeId", a.o.PlatformTypeID}, {"sourceId", a.o.SourceID}, {"batchId", stamp(id)}, {"isSnapshot", "true"},
	})
	end(&b, "SaveExternalUserState")
	return b.Bytes()
}

func begin(b *bytes.Buffer, operation string) {
	fmt.Fprintf(b, `<?xml version="1.0" encoding="utf-8"?><s:Envelope xmlns:s="%s"><s:Body><t:%s xmlns:t="%s">`, soapSpace, operation, serviceSpace)
}

func end(b *bytes.Buffer, operation string) {
	fmt.Fprintf(b, `</t:%s></s:Body></s:Envelope>`, operation)
}

func write(b *bytes.Buffer, prefix string, elements []element) {
	for _, e := range elements {
		fmt.Fprintf(b, "<%s:%s>", prefix, e.name)
		_ = xml.EscapeText(b, []byte(e.text)) // a buffer takes everything
		fmt.Fprintf(b, "</%s:%s>", prefix, e.name)
	}
}

func stamp(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000Z") }

// answer is what the service says, or the fault in its place.
type answer struct {
	Body struct {
		Fault *struct {
			Code   string `xml:"faultcode"`
			String string `xml:"faultstring"`
			Detail struct {
				Inner string `xml:",innerxml"`
			} `xml:"detail"`
		} `xml:"http://schemas.xmlsoap.org/soap/envelope/ Fault"`
		Batch  *string `xml:"http://tempuri.org/ SaveBatchExternalUserStateResponse>SaveBatchExternalUserStateResult"`
		Single *string `xml:"http://tempuri.org/ SaveExternalUserStateResponse>SaveExternalUserStateResult"`
	} `xml:"http://schemas.xmlsoap.org/soap/envelope/ Body"`
}

// call makes one call of the service and gives its result.
func (a *adherence) call(ctx context.Context, operation string, body []byte) (int, error) {
	text, response, err := a.client.Bytes(ctx, &httpcall.Request{
		Method: http.MethodPost, Body: body, Operation: operation,
		Header: http.Header{"Content-Type": {"text/xml; charset=utf-8"}, "Soapaction": {`"` + actionPrefix + operation + `"`}, "Accept": {"text/xml"}},
		Judge: func(status int, _ http.Header, head []byte) *httpcall.Error {
			var said answer
			if xml.Unmarshal(head, &said) != nil || said.Body.Fault == nil {
				return httpcall.Misplaced(status)
			}
			return a.fault(status, said.Body.Fault.String+" "+said.Body.Fault.Detail.Inner)
		},
	})
	delivery.Answered(ctx, response, err)
	if err != nil {
		return 0, err
	}
	return result(text)
}

// fault judges a SOAP fault by the name of the exception that it is made of.
func (a *adherence) fault(status int, text string) *httpcall.Error {
	kind := httpcall.Transient
	switch {
	case strings.Contains(text, "AuthenticationKey"):
		kind = httpcall.Refused
	case strings.Contains(text, "BatchTooBig"), strings.Contains(text, "Deserialization"), status < 500:
		kind = httpcall.Permanent
	}
	return &httpcall.Error{Kind: kind, Err: fmt.Errorf("the service answers with a fault: %.300s", text)}
}

// result reads the number that the service answers with.
func result(text []byte) (int, error) {
	unread := func(err error) error {
		return &httpcall.Error{Kind: httpcall.Transient, Sent: true, Err: fmt.Errorf("the service's answer cannot be read: %w", err)}
	}
	var said answer
	if err := xml.Unmarshal(text, &said); err != nil {
		return 0, unread(err)
	}
	for _, number := range []*string{said.Body.Batch, said.Body.Single} {
		if number != nil {
			n, err := strconv.Atoi(strings.TrimSpace(*number))
			if err != nil {
				return 0, unread(fmt.Errorf("its result is %q, not a number", *number))
			}
			return n, nil
		}
	}
	return 0, unread(errors.New("it has no result"))
}
