package five9

import (
	"encoding/xml"
	"errors"
	"fmt"
	"io"
)

// maxAnswer bounds the answers that are read whole.
const maxAnswer = 64 << 20

// decode reads an answer: into points to a struct whose fields are the children of the first element in the Body. Names are compared
// without prefix and namespace.
func decode(r io.Reader, into any) error {
	d := xml.NewDecoder(io.LimitReader(r, maxAnswer))
	depth := 0
	for {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			return errors.New("it is no SOAP envelope with a body")
		}
		if err != nil {
			return fmt.Errorf("it is not XML: %w", err)
		}
		switch t := token.(type) {
		case xml.StartElement:
			depth++
			if depth == 2 && t.Name.Local == "Header" {
				if err := d.Skip(); err != nil {
					return fmt.Errorf("it is not XML: %w", err)
				}
				depth--
			}
			if depth == 3 {
				if err := d.DecodeElement(into, &t); err != nil {
					return fmt.Errorf("it is not as the service's description says: %w", err)
				}
				return nil
			}
		case xml.EndElement:
			depth--
		}
	}
}

// one is an answer of one value.
type one struct {
	Return string `xml:"return"`
}

// counters is the answer of getCallCountersState.
type counters struct {
	Return []struct {
		States []struct {
			Limit     int64  `xml:"limit"`
			Operation string `xml:"operationType"`
			Value     int64  `xml:"value"`
		} `xml:"callCounterStates"`
		Seconds int64 `xml:"timeout"`
	} `xml:"return"`
}

// users is the answer of getUsersGeneralInfo.
type users struct {
	Return []user `xml:"return"`
}

type user struct {
	Active       string `xml:"active"`
	Email        string `xml:"EMail"`
	Extension    string `xml:"extension"`
	FederationID string `xml:"federationId"`
	FirstName    string `xml:"firstName"`
	FullName     string `xml:"fullName"`
	ID           string `xml:"id"`
	LastName     string `xml:"lastName"`
	OSLogin      string `xml:"osLogin"`
	UserName     string `xml:"userName"`
}

// values is a list of cells. A cell may be nil, which reads as empty.
type values struct {
	Data []string `xml:"data"`
}

type record struct {
	Values values `xml:"values"`
}

// statistics is the answer of getStatistics.
type statistics struct {
	Return *struct {
		Columns   record   `xml:"columns"`
		Rows      []record `xml:"rows"`
		Timestamp int64    `xml:"timestamp"`
		Type      string   `xml:"type"`
	} `xml:"return"`
}
