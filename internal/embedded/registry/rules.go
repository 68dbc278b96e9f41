package registry

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/quarterhour/quarterhour/schemas"
)

// The registry's own numbers for what went wrong.
const (
	codeIncompatible    = 409
	codeSubjectNotFound = 40401
	codeVersionNotFound = 40402
	codeInvalidSchema   = 42201
	codeInternal        = 50001
)

// refusal is an answer other than success, in the registry's own form.
type refusal struct {
	status, code int
	message      string
}

func (r *refusal) write(w http.ResponseWriter) {
	answer(w, r.status, map[string]any{"error_code": r.code, "message": r.message})
}

func answer(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/vnd.schemaregistry.v1+json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body) // a client that went away asks again
}

// proposal is the body of a registration and of a question about compatibility.
type proposal struct {
	Schema     string            `json:"schema"`
	Type       string            `json:"schemaType"`
	References []json.RawMessage `json:"references"`
}

// propose reads the body and sees that it is a schema.
func propose(body []byte) (proposal, *refusal) {
	var p proposal
	if err := json.Unmarshal(body, &p); err != nil {
		return p, &refusal{http.StatusUnprocessableEntity, codeInvalidSchema, "the body is not JSON with a schema: " + err.Error()}
	}
	if p.Type != "" && p.Type != "AVRO" {
		return p, &refusal{http.StatusUnprocessableEntity, codeInvalidSchema,
			fmt.Sprintf("schema type %q is not supported: the embedded registry keeps Avro schemas", p.Type)}
	}
	if len(p.References) > 0 {
		return p, &refusal{http.StatusUnprocessableEntity, codeInvalidSchema,
			"references are not supported: the embedded registry keeps schemas that are written in one piece"}
	}
	if err := schemas.Compatible(p.Schema, p.Schema); err != nil { // a schema reads what it writes, unless it is none
		return p, &refusal{http.StatusUnprocessableEntity, codeInvalidSchema, "invalid schema: " + err.Error()}
	}
	return p, nil
}

// permit checks a registration against the subject's earlier schemas and its compatibility level.
func (j *journal) permit(e entry) *refusal {
	subject, ok := subjectOf(e.Path, "/subjects/")
	if !ok {
		return nil
	}
	p, refused := propose([]byte(e.Body))
	if refused != nil {
		return refused
	}
	earlier := j.versions(subject)
	if slices.Contains(earlier, p.Schema) {
		return nil
	}
	if faults := compare(j.level(subject), earlier, p.Schema); len(faults) > 0 {
		return &refusal{http.StatusConflict, codeIncompatible, fmt.Sprintf(
			"Schema being registered is incompatible with an earlier schema for subject %q: %s", subject, strings.Join(faults, "; "))}
	}
	return nil
}

// compatibility answers POST /compatibility/subjects/{subject}/versions and .../versions/{version}.
func (j *journal) compatibility(w http.ResponseWriter, path string, body []byte, verbose bool) {
	subject, ok := subjectOf(path, "/compatibility/subjects/")
	if !ok {
		(&refusal{http.StatusNotFound, codeSubjectNotFound, fmt.Sprintf("no subject in %q", path)}).write(w)
		return
	}
	p, refused := propose(body)
	if refused != nil {
		refused.write(w)
		return
	}
	earlier, level := j.versions(subject), j.level(subject)
	if _, version, one := strings.Cut(path, "/versions/"); one {
		schema, ok := j.version(subject, version)
		if !ok {
			(&refusal{http.StatusNotFound, codeVersionNotFound, fmt.Sprintf("subject %q has no version %q", subject, version)}).write(w)
			return
		}
		earlier = []string{schema}
	}
	faults := compare(level, earlier, p.Schema)
	result := map[string]any{"is_compatible": len(faults) == 0}
	if verbose {
		result["messages"] = append([]string{}, faults...)
	}
	answer(w, http.StatusOK, result)
}

// compare says what keeps the schema from following the earlier ones, oldest first, at a level such as BACKWARD_TRANSITIVE.
func compare(level string, earlier []string, schema string) (faults []string) {
	direction, transitive := strings.CutSuffix(level, "_TRANSITIVE")
	if !transitive && len(earlier) > 1 {
		earlier = earlier[len(earlier)-1:]
	}
	for _, e := range earlier {
		if direction == "BACKWARD" || direction == "FULL" {
			if err := schemas.Compatible(e, schema); err != nil {
				faults = append(faults, "the new schema cannot read what the earlier one wrote: "+err.Error())
			}
		}
		if direction == "FORWARD" || direction == "FULL" {
			if err := schemas.Compatible(schema, e); err != nil {
				faults = append(faults, "the earlier schema cannot read what the new one writes: "+err.Error())
			}
		}
	}
	return faults
}

// subjectOf takes the subject out of prefix + subject + "/versions...".
func subjectOf(path, prefix string) (string, bool) {
	path, _, _ = strings.Cut(path, "?")
	rest, ok := strings.CutPrefix(path, prefix)
	if !ok {
		return "", false
	}
	subject, _, ok := strings.Cut(rest, "/versions")
	if !ok {
		return "", false
	}
	subject, err := url.PathUnescape(subject)
	return subject, err == nil
}

// level is the subject's compatibility level, or the general one.
func (j *journal) level(subject string) string {
	var body struct {
		Level string `json:"compatibilityLevel"`
	}
	j.question("/config/"+url.PathEscape(subject), &body)
	return body.Level
}

// versions are the subject's schemas, oldest first.
func (j *journal) versions(subject string) (list []string) {
	var numbers []int
	j.question("/subjects/"+url.PathEscape(subject)+"/versions", &numbers)
	slices.Sort(numbers)
	for _, n := range numbers {
		if s, ok := j.version(subject, strconv.Itoa(n)); ok {
			list = append(list, s)
		}
	}
	return list
}

func (j *journal) version(subject, version string) (string, bool) {
	var body struct {
		Schema string `json:"schema"`
	}
	ok := j.question("/subjects/"+url.PathEscape(subject)+"/versions/"+url.PathEscape(version), &body)
	return body.Schema, ok
}

// question asks the registry in memory, and leaves the result empty where it knows nothing.
func (j *journal) question(path string, result any) bool {
	a := j.ask(entry{Method: http.MethodGet, Path: path})
	return a.Code == http.StatusOK && json.Unmarshal(a.Body.Bytes(), result) == nil
}
