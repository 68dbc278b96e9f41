package clickhouse

import (
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"strconv"
)

// exception is an error with ClickHouse's own number; its text reads "Code: 60. DB::Exception: … (UNKNOWN_TABLE)".
type exception struct {
	code int
	text string
}

func (e *exception) Error() string { return e.text }

// Numbers of ClickHouse (src/Common/ErrorCodes.cpp) that this package itself raises.
const (
	codeBadArguments      = 36
	codeUnknownType       = 50
	codeSyntax            = 62
	codeCannotRead        = 23
	codeUnknownCompress   = 89
	codeReadonly          = 164
	codeUnknownFormat     = 73
	codeIntoOutfile       = 358
	codeSessionNotFound   = 372
	codeSessionIsLocked   = 373
	codeQueryCancelled    = 394
	codeUnknown           = 1002
	codeCannotParseNumber = 72
)

var codeNames = map[int]string{
	codeBadArguments: "BAD_ARGUMENTS", codeUnknownType: "UNKNOWN_TYPE", codeSyntax: "SYNTAX_ERROR", codeCannotRead: "CANNOT_READ_FROM_ISTREAM",
	codeUnknownCompress: "UNKNOWN_COMPRESSION_METHOD", codeReadonly: "READONLY", codeUnknownFormat: "UNKNOWN_FORMAT",
	codeIntoOutfile: "INTO_OUTFILE_NOT_ALLOWED", codeSessionNotFound: "SESSION_NOT_FOUND", codeSessionIsLocked: "SESSION_IS_LOCKED",
	codeQueryCancelled: "QUERY_WAS_CANCELLED", codeUnknown: "UNKNOWN_EXCEPTION", codeCannotParseNumber: "CANNOT_PARSE_NUMBER",
}

// raise makes an exception of this package look as the engine's own do.
func raise(code int, format string, args ...any) *exception {
	return &exception{code: code, text: fmt.Sprintf("Code: %d. DB::Exception: %s (%s)", code, fmt.Sprintf(format, args...), codeNames[code])}
}

var (
	exceptionCode = regexp.MustCompile(`^Code: (\d+)\.`)
	// Each layer of libchdb that passes an exception on wraps its text once more.
	wrappings = regexp.MustCompile(`^(Code: \d+\. DB::Exception: )+`)
	versions  = regexp.MustCompile(`( \([A-Z_0-9]+\))( \(version [^)]*\)\. \([A-Z_0-9]+\))+$`)
)

func parseException(message string) *exception {
	message = versions.ReplaceAllString(wrappings.ReplaceAllString(message, "$1"), "$1")
	match := exceptionCode.FindStringSubmatch(message)
	if match == nil {
		return raise(codeUnknown, "%s", message)
	}
	code, err := strconv.Atoi(match[1])
	if err != nil {
		return raise(codeUnknown, "%s", message)
	}
	return &exception{code: code, text: message}
}

// asException gives the exception inside err, or wraps err as one.
func asException(err error) *exception {
	var e *exception
	if errors.As(err, &e) {
		return e
	}
	return raise(codeUnknown, "%s", err)
}

// httpStatuses are the answers of ClickHouse's HTTP interface (src/Server/HTTP/exceptionCodeToHTTPStatus.cpp); all other
// numbers are 500.
var httpStatuses = func() map[int]int {
	statuses := map[int]int{
		48: http.StatusNotImplemented, 159: http.StatusRequestTimeout, 194: http.StatusUnauthorized,
		229: http.StatusRequestEntityTooLarge, 381: http.StatusLengthRequired,
	}
	for status, codes := range map[int][]int{
		http.StatusBadRequest: {6, 8, 15, 25, 26, 27, 36, 37, 38, 41, 44, 53, 62, 72, 117, 123, 167, 168, 223, 321, 376, 427, 441, 675, 676},
		http.StatusForbidden:  {192, 193, 497, 512, 516},
		http.StatusNotFound:   {46, 47, 50, 56, 60, 63, 73, 78, 81, 115, 152, 336, 511},

		http.StatusServiceUnavailable: {76, 209, 439},
	} {
		for _, code := range codes {
			statuses[code] = status
		}
	}
	return statuses
}()

func (e *exception) status() int {
	if status, ok := httpStatuses[e.code]; ok {
		return status
	}
	return http.StatusInternalServerError
}
