package clickhouse

import (
	"errors"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"net/url"
	"os"
	"strings"
)

// external is a table that comes with the request and exists for its query only: a part of a multipart/form-data body.
type external struct {
	name string
	data *os.File
}

// multipartBody gives the reader of a multipart/form-data body; nil where the body is something else.
func multipartBody(r *http.Request, body io.Reader) *multipart.Reader {
	kind, parameters, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil || kind != "multipart/form-data" || parameters["boundary"] == "" {
		return nil
	}
	return multipart.NewReader(body, parameters["boundary"])
}

// readForm adds the form's fields to the URL's parameters, and spools its files, which are tables.
func (s *Server) readForm(form *multipart.Reader, values url.Values) (tables []external, err error) {
	defer func() {
		if err != nil {
			closeTables(tables)
		}
	}()
	for {
		part, err := form.NextPart()
		if errors.Is(err, io.EOF) {
			return tables, nil
		}
		if err != nil {
			return tables, unreadable(err)
		}
		if part.FileName() == "" && !values.Has(part.FormName()+"_structure") && !values.Has(part.FormName()+"_types") {
			text, err := io.ReadAll(io.LimitReader(part, queryBytes))
			if err != nil {
				return tables, unreadable(err)
			}
			values.Set(part.FormName(), string(text))
			continue
		}
		file, err := s.spoolFile(part)
		if err != nil {
			return tables, err
		}
		tables = append(tables, external{name: part.FormName(), data: file})
	}
}

func closeTables(tables []external) {
	for _, table := range tables {
		_ = table.data.Close()
	}
}

// describesTable tells whether the parameter says what an external table looks like.
func describesTable(tables []external, name string) bool {
	for _, table := range tables {
		switch name {
		case table.name + "_format", table.name + "_structure", table.name + "_types":
			return true
		}
	}
	return false
}

// create makes the temporary table and fills it.
func (t external) create(conn *connection, values url.Values) error {
	structure := values.Get(t.name + "_structure")
	if types := values.Get(t.name + "_types"); structure == "" && types != "" {
		list, err := parseType("Tuple(" + types + ")")
		if err != nil {
			return raise(codeBadArguments, "%s_types: %s", t.name, err)
		}
		columns := make([]string, len(list.arguments))
		for i, text := range list.arguments {
			columns[i] = fmt.Sprintf("_%d %s", i+1, text)
		}
		structure = strings.Join(columns, ", ")
	}
	if structure == "" {
		return raise(codeBadArguments, "external table %s: neither %s_structure nor %s_types is given", t.name, t.name, t.name)
	}
	format := values.Get(t.name + "_format")
	if format == "" {
		format = "TabSeparated"
	}
	name := quoteName(t.name)
	if err := conn.exec("CREATE TEMPORARY TABLE " + name + " (" + structure + ")"); err != nil {
		return err
	}
	info, err := t.data.Stat()
	if err != nil || info.Size() == 0 {
		return err
	}
	return conn.exec(fmt.Sprintf("INSERT INTO %s FROM INFILE '%s' COMPRESSION 'none' FORMAT %s", name, fdPath(t.data), quoteName(format)))
}
