package five9

import (
	"bufio"
	"encoding/xml"
	"fmt"
	"net/http"
	"strconv"
	"strings"
)

// fault is a SOAP fault.
type fault struct {
	name   string // without "Fault"; "": none of the service's, as for an operation that it does not have
	text   string
	fields [][2]string // besides the message
}

func failed(name, text string, fields ...[2]string) *fault { return &fault{name, text, fields} }

func incorrect(format string, a ...any) *fault {
	return failed("IncorrectArgument", fmt.Sprintf(format, a...))
}

// body writes the children of a response's wrapper.
type body func(w *writer)

// writer writes an answer's elements.
type writer struct{ *bufio.Writer }

func (w *writer) text(s string) { _ = xml.EscapeText(w, []byte(s)) }

func (w *writer) put(parts ...string) {
	for _, p := range parts {
		_, _ = w.WriteString(p) // what fails, fails at the flush: the client is gone
	}
}

// leaf is an element of text.
func (w *writer) leaf(name, text string) {
	w.put("<", name, ">")
	w.text(text)
	w.put("</", name, ">")
}

// some leaves out an empty element.
func (w *writer) some(name, text string) {
	if text != "" {
		w.leaf(name, text)
	}
}

func (w *writer) number(name string, n int64) { w.leaf(name, strconv.FormatInt(n, 10)) }

func (w *writer) flag(name string, v bool) { w.leaf(name, strconv.FormatBool(v)) }

// in writes an element with others inside.
func (w *writer) in(name string, inside func()) {
	w.put("<", name, ">")
	inside()
	w.put("</", name, ">")
}

// data writes the cells of a row; a nil cell is not an empty one.
func (w *writer) data(cells []cell) {
	w.put("<values>")
	for _, c := range cells {
		if c.null {
			w.put(`<data xsi:nil="true"/>`)
			continue
		}
		w.leaf("data", c.text)
	}
	w.put("</values>")
}

// cell is one of a report's or of a statistic's.
type cell struct {
	text string
	null bool
}

func cells(texts ...string) []cell {
	row := make([]cell, len(texts))
	for i, t := range texts {
		row[i].text = t
	}
	return row
}

// prefixes that answers come under.
var prefixes = [][2]string{{"env", "ns2"}, {"S", "ns1"}, {"soapenv", "ser"}, {"SOAP-ENV", "a"}, {"soap", "ns2"}}

// answered writes an answer of status 200. Small ones have a length, large ones are chunked.
func (s *Server) answered(w http.ResponseWriter, of *service, namespace, operation string, b body) {
	p := s.prefix()
	s.envelope(w, http.StatusOK, p, func(x *writer) {
		x.put("<", p[1], ":", operation, "Response xmlns:", p[1], `="`, namespace, `">`)
		if b != nil {
			b(x)
		}
		x.put("</", p[1], ":", operation, "Response>")
	})
}

func (s *Server) envelope(w http.ResponseWriter, status int, p [2]string, inside body) {
	w.Header().Set("Content-Type", "text/xml;charset=UTF-8")
	w.WriteHeader(status)
	x := &writer{bufio.NewWriterSize(w, 16<<10)}
	x.put(`<?xml version='1.0' encoding='UTF-8'?><`, p[0], `:Envelope xmlns:`, p[0], `="`, envelopeSpace, `"><`, p[0], `:Header/><`, p[0], `:Body>`)
	inside(x)
	x.put("</", p[0], ":Body></", p[0], ":Envelope>")
	_ = x.Flush()
}

// failed writes a fault. The part is called Exception, the element Fault.
func (s *Server) failed(w http.ResponseWriter, of *service, f *fault) {
	p := s.prefix()
	s.envelope(w, s.faultStatus(), p, func(x *writer) {
		x.in(p[0]+":Fault", func() {
			code := p[0] + ":Server"
			if f.name == "" {
				code = p[0] + ":Client"
			}
			x.leaf("faultcode", code)
			x.leaf("faultstring", f.text)
			if f.name == "" {
				return
			}
			x.put(`<detail><ns1:`, f.name, `Fault xmlns:ns1="`, of.namespace, `">`)
			f.write(x)
			x.put(`</ns1:`, f.name, `Fault></detail>`)
		})
	})
}

// write writes the fault's fields in the order of their names.
func (f *fault) write(x *writer) {
	told := false
	for _, field := range f.fields {
		if !told && field[0] > "message" {
			x.leaf("message", f.text)
			told = true
		}
		x.leaf(field[0], field[1])
	}
	if !told {
		x.leaf("message", f.text)
	}
}

// page is the servlet container's own answer.
func page(w http.ResponseWriter, status int, text string) {
	w.Header().Set("Content-Type", "text/html;charset=utf-8")
	if status == http.StatusUnauthorized {
		w.Header().Set("WWW-Authenticate", `Basic realm="Five9"`)
	}
	w.WriteHeader(status)
	_, _ = fmt.Fprintf(w, "<html><head><title>JBoss Web/7.5.3.Final - JBWEB000064: Error report</title><style><!--H1 {font-family:Tahoma}--></style>"+
		"</head><body><h1>JBWEB000065: HTTP Status %d - %s</h1><HR size=\"1\" noshade=\"noshade\"><p><b>JBWEB000309: type</b> JBWEB000067: Status report"+
		"<p><b>JBWEB000068: message</b> <u>%s</u><HR><h3>JBoss Web/7.5.3.Final</h3></body></html>", status, text, strings.ToUpper(text))
}
