package five9

import (
	"encoding/csv"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"slices"
)

// sheet is a report's result, row by row, the header first. A row is good until the next.
type sheet interface {
	// next is the next row, or io.EOF. An error of type *rowError is about one row: the next can be read.
	next() ([]string, error)
}

// csvSheet is a result of getReportResultCsv.
type csvSheet struct{ *csv.Reader }

func newCSVSheet(r io.Reader) csvSheet {
	c := csv.NewReader(r)
	c.FieldsPerRecord, c.ReuseRecord = -1, true
	return csvSheet{c}
}

func (s csvSheet) next() ([]string, error) {
	cells, err := s.Read()
	var wrong *csv.ParseError
	if errors.As(err, &wrong) {
		return cells, bad("quotes", "%v", wrong.Err)
	}
	return cells, err
}

// xmlSheet is a result of getReportResult: the header, then the records. A cell that is nil reads as empty.
type xmlSheet struct {
	d     *xml.Decoder
	cells []string
}

func newXMLSheet(r io.Reader) *xmlSheet { return &xmlSheet{d: xml.NewDecoder(r)} }

func (s *xmlSheet) next() ([]string, error) {
	for {
		token, err := s.d.Token()
		if errors.Is(err, io.EOF) {
			return nil, io.EOF
		}
		if err != nil {
			return nil, fmt.Errorf("answer to getReportResult: %w", err)
		}
		start, ok := token.(xml.StartElement)
		if !ok || start.Name.Local != "header" && start.Name.Local != "records" {
			continue
		}
		var row record
		if err := s.d.DecodeElement(&row, &start); err != nil {
			return nil, fmt.Errorf("answer to getReportResult: %w", err)
		}
		s.cells = append(s.cells[:0], row.Values.Data...)
		return slices.Clip(s.cells), nil
	}
}
