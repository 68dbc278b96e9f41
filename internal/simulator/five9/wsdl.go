package five9

import (
	"fmt"
	"io"
	"slices"
	"strings"
)

// wsdl writes the service's description. The address is where the request came to.
func (s *service) wsdl(w io.Writer, address string) {
	p := func(format string, a ...any) { fmt.Fprintf(w, format+"\n", a...) } //nolint:errcheck // a client that went away
	p(`<?xml version="1.0" encoding="UTF-8"?>`)
	p(`<wsdl:definitions name=%q targetNamespace=%q xmlns:tns=%q xmlns:wsdl="http://schemas.xmlsoap.org/wsdl/" xmlns:soap="http://schemas.xmlsoap.org/wsdl/soap/" xmlns:xs="http://www.w3.org/2001/XMLSchema">`, s.name, s.namespace, s.namespace)
	p(`<wsdl:types><xs:schema elementFormDefault="unqualified" targetNamespace=%q version="1.0">`, s.namespace)
	for _, o := range s.operations {
		for _, name := range []string{o.name, o.name + "Response"} {
			p(`<xs:element name=%q type="tns:%s"/>`, name, name)
		}
	}
	for _, f := range s.faults {
		p(`<xs:element name="%sFault" type="tns:%sException"/>`, f, f)
	}
	for _, o := range s.operations {
		s.complexType(p, o.name, o.asks)
		var gives []element
		if o.gives != nil {
			gives = []element{*o.gives}
		}
		s.complexType(p, o.name+"Response", gives)
	}
	for _, name := range s.order {
		if fields, ok := s.types[name]; ok {
			s.complexType(p, name, fields)
			continue
		}
		p(`<xs:simpleType name=%q><xs:restriction base="xs:string">`, name)
		for _, v := range s.values[name] {
			p(`<xs:enumeration value=%q/>`, v)
		}
		p(`</xs:restriction></xs:simpleType>`)
	}
	for _, f := range s.faults {
		fields := append(elements("message? string"), faultFields(f)...)
		slices.SortFunc(fields, func(a, b element) int { return strings.Compare(a.name, b.name) })
		s.complexType(p, f+"Exception", fields)
	}
	p(`</xs:schema></wsdl:types>`)
	s.messages(p)
	p(`<wsdl:service name=%q><wsdl:port binding="tns:%sSoapBinding" name=%q><soap:address location=%q/></wsdl:port></wsdl:service>`, s.name, s.name, s.port, address)
	p(`</wsdl:definitions>`)
}

// faultFields are what a fault has besides its message; all in the order of their names.
func faultFields(name string) []element {
	return elements(map[string]string{
		"OperationsLimitExceeded": "limit long, operationType? string", "ReportNotFound": "folder? string, reportName? string",
		"ObjectNotFound": "id? long, objectName? string, objectType? string", "InvalidDateRange": "start? dateTime, end? dateTime",
		"InvalidRegexpPattern": "pattern? string",
	}[name])
}

func (s *service) complexType(p func(string, ...any), name string, fields []element) {
	p(`<xs:complexType name=%q><xs:sequence>`, name)
	for _, f := range fields {
		kind, occurs := "xs:"+f.kind, ""
		if slices.Contains(s.order, f.kind) {
			kind = "tns:" + f.kind
		}
		switch {
		case f.many:
			occurs = ` maxOccurs="unbounded" minOccurs="0" nillable="true"`
		case f.optional:
			occurs = ` minOccurs="0"`
		}
		p(`<xs:element%s name=%q type=%q/>`, occurs, f.name, kind)
	}
	p(`</xs:sequence></xs:complexType>`)
}

func (s *service) messages(p func(string, ...any)) {
	for _, o := range s.operations {
		for _, name := range []string{o.name, o.name + "Response"} {
			p(`<wsdl:message name=%q><wsdl:part element="tns:%s" name="parameters"/></wsdl:message>`, name, name)
		}
	}
	for _, f := range s.faults {
		p(`<wsdl:message name="%sException"><wsdl:part element="tns:%sFault" name="%sException"/></wsdl:message>`, f, f, f)
	}
	p(`<wsdl:portType name=%q>`, s.port)
	for _, o := range s.operations {
		p(`<wsdl:operation name=%q><wsdl:input message="tns:%s" name=%q/><wsdl:output message="tns:%sResponse" name="%sResponse"/>`, o.name, o.name, o.name, o.name, o.name)
		for _, f := range s.faults {
			p(`<wsdl:fault message="tns:%sException" name="%sException"/>`, f, f)
		}
		p(`</wsdl:operation>`)
	}
	p(`</wsdl:portType><wsdl:binding name="%sSoapBinding" type="tns:%s"><soap:binding style="document" transport="http://schemas.xmlsoap.org/soap/http"/>`, s.name, s.port)
	for _, o := range s.operations {
		p(`<wsdl:operation name=%q><soap:operation soapAction="" style="document"/><wsdl:input><soap:body use="literal"/></wsdl:input><wsdl:output><soap:body use="literal"/></wsdl:output></wsdl:operation>`, o.name)
	}
	p(`</wsdl:binding>`)
}
