package five9

import (
	"strconv"
	"time"
)

// The namespaces of the two services. Only an operation's wrapper is in them (elementFormDefault is unqualified).
const (
	adminSpace      = "http://service.admin.ws.five9.com/"
	supervisorSpace = "http://service.supervisor.ws.five9.com/"
)

// element is one child of a request. Strict servers (JAXB) want children in the WSDL's order, so a request lists them in it.
type element struct {
	name     string
	text     string
	children []element
}

func text(name, value string) element { return element{name: name, text: value} }

func number(name string, value int64) element {
	return element{name: name, text: strconv.FormatInt(value, 10)}
}

// instant is an xs:dateTime with an explicit offset, without which the vendor takes it for the data centre's local time.
func instant(name string, t time.Time, zone *time.Location) element {
	return element{name: name, text: t.In(zone).Format("2006-01-02T15:04:05.000-07:00")}
}

// message is a request: a SOAP 1.1 envelope, and the operation in it.
type message struct {
	operation string
	body      []byte
}

// envelope writes a request.
func envelope(space, operation string, children ...element) message {
	b := make([]byte, 0, 512)
	b = append(b, `<?xml version="1.0" encoding="UTF-8"?>`+"\n"+
		`<soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/" xmlns:ser="`...)
	b = append(b, space...)
	b = append(b, `"><soapenv:Header/><soapenv:Body><ser:`...)
	b = append(b, operation...)
	b = append(b, '>')
	for _, c := range children {
		b = c.append(b)
	}
	b = append(b, "</ser:"...)
	b = append(b, operation...)
	return message{operation, append(b, "></soapenv:Body></soapenv:Envelope>"...)}
}

func (e element) append(b []byte) []byte {
	b = append(b, '<')
	b = append(b, e.name...)
	b = append(b, '>')
	b = appendEscaped(b, e.text)
	for _, c := range e.children {
		b = c.append(b)
	}
	b = append(b, "</"...)
	b = append(b, e.name...)
	return append(b, '>')
}

// appendEscaped escapes what XML text may not hold. Control characters that XML 1.0 has no form for are left out.
func appendEscaped(b []byte, s string) []byte {
	for _, r := range s {
		switch {
		case r == '&':
			b = append(b, "&amp;"...)
		case r == '<':
			b = append(b, "&lt;"...)
		case r == '>':
			b = append(b, "&gt;"...)
		case r == '\r':
			b = append(b, "&#13;"...)
		case r < ' ' && r != '\t' && r != '\n', r == 0xFFFE, r == 0xFFFF:
		default:
			b = append(b, string(r)...)
		}
	}
	return b
}

// runReport asks for a report over [from, to). The vendor does not say whether a row at the criterion's end is in the answer; all
// rows have whole seconds, so an end one millisecond early leaves it out in either case.
func runReport(space, folder, report string, from, to time.Time, zone *time.Location) message {
	return envelope(space, "runReport", text("folderName", folder), text("reportName", report),
		element{name: "criteria", children: []element{{name: "time", children: []element{
			instant("end", to.Add(-time.Millisecond), zone), instant("start", from, zone),
		}}}})
}

// isReportRunning asks whether a report is still being made, and lets the vendor take its time to answer (long poll).
func isReportRunning(space, identifier string, wait time.Duration) message {
	return envelope(space, "isReportRunning", text("identifier", identifier), number("timeout", int64(wait/time.Second)))
}
