package nativetest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"

	"github.com/ClickHouse/ch-go/proto"
)

// exception is an answer of ClickHouse.
type exception struct{ proto.Exception }

func (x *exception) Error() string { return x.Message }

func raise(code int, message string) *exception {
	return &exception{proto.Exception{Code: proto.Error(code), Name: "DB::Exception", Message: "DB::Exception: " + message}}
}

// exceptionText is how HTTP words what the native protocol has in parts.
var exceptionText = regexp.MustCompile(`(?s)^Code: (\d+)\. DB::Exception: (.*?)(?: \([A-Z_0-9]+\))?(?: \(version [^)]*\)+)?\s*$`)

// post runs one statement; rows are those of an INSERT. The answer is in Native, as in files.
func (f *Front) post(database, sql string, settings []proto.Setting, rows []byte) ([]byte, error) {
	u, values := *f.engine, url.Values{"wait_end_of_query": {"1"}, "default_format": {"Native"}}
	for _, s := range settings {
		values.Set(s.Key, s.Value)
	}
	if database != "" {
		values.Set("database", database)
	}
	body := []byte(sql)
	if rows != nil {
		values.Set("query", sql)
		body = rows
	}
	u.Path, u.RawQuery = "/", values.Encode()
	r, err := http.NewRequestWithContext(f.ctx, http.MethodPost, u.String(), bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		return nil, err
	}
	defer func() { _ = answer.Body.Close() }() // it has been read
	text, err := io.ReadAll(answer.Body)
	if err != nil || answer.StatusCode == http.StatusOK {
		return text, err
	}
	m := exceptionText.FindStringSubmatch(string(text))
	if m == nil {
		return nil, fmt.Errorf("%s: %s", answer.Status, text)
	}
	code, err := strconv.Atoi(m[1])
	if err != nil {
		return nil, err
	}
	return nil, raise(code, m[2])
}

// header is a block without rows: the columns that DESCRIBE gives, or those named.
func (s *session) header(of string, names []string) ([]byte, error) {
	text, err := s.f.post(s.database, "DESCRIBE "+of+" FORMAT JSONEachRow", nil, nil)
	if err != nil {
		return nil, err
	}
	types := map[string]string{}
	var all []string
	for line := range bytes.Lines(text) {
		var c struct{ Name, Type string }
		if err := json.Unmarshal(line, &c); err != nil {
			return nil, err
		}
		types[c.Name], all = c.Type, append(all, c.Name)
	}
	if names == nil {
		names = all
	}
	var b proto.Buffer
	proto.BlockInfo{BucketNum: -1}.Encode(&b)
	b.PutInt(len(names))
	b.PutInt(0)
	for _, name := range names {
		name = strings.TrimSpace(name)
		if types[name] == "" {
			return nil, raise(16, "No such column "+name+" in table "+of)
		}
		b.PutString(name)
		b.PutString(types[name])
		if proto.FeatureCustomSerialization.In(s.revision) {
			b.PutBool(false)
		}
	}
	return b.Buf, nil
}
